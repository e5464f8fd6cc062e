import { join } from 'node:path';
import { overlayTarget, type ImageTarget } from '../../host/images/image-options.ts';
import { readImageStart } from '../../host/images/image-start.ts';
import { createOverlay, createQcow2 } from '../../host/images/qemu-img.ts';
import { kvmWorks, startGuest, type GuestOptions } from '../../host/images/qemu-system.ts';
import { disksOf } from '../../machines/disks-of.ts';
import { firmwareOf } from '../../machines/firmware.ts';
import { findVmConfig, savedConfigOf } from '../../machines/read-vm-config.ts';
import { makeRunFolder, removeRunFolder } from '../../host/programs/run-folder.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { imagePath } from '../../repository/layout.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import { gptBytes, needsUefi } from './needs-uefi.ts';
import { keepPicture } from './keep-picture.ts';
import { watchGuest, type Seen, type Signs } from './watch-guest.ts';

export interface BootWork {
  /** Of the repository, absolute. */
  readonly root: string;
  readonly point: RestorePoint;
  readonly keys: ImageKeys;
  /** Of the run folder that holds the overlays and sockets; it is removed in the end. */
  readonly folderId: string;
  readonly accel: 'auto' | 'tcg' | 'kvm';
  readonly firmware: 'auto' | 'bios' | 'efi';
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly signs: Signs;
  readonly timeoutMs: number;
  /** Where the picture goes, PNG; null: none is kept. */
  readonly screenshot: string | null;
  readonly signal: AbortSignal;
  alive(): void;
}

export type Booted = Seen & { readonly seconds: number; readonly screenshot: string | null };

/**
 * Starts a restore point from overlays that are thrown away afterwards, and waits for a sign of life.
 * @throws SendenseError `tool.missing`, `tool.failed` where no virtual machine can be made, which says nothing of the point
 */
export async function bootPoint(work: BootWork): Promise<Booted> {
  const folder = await makeRunFolder(work.folderId);
  try {
    const options = await hardware(work, folder);
    const started = performance.now();
    await using guest = await startGuest(options);
    const seen = await watchGuest(guest, work.signs, work);
    const seconds = (performance.now() - started) / 1000;
    return {
      ...seen,
      seconds,
      screenshot: work.screenshot === null ? null : await keepPicture(guest, work.screenshot),
    };
  } finally {
    await removeRunFolder(work.folderId);
  }
}

async function hardware(work: BootWork, folder: string): Promise<GuestOptions> {
  const { root, point, keys, signal } = work;
  const config = await findVmConfig(savedConfigOf(root, point), keys);
  const images = new Map<number, ImageTarget>();
  for (const disk of point.disks) {
    const overlay = join(folder, `disk-${disk.number}.qcow2`);
    const key = keys.of(disk);
    const file = join(root, imagePath(point.vm.context, disk.number, point.backup_id));
    // What a guest writes of its own is as secret as the rest of it.
    if (key) await createQcow2(overlay, disk.capacity_bytes, file, signal, key);
    else await createOverlay(overlay, file, disk.capacity_bytes, signal);
    images.set(disk.number, await overlayTarget(overlay, file, { key, encrypted: key !== null }));
  }
  const efi = await firmwareOf(
    work.firmware,
    async () => config?.firmware ?? firmwareByDisk([...images.values()], folder, signal),
    folder,
  );
  const disks = disksOf(config, point.disks, efi !== null).disks.flatMap(({ number, bus, place, bootOrder }) => {
    const image = images.get(number);
    return image ? [{ image, bus, place, bootIndex: bootOrder - 1 }] : [];
  });
  return {
    folder,
    disks,
    accel: work.accel === 'auto' ? ((await kvmWorks(signal)) ? 'kvm' : 'tcg') : work.accel,
    memoryBytes: work.memoryBytes,
    cpus: work.cpus,
    efi,
    agent: work.signs.agent,
    signal,
  };
}

/** What the first disk tells, where nothing was saved. */
async function firmwareByDisk([first]: readonly ImageTarget[], folder: string, signal: AbortSignal): Promise<string> {
  if (!first) return 'bios';
  return needsUefi(await readImageStart(first, { bytes: gptBytes, folder, signal })) ? 'efi' : 'bios';
}
