import { open, type FileHandle } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readMark, writeHead, writeMark } from '../../src/targets/device/head.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const MiB = 2 ** 20;

/** A device that is lost after so many writes. */
const lostAfter = (handle: FileHandle, writes: number): FileHandle =>
  new Proxy(handle, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'write' && writes-- <= 0) throw new Error('lost');
        return Reflect.apply(value, target, args);
      };
    },
  });

test('what was on a device is not taken for whole once anything of it has gone', async () => {
  await using folder = await temporaryFolder();
  writeFileSync(folder.file('device'), Buffer.alloc(2 * MiB, 'old'));
  await using handle = await open(folder.file('device'), 'r+');
  await expect(writeMark(lostAfter(handle, 1), 'sendense-restore/1 run=a', MiB)).rejects.toThrow('lost');
  expect(await readMark(handle)).toBe('sendense-restore/1 run=a');
});

test('a device bears the mark until all of its beginning is there', async () => {
  await using folder = await temporaryFolder();
  writeFileSync(folder.file('device'), Buffer.alloc(2 * MiB));
  await using handle = await open(folder.file('device'), 'r+');
  await writeMark(handle, 'sendense-restore/1 run=a', MiB);
  await expect(writeHead(lostAfter(handle, 1), Buffer.alloc(MiB, 'new'))).rejects.toThrow('lost');
  expect(await readMark(handle)).toBe('sendense-restore/1 run=a');
  await writeHead(handle, Buffer.alloc(MiB, 'new'));
  expect(await readMark(handle)).toBeNull();
});
