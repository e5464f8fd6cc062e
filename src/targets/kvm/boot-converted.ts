import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { targetOf, type ImageTarget } from '../../host/images/image-options.ts';
import { createOverlay } from '../../host/images/qemu-img.ts';
import { startGuest } from '../../host/images/qemu-system.ts';
import type { SeenGuest } from '../../host/images/seen-guest.ts';
import { firmwareOf } from '../../machines/firmware.ts';
import { keepPicture } from '../../restore-points/verify/keep-picture.ts';
import { watchGuest, type Seen } from '../../restore-points/verify/watch-guest.ts';
import type { ConvertRun } from '../target-kind.ts';
import type { PlannedVm } from './plan-vm.ts';

/** A disk of the converted VM, in the folder of the disks. */
export interface ConvertedDisk {
  readonly number: number;
  readonly capacityBytes: number;
  /** Names of its files, the newest first. */
  readonly layers: readonly string[];
}

/** A guest shall come up with what a hub can spare. */
const mostMemory = 4 * 2 ** 30;

/**
 * Starts the VM with its new devices and without a network, from overlays that are thrown away afterwards, and waits for a sign of life.
 * @param vm with its new devices
 * @param how.place the folder of the disks, by a path that leads there
 * @throws SendenseError `tool.missing`, `tool.failed` where no virtual machine can be made
 */
export async function bootConverted(
  vm: PlannedVm,
  disks: readonly ConvertedDisk[],
  { place, accel }: { readonly place: string; readonly accel: 'kvm' | 'tcg' },
  run: ConvertRun,
): Promise<Seen & { readonly screenshot: string | null }> {
  const { folder, signal, signs } = run;
  const { machine } = vm;
  const overlays = disks.map(({ number }) => join(folder, `boot-${number}.qcow2`));
  const images = new Map<number, ImageTarget>();
  for (const [index, { number, capacityBytes, layers }] of disks.entries()) {
    const overlay = overlays[index] ?? '';
    await createOverlay(overlay, layers[0] ?? '', capacityBytes, signal);
    const files = [overlay, ...layers.map((name) => `./${name}`)];
    images.set(number, targetOf(files.map((file) => ({ file, encrypted: false }))));
  }
  await using guest = await startGuest({
    folder,
    cwd: place,
    disks: machine.disks.flatMap(({ number, bus, place: at, bootOrder }) => {
      const image = images.get(number);
      return image ? [{ image, bus, place: at, bootIndex: bootOrder - 1 }] : [];
    }),
    accel,
    memoryBytes: Math.min(machine.memoryBytes, mostMemory),
    cpus: Math.min(machine.cpus.count, availableParallelism()),
    efi: await firmwareOf(machine.firmware, async () => machine.firmware, folder),
    agent: signs.agent,
    virtioCard: true,
    signal,
  });
  const seen = await watchGuest(onItsDisks(guest, overlays), signs, run);
  return { ...seen, screenshot: run.picture === null ? null : await keepPicture(guest, run.picture) };
}

/** What a guest writes at least that has come to its own files. */
const leastGrowth = 256 * 1024;
/** Of an overlay on which nobody wrote: header and first tables. */
const emptyBytes = 256 * 1024;

/** A kernel that does not find its disk shows a picture that does not change, too: it counts once the guest has written to a disk. */
const onItsDisks = (guest: SeenGuest, overlays: readonly string[]): SeenGuest => ({
  isRunning: () => guest.isRunning(),
  serial: () => guest.serial(),
  foundNothing: () => guest.foundNothing(),
  agentAnswers: () => guest.agentAnswers(),
  picture: async () => ((await haveGrown(overlays)) ? guest.picture() : null),
});

async function haveGrown(overlays: readonly string[]): Promise<boolean> {
  const sizes = await Promise.all(overlays.map(async (file) => (await stat(file)).size));
  return sizes.some((size) => size >= emptyBytes + leastGrowth);
}
