import { chmod, link, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  exists,
  freeBytes,
  fsyncFile,
  fsyncFolder,
  nameFile,
  publishFile,
  removeTree,
  writeFileDurably,
  writeNewFile,
} from '../../../src/host/files/files.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('writeFileDurably', () => {
  test('writes, replaces, and leaves nothing beside the file', async () => {
    await using folder = await temporaryFolder();
    await writeFileDurably(folder.file('a'), 'one');
    await writeFileDurably(folder.file('a'), Buffer.from('two'), 0o600);
    expect(await readFile(folder.file('a'), 'utf8')).toBe('two');
    expect((await stat(folder.file('a'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test('many at once end with one whole content', async () => {
    await using folder = await temporaryFolder();
    const texts = Array.from({ length: 20 }, (_, at) => String(at).repeat(10_000));
    await Promise.all(texts.map((text) => writeFileDurably(folder.file('a'), text)));
    expect(texts).toContain(await readFile(folder.file('a'), 'utf8'));
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test('where it fails the old content stays and nothing is left', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('taken'));
    await expect(writeFileDurably(folder.file('taken'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(writeFileDurably(folder.file('no', 'such', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(folder.path)).toEqual(['taken']);
  });
});

test('writeNewFile never replaces', async () => {
  await using folder = await temporaryFolder();
  await writeNewFile(folder.file('a'), 'one', 0o444);
  await expect(writeNewFile(folder.file('a'), 'two')).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(folder.file('a'), 'utf8')).toBe('one');
});

describe('publishFile', () => {
  test('gives the name and takes the temporary one away', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('part'), 'new');
    await publishFile(folder.file('part'), folder.file('a'));
    expect(await readFile(folder.file('a'), 'utf8')).toBe('new');
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test.each(['file', 'directory', 'dangling link'])('never over an existing %s', async (kind) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('part'), 'new');
    if (kind === 'file') await writeFile(folder.file('a'), 'old');
    if (kind === 'directory') await mkdir(folder.file('a'));
    if (kind === 'dangling link') await symlink('/nonexistent', folder.file('a'));
    await expect(publishFile(folder.file('part'), folder.file('a'))).rejects.toMatchObject({ code: 'file.exists' });
    expect(await readFile(folder.file('part'), 'utf8')).toBe('new');
    if (kind === 'file') expect(await readFile(folder.file('a'), 'utf8')).toBe('old');
  });

  test('of many at once exactly one wins, and the others keep theirs', async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 20 }, (_, at) => `part-${at}`);
    await Promise.all(names.map((name) => writeFile(folder.file(name), name)));
    const outcomes = await Promise.allSettled(names.map((name) => publishFile(folder.file(name), folder.file('a'))));
    const won = names.filter((_, at) => outcomes[at]?.status === 'fulfilled');
    expect(won).toEqual([await readFile(folder.file('a'), 'utf8')]);
    expect(await readdir(folder.path)).toHaveLength(20);
  });
});

test('nameFile keeps the temporary name, and doing it again is fine', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('part'), 'new');
  await nameFile(folder.file('part'), folder.file('a'));
  await nameFile(folder.file('part'), folder.file('a'));
  expect((await readdir(folder.path)).toSorted()).toEqual(['a', 'part']);
  await link(folder.file('part'), folder.file('b'));
  await writeFile(folder.file('other'), 'foreign');
  await expect(nameFile(folder.file('part'), folder.file('other'))).rejects.toMatchObject({ code: 'file.exists' });
});

test('exists tells there from not there, also below a file', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('a'), '');
  expect(await exists(folder.file('a'))).toBe(true);
  expect(await exists(folder.file('b'))).toBe(false);
  expect(await exists(folder.file('a', 'below'))).toBe(false);
});

test('flushing works for read-only files and for folders, and fails for what is not there', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('a'), 'x');
  await chmod(folder.file('a'), 0o444);
  await fsyncFile(folder.file('a'));
  await fsyncFolder(folder.path);
  await expect(fsyncFile(folder.file('b'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(fsyncFolder(folder.file('a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('the free space of a folder is a number of bytes', async () => {
  await using folder = await temporaryFolder();
  expect(await freeBytes(folder.path)).toBeGreaterThan(0);
});

test('a folder is removed although somebody writes into it until it is gone', async () => {
  for (let round = 0; round < 20; round += 1) {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('job', 'deep'), { recursive: true });
    const write = async (name: string): Promise<void> => {
      for (let at = 0; ; at += 1) {
        const failed = await writeFile(folder.file('job', `${name}${at % 50}`), '').catch(() => true);
        if (failed) return;
        await delay(at % 3);
      }
    };
    const writers = ['a', 'b', 'c'].map(write);
    await removeTree(folder.file('job'));
    await Promise.all(writers);
    expect(await readdir(folder.path)).toEqual([]);
  }
});
