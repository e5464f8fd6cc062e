import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { writeNewFile } from '../../../src/host/files/files.ts';
import { isFull, namedFull, temporaryPlace } from '../../../src/host/files/full-disk.ts';
import { replaceFile } from '../../../src/host/files/replace-file.ts';
import { serveNbd } from '../../../src/host/nbd/qemu-nbd.ts';
import { canMount } from '../../support/loop-mount.ts';
import { fullDisk, smallDisk } from '../../support/small-disk.ts';
import { makeRaw, MiB } from '../disk-images.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const fromTool = new SendenseError('disk.full', 'a tool: No space left on device');

describe.runIf(canMount)('a disk that is full', () => {
  test('is named where a program does not say which it is, with what it is for and the way out', async () => {
    await using folder = await temporaryFolder();
    await using _full = await fullDisk(folder.file('mount'));
    await mkdir(folder.file('mount', 'deep'));
    const [path, apart] = [folder.file('mount', 'deep', 'not there yet'), folder.file('apart')];
    const error = namedFull(fromTool, [
      { path: apart, what: 'the state database' },
      { path, what: 'repository primary', wayOut: 'prune' },
    ]);
    expect(error.message).toBe(
      `a tool: No space left on device; the file system at ${folder.file('mount')} is full (repository primary: ${path})`,
    );
    expect(error.remedy).toBe(`Make space in the file system at ${folder.file('mount')}, or prune.`);
    expect(namedFull(error, [{ path, what: 'again' }])).toBe(error);
  });

  test('is the one of the file that the system names, whatever else is full', async () => {
    await using folder = await temporaryFolder();
    await using _full = await fullDisk(folder.file('one'));
    await using _other = await fullDisk(folder.file('two'));
    const places = [
      { path: folder.path, what: 'everything' },
      { path: folder.file('one'), what: 'one' },
      { path: folder.file('two'), what: 'two' },
    ];
    for (const write of [
      writeNewFile,
      async (path: string, text: string) => replaceFile(path, text, { mode: 0o600 }),
    ]) {
      const fault: unknown = await write(folder.file('two', 'file'), 'text').catch((error: unknown) => error);
      const error = namedFull(new SendenseError('repository.unusable', 'it cannot be made', { cause: fault }), places);
      expect(error).toMatchObject({
        code: 'disk.full',
        message: `it cannot be made; the file system at ${folder.file('two')} is full (two: ${folder.file('two')})`,
      });
    }
  });

  test('is one that can hold no more files, too', async () => {
    await using folder = await temporaryFolder();
    await using _disk = await smallDisk(folder.file('mount'), 'nr_inodes=2');
    await writeFile(folder.file('mount', 'last'), '');
    const fault: unknown = await mkdir(folder.file('mount', 'more')).catch((error: unknown) => error);
    expect(namedFull(fault, []).message).toMatch(/at \S+mount can hold no more files \(no inode is free\)$/);
  });

  test('says no less than it did: its own way out stays, and its facts', async () => {
    await using folder = await temporaryFolder();
    await using _full = await fullDisk(folder.file('mount'));
    const own = new SendenseError('disk.full', 'no', { remedy: 'Buy one.', details: { a: 1 } });
    expect(namedFull(own, [{ path: folder.file('mount'), what: 'it' }])).toMatchObject({
      remedy: 'Buy one.',
      details: { a: 1 },
    });
  });

  test('under the pid file of qemu-nbd, which does not say so', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a.raw'), MiB, [0, 4096]);
    await using _full = await fullDisk(folder.file('run'));
    const served = serveNbd({
      file: folder.file('a.raw'),
      format: 'raw',
      readOnly: true,
      listen: { socket: folder.file('run', 's') },
      exportName: '',
      pidFile: folder.file('run', 'n.pid'),
    });
    await expect(served).rejects.toMatchObject({ code: 'disk.full' });
  });
});

test('a disk that is not full, and another error, stay as they are', async () => {
  await using folder = await temporaryFolder();
  expect(isFull(folder.path)).toBe(false);
  expect(namedFull(fromTool, [{ path: folder.path, what: 'it' }])).toBe(fromTool);
  const other = new SendenseError('tool.failed', 'it failed');
  expect(namedFull(other, [temporaryPlace()])).toBe(other);
});
