import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bootMachineOf, type BootMachine } from '../../src/boot/boot-machine.ts';
import { diskFiles } from '../../src/boot/disk-files.ts';
import { guestArgs } from '../../src/boot/guest-args.ts';
import { atMonitor, guestProcess } from '../../src/boot/monitor.ts';
import { createQcow2 } from '../../src/host/images/qemu-img.ts';
import { terminate } from '../../src/host/programs/process-identity.ts';
import { startServer } from '../../src/host/programs/start-server.ts';
import type { DiskBus } from '../../src/host/images/guest-disks.ts';
import { uefiFiles } from '../../src/machines/firmware.ts';
import type { BootRow } from '../../src/state/boots/boots.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const buses: readonly DiskBus[] = ['ide', 'ahci', 'pvscsi', 'lsisas', 'nvme', 'virtio'];
const places = { ide: 0, ahci: 0, pvscsi: 0, lsisas: 1, nvme: 0, virtio: 0 } as const;

const booted: BootMachine = {
  machine: {
    name: 'web, 1',
    firmware: 'efi',
    secureBoot: false,
    cpus: { count: 2, coresPerSocket: 2 },
    memoryBytes: 64 * 2 ** 20,
    disks: buses.map((bus, number) => ({
      number,
      bus,
      place: { controller: places[bus], unit: 0 },
      bootOrder: number + 1,
    })),
    networks: [],
    clock: 'localtime',
    biosUuid: null,
    notes: [],
  },
  accel: 'tcg',
  network: 'isolated',
  cards: (['vmxnet3', 'e1000', 'e1000e', 'pcnet'] as const).map((model, index) => ({
    model,
    mac: `52:54:00:00:00:0${index}`,
  })),
  uuid: '11111111-2222-4333-8444-555555555555',
  disks: buses.map((_, number) => ({ number, capacityBytes: 2 ** 20, encrypted: false })),
  reserveBytes: 0,
  quotaBytes: null,
};

test('QEMU takes every kind of disk and network card, in a folder with any name; errors of disks pause the guest', async () => {
  await using parent = await temporaryFolder();
  const folder = parent.file(
    'a folder, with "signs" and a name that is much longer than a socket may have; '.repeat(2),
  );
  await execa('mkdir', [folder]);
  const directory = parent.file('moved');
  await execa('mkdir', [directory]);
  const row = {
    id: 'boot-00000001',
    folder,
    machine: JSON.stringify(booted),
    // As after a move, so that no server is needed.
    move: JSON.stringify({
      directory,
      begun: 0,
      bytesPerSecond: null,
      disks: buses.map((_, number) => ({ number, path: `${directory}/disk-${number}.qcow2`, state: 'done' })),
    }),
  } as BootRow;
  const files = new Map(booted.disks.map((disk) => [disk.number, diskFiles(row, disk)]));
  for (const { layers } of files.values()) await createQcow2(layers[0]?.file ?? '', 2 ** 20, null);
  const { code, template } = await uefiFiles();
  await execa('cp', [template, `${folder}/efi-variables.fd`]);
  const args = guestArgs({ id: row.id, folder, booted: bootMachineOf(row), files, efiCode: code });
  const started = await startServer('qemu-system-x86_64', [...args, '-S'], {
    cwd: folder,
    isReady: () => atMonitor(folder, async () => true).catch(() => false),
    timeoutMs: 60_000,
  });
  expect(started.end?.said).toBeUndefined();
  const guest = await guestProcess(folder);
  expect(guest).toEqual(started.identity);
  const disks = (await atMonitor(folder, (ask) => ask('query-block'))) as { inserted?: { 'node-name': string } }[];
  expect(
    disks.flatMap(({ inserted }) => inserted?.['node-name'] ?? []).filter((name) => name.startsWith('disk')),
  ).toHaveLength(6);
  expect(
    args.filter((word) => /^(ide|scsi)-hd/.test(word)).every((word) => word.includes('rerror=stop,werror=stop')),
  ).toBe(true);
  if (guest) await terminate(guest, { againMs: 500 });
}, 300_000);
