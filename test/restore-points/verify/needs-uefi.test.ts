import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { gptBytes, needsUefi } from '../../../src/restore-points/verify/needs-uefi.ts';
import { makeRaw, MiB } from '../../host/disk-images.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

test.each([
  ['an EFI system partition', 'label: gpt\nsize=2MiB, type=uefi\ntype=linux', true],
  [
    'one and a place for the code of a BIOS',
    'label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649\ntype=uefi',
    false,
  ],
  [
    'one and a partition that an MBR starts',
    'label: gpt\nsize=2MiB, type=uefi\ntype=linux, attrs=LegacyBIOSBootable',
    false,
  ],
  ['no EFI system partition', 'label: gpt\ntype=linux', false],
  ['no GPT', 'label: dos\ntype=83, bootable', false],
])('a disk with %s', async (_what, table, wanted) => {
  await using folder = await temporaryFolder();
  const file = folder.file('a.raw');
  await makeRaw(file, 8 * MiB);
  await execa('sfdisk', ['-q', file], { input: table });
  expect(needsUefi((await readFile(file)).subarray(0, gptBytes))).toBe(wanted);
});

test('a disk with nothing, or less', () => {
  expect(needsUefi(Buffer.alloc(gptBytes))).toBe(false);
  expect(needsUefi(Buffer.alloc(512))).toBe(false);
  expect(needsUefi(Buffer.alloc(0))).toBe(false);
});
