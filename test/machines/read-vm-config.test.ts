import { createHash } from 'node:crypto';
import { symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { firmwareOf } from '../../src/machines/firmware.ts';
import { findVmConfig, readVmConfig, savedConfigOf, type SavedConfig } from '../../src/machines/read-vm-config.ts';
import type { ImageKeys } from '../../src/repository/image-keys.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { savedConfig } from './saved-config.ts';

const keys = { of: () => null } as unknown as ImageKeys;

test('a saved configuration is taken as it was saved, or it is said why not', async () => {
  await using folder = await temporaryFolder();
  const saved = async (text: string): Promise<SavedConfig> => {
    await writeFile(folder.file('a.vm-config'), text);
    return { file: folder.file('a.vm-config'), sha256: createHash('sha256').update(text).digest('hex') };
  };
  const config = savedConfig();
  expect(await readVmConfig(await saved(JSON.stringify(config)), keys)).toEqual(config);
  const sound = await saved(JSON.stringify(config));
  await symlink(sound.file, folder.file('link'));
  const refused: readonly (readonly [SavedConfig, RegExp])[] = [
    [{ ...sound, sha256: '0'.repeat(64) }, /SHA-256/],
    [{ ...sound, file: folder.file('link') }, /link/],
    [{ ...sound, file: folder.file('none') }, /none/],
  ];
  for (const [one, why] of refused) {
    await expect(readVmConfig(one, keys)).rejects.toMatchObject({
      code: 'machine.unknown',
      message: expect.stringMatching(why),
    });
    expect(await findVmConfig(one, keys)).toBeNull();
  }
  for (const text of ['', '[', '{"format":"sendense-vm-config/1"}', JSON.stringify({ ...config, cpu: { count: '2' } })])
    await expect(readVmConfig(await saved(text), keys)).rejects.toMatchObject({ code: 'machine.unknown' });
  expect(await findVmConfig(null, keys)).toBeNull();
});

test.each([
  ['', ''],
  [' the accounts\n', ' the accounts\n'],
  ['sendense-in-place/1 run=a point=b\nSendense is about to restore the disks of this VM. Do not start it.', ''],
  [
    'sendense-in-place/1 run=a point=b\nSendense restores the disks of this VM, and they are not whole. Do not start it. Do not back it up.\n\nthe accounts\nsecond line',
    'the accounts\nsecond line',
  ],
  [
    'sendense-restore/1 run=a point=b\nSendense restores this VM. Do not start it yet. If you start it, remove these lines first.\n\nsendense-in-place/1 run=c point=d\n\nthe accounts',
    'the accounts',
  ],
])('notes that were saved while a restore worked on the VM are those of before: %j', async (annotation, then) => {
  await using folder = await temporaryFolder();
  const text = JSON.stringify({ ...savedConfig(), annotation });
  await writeFile(folder.file('a.vm-config'), text);
  const saved = { file: folder.file('a.vm-config'), sha256: createHash('sha256').update(text).digest('hex') };
  expect(await readVmConfig(saved, keys)).toMatchObject({ annotation: then });
});

test('where it lies is what the manifest says', () => {
  const point = { vm: { context: 'pgtest1' }, vm_config: { path: 'a.vm-config', bytes: 1, sha256: 'ab' } };
  expect(savedConfigOf('/repository', point)).toEqual({
    file: '/repository/pgtest1/a.vm-config',
    sha256: 'ab',
    encryption: null,
  });
  expect(savedConfigOf('/repository', { ...point, vm_config: null })).toBeNull();
});

test('UEFI gets variables of its own, and BIOS nothing', async () => {
  await using folder = await temporaryFolder();
  expect(await firmwareOf('auto', async () => 'bios', folder.path)).toBeNull();
  expect(await firmwareOf('auto', async () => 'efi', folder.path)).toMatchObject({
    variables: folder.file('efi-variables.fd'),
  });
});
