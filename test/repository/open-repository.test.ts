import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findRepository, openRepository } from '../../src/repository/open-repository.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const marker = 'sendense-repository.json';
const unusable = { code: 'repository.unusable' };

describe('openRepository', () => {
  test('makes it where there is none, and finds the same one after that', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('deep', 'repository');
    expect(await findRepository('primary', path)).toBeNull();
    const made = await openRepository('primary', path, false);
    expect(made).toMatchObject({ name: 'primary', path });
    expect(await openRepository('primary', path, true)).toEqual(made);
    expect(await readdir(path)).toEqual([marker]);
    expect(JSON.parse(await readFile(`${path}/${marker}`, 'utf8'))).toMatchObject({
      format: 'sendense-repository/1',
      id: made.id,
    });
  });

  test('many that make it at once agree on one', async () => {
    await using folder = await temporaryFolder();
    const all = await Promise.all(Array.from({ length: 10 }, () => openRepository('primary', folder.file('r'), false)));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(await readdir(folder.file('r'))).toEqual([marker]);
  });

  test('a directory with foreign files is refused and not touched; a fresh file system is fine', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('holiday.jpg'), '');
    await expect(openRepository('primary', folder.path, false)).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('holiday.jpg') as string,
    });
    expect(await readdir(folder.path)).toEqual(['holiday.jpg']);
    await rm(folder.file('holiday.jpg'));
    await mkdir(folder.file('lost+found'));
    await writeFile(folder.file('.x.sendense-part'), '');
    await openRepository('primary', folder.path, false);
  });

  test('where restore points are known, an empty or missing directory is a mount that vanished', async () => {
    await using folder = await temporaryFolder();
    for (const path of [folder.path, folder.file('none')]) {
      await expect(openRepository('primary', path, true)).rejects.toMatchObject({
        ...unusable,
        message: expect.stringContaining('restore points of it are known') as string,
      });
    }
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each([
    ['no JSON', 'hello'],
    ['of another program', '{"format":"other/1","id":"x"}'],
    ['of a later format', '{"format":"sendense-repository/2","id":"x"}'],
    ['without id', '{"format":"sendense-repository/1"}'],
    ['null', 'null'],
  ])('a marker that is %s is refused', async (_name, text) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file(marker), text);
    await expect(openRepository('primary', folder.path, false)).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining(marker) as string,
    });
    expect(await readFile(folder.file(marker), 'utf8')).toBe(text);
  });

  test('a file, or a link to nowhere, in its place is refused', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('file'), '');
    await symlink(folder.file('nowhere'), folder.file('link'));
    for (const name of ['file', 'link'])
      await expect(openRepository('primary', folder.file(name), false)).rejects.toMatchObject(unusable);
    expect((await readdir(folder.path)).toSorted()).toEqual(['file', 'link']);
  });

  test('a marker that is a directory is refused', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file(marker));
    await expect(findRepository('primary', folder.path)).rejects.toMatchObject(unusable);
  });
});
