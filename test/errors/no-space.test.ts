import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { isNoSpace, isNoSpaceNumber, saysNoSpace } from '../../src/errors/no-space.ts';

test.each(['ENOSPC', 'EDQUOT'] as const)('%s is a full disk, by name and by number', (code) => {
  expect([isNoSpace(code), isNoSpaceNumber(constants.errno[code])]).toEqual([true, true]);
});

test('what a program prints whose disk is full is recognised', () => {
  const { stderr } = spawnSync('sh', ['-c', 'head -c 1 /dev/zero > /dev/full'], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    encoding: 'utf8',
  });
  expect([saysNoSpace(stderr), saysNoSpace('qemu-img: write failed: Disk quota exceeded')]).toEqual([true, true]);
});

test('other failures are no full disk', () => {
  expect(['EIO', 'EFBIG', 'toString', undefined, 28].filter((code) => isNoSpace(code))).toEqual([]);
  expect([0, constants.errno.EIO, constants.errno.EFBIG].filter((number) => isNoSpaceNumber(number))).toEqual([]);
  expect(saysNoSpace('Input/output error')).toBe(false);
});
