import { expect, it } from 'vitest';
import { readAhead } from '../../../src/cli/files/mount/read-ahead.ts';

/** A folder of files that has told which of them were read. */
function folder(count: number) {
  const read: string[] = [];
  const ahead = readAhead();
  const keys = Array.from({ length: count }, (_, at) => `f${at}`);
  ahead.listed(
    keys.map((key) => ({
      key,
      read: async () => {
        read.push(key);
        if (key === 'f3') throw new Error('damaged');
        return Buffer.from(key);
      },
    })),
  );
  return { ahead, keys, read };
}

it('whoever opens one file after the other finds those that follow read already', async () => {
  const { ahead, keys, read } = folder(30);
  expect(ahead.opened('f0')).toBeNull();
  expect(read).toEqual([]);
  expect(ahead.opened('f1')).toBeNull();
  expect(read).toEqual(keys.slice(2, 10));
  expect((await ahead.opened('f2'))?.toString()).toBe('f2');
  await expect(ahead.opened('f3')).rejects.toThrow('damaged');
  for (const key of keys.slice(4)) expect((await ahead.opened(key))?.toString()).toBe(key);
  // Each once.
  expect(read).toEqual(keys.slice(2));
});

it('whoever opens files here and there has nothing read for nothing', () => {
  const { ahead, read } = folder(30);
  for (const key of ['f9', 'f2', 'f20', 'f5', 'f5']) expect(ahead.opened(key)).toBeNull();
  expect(read).toEqual([]);
});

it('what nobody takes is forgotten', () => {
  const { ahead, read } = folder(300);
  for (let at = 0; at < 290; at += 20) {
    ahead.opened(`f${at}`);
    ahead.opened(`f${at + 1}`);
  }
  expect(ahead.opened('f2')).toBeNull();
  expect(ahead.opened('f283')).not.toBeNull();
  ahead.clear();
  const before = read.length;
  ahead.opened('f100');
  ahead.opened('f101');
  expect(read).toHaveLength(before);
});
