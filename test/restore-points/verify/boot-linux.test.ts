import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { exists } from '../../../src/host/files/files.ts';
import type { DiskBus } from '../../../src/host/images/guest-disks.ts';
import { plainTarget } from '../../../src/host/images/image-options.ts';
import { startGuest } from '../../../src/host/images/qemu-system.ts';
import { runFolderOf } from '../../../src/host/programs/run-folder.ts';
import type { PointsBootOutput, PointsVerifyOutput, VmConfig } from '../../../src/schemas/types.ts';
import { findPoint, type RestorePoint } from '../../../src/state/points/restore-points.ts';
import { pointsBoot } from '../../../src/steps/points/points-boot.ts';
import { pointsVerify } from '../../../src/steps/points/points-verify.ts';
import { bootPoint } from '../../../src/restore-points/verify/boot-point.ts';
import { linuxDisk, nameDisk } from '../../guests/linux-guest.ts';
import { makeRaw, MiB } from '../../host/disk-images.ts';
import { savedConfig, savedController, savedDisk } from '../../machines/saved-config.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { backup } from '../../steps/backup-run.ts';
import { bootSector } from './boot-sector.ts';
import { stepBench, type StepBench } from '../../steps/step-bench.ts';

// A Linux guest is up after 5 s or so where nothing else runs.
const timeout = 600_000;
const noSigns = { serial: null, agent: false, stillMs: null };

async function backUp(bench: StepBench, disks: readonly string[]): Promise<RestorePoint> {
  const { backup_id: backupId } = await backup(bench, { run: 'run-000001', disks });
  const point = findPoint(bench.state, { repository: 'primary', context: 'pgtest1', backupId });
  if (!point) throw new Error('no restore point');
  return point;
}

/** Backs up one disk, and boots what came of it. */
async function boot(bench: StepBench, disk: string, check: object): Promise<PointsBootOutput> {
  await backUp(bench, [disk]);
  await using verified = await bench.run<PointsVerifyOutput>(pointsVerify, { repository: 'primary', level: 'quick' });
  await using ran = await bench.run<PointsBootOutput>(pointsBoot, {
    repository: 'primary',
    points: verified.output.results,
    boot: { memory: '256MiB', timeout: '200s', ...check },
  });
  return ran.output;
}

/** As vSphere would have it saved: the how many-th disk is on which controller. */
const configOf = (point: RestorePoint, controllers: readonly string[]): VmConfig =>
  savedConfig({
    controllers: controllers.map((type, key) => savedController(key, type, key)),
    disks: point.disks.map(({ uuid }, key) => savedDisk(key, { uuid, controller_key: key, unit: 0 })),
  });

describe('a Linux guest', () => {
  test('that only UEFI starts, which its disk tells, until its guest agent answers', { timeout }, async () => {
    await using bench = await stepBench();
    await linuxDisk(bench.folder.file('a.raw'), 'efi');
    const template = '/usr/share/OVMF/OVMF_VARS_4M.fd';
    const digest = async (): Promise<string> =>
      createHash('sha256')
        .update(await readFile(template))
        .digest('hex');
    const before = await digest();
    const output = await boot(bench, 'a.raw', { agent: true });
    expect(output).toMatchObject({ booted: [{ ok: true, sign: 'agent' }], problems: [] });
    expect(await digest()).toBe(before);
    expect(await exists(runFolderOf('run-aaaaaa-boot'))).toBe(false);
  });

  test('finds its disks on the controllers of the saved configuration', { timeout }, async () => {
    await using bench = await stepBench();
    const data = ['ide', 'nvme', 'last'];
    await linuxDisk(bench.folder.file('boot.raw'), 'bios');
    for (const word of data) {
      await makeRaw(bench.folder.file(`${word}.raw`), MiB);
      await nameDisk(bench.folder.file(`${word}.raw`), word);
    }
    const point = await backUp(
      bench,
      ['boot', ...data].map((word) => `${word}.raw`),
    );
    const controllers = ['ParaVirtualSCSI', 'VirtualIDE', 'VirtualNVME', 'ParaVirtualSCSI'].map(
      (t) => `${t}Controller`,
    );
    const root = bench.services.repositoryPath('primary');
    const path = 'saved.vmconfig';
    const text = JSON.stringify(configOf(point, controllers));
    await writeFile(join(root, 'pgtest1', path), text);
    const seen = await bootPoint({
      root,
      point: {
        ...point,
        vm_config: { path, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') },
      },
      keys: await bench.services.imageKeys('primary'),
      folderId: 'run-aaaaaa-boot',
      accel: 'tcg',
      firmware: 'auto',
      memoryBytes: 256 * MiB,
      cpus: 1,
      signs: { ...noSigns, serial: 'guest: bios boot=vmw_pvscsi ide=ata_piix last=vmw_pvscsi nvme=nvme.' },
      timeoutMs: 200_000,
      screenshot: bench.folder.file('screen.png'),
      signal: new AbortController().signal,
      alive: () => {},
    });
    expect(seen.problem).toBeNull();
  });
});

test.each<DiskBus>(['ide', 'ahci', 'pvscsi', 'lsisas', 'nvme'])('a PC starts from its disk on %s', async (bus) => {
  await using folder = await temporaryFolder();
  await makeRaw(folder.file('a.raw'), MiB, [0, bootSector('login: ')]);
  await using guest = await startGuest({
    folder: folder.path,
    disks: [{ image: { ...plainTarget(folder.file('a.raw')), format: [] }, bus }],
    accel: 'tcg',
    memoryBytes: 64 * MiB,
    cpus: 1,
    efi: null,
    agent: false,
  });
  await vi.waitUntil(async () => (await guest.serial()).includes('login:'), { timeout: 200_000, interval: 50 });
});

test.each(['bios', 'efi'])(
  'nothing that %s could start is no sign of life, however still its picture stands',
  async (firmware) => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
    const { problems } = await boot(bench, 'a.raw', { picture: { still: '60s' }, firmware });
    expect(problems).toEqual([expect.stringContaining('its firmware finds no disk that it can start from')]);
  },
  timeout,
);
