import { SendenseError } from '../../errors/sendense-error.ts';
import { holdDevice, type HeldDevice } from '../../host/files/block-device.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import { removeRunFolder } from '../../host/programs/run-folder.ts';
import type { PublishRun, Remembered, WrittenDisk } from '../target-kind.ts';
import { digestOf, digestOfHead, readMark, writeHead, writeMark } from './head.ts';
import { headOf } from './read-back.ts';

export interface HeadClaim {
  readonly disk: string;
  readonly device: string;
  readonly mark: string;
  readonly capacity: number;
}

export type HeadsClaim = readonly HeadClaim[];

export const headsOf = (written: readonly WrittenDisk[]): HeadsClaim =>
  written.map(({ disk, temporary, file, bytes_written: capacity }) => ({
    disk,
    device: file,
    mark: temporary,
    capacity,
  }));

/** Writes the beginning of each disk, from which on the device is whole. */
export async function publishHeads(claim: HeadsClaim, run: PublishRun): Promise<void> {
  const keys = await run.from.keys();
  const folderId = readFolderId(run.runId);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeRunFolder(folderId));
  for (const one of claim) {
    const disk = run.disks.find((entry) => entry.disk === one.disk);
    if (!disk) throw new SendenseError('run.internal', `no disk ${one.disk}`);
    await publishHead(one, await headOf(disk, { key: keys.of(disk), folderId, signal: run.signal }), run);
  }
}

async function publishHead({ disk, device, mark, capacity }: HeadClaim, head: Buffer, run: PublishRun): Promise<void> {
  const digest = digestOf(head);
  await using held = await holdDevice(device);
  const found = await readMark(held.handle);
  // An earlier attempt came that far.
  if (found === null && (await digestOfHead(held.handle, capacity)) === digest) return;
  if (found !== mark)
    throw new SendenseError('file.exists', `somebody else has written to ${device} since the disk was written to it`, {
      remedy: 'Find out who did, and restore again.',
    });
  run.remember(disk, digest);
  await writeHead(held.handle, head);
  if ((await digestOfHead(held.handle, capacity)) !== digest)
    throw new SendenseError('content.mismatch', `${device} does not hold what was written to its beginning`, {
      remedy: 'Look at the kernel log (`dmesg`): the device may be failing.',
    });
}

/** Whether all of them begin as the restore has left them. */
export async function areWhole(claim: HeadsClaim, remembered: Remembered): Promise<boolean> {
  for (const one of claim) if (!(await isOurs(one, remembered))) return false;
  return claim.length > 0;
}

async function isOurs(one: HeadClaim, remembered: Remembered): Promise<boolean> {
  await using held = await holdOurs(one, remembered);
  return held !== null;
}

/** Null: it begins in another way by now, or somebody uses it. */
async function holdOurs({ disk, device, capacity }: HeadClaim, remembered: Remembered): Promise<HeldDevice | null> {
  if (remembered[disk] === undefined) return null;
  await using opened = new AsyncDisposableStack();
  const held = await holdDevice(device).catch(() => null);
  if (held === null) return null;
  opened.use(held);
  if ((await digestOfHead(held.handle, capacity)) !== remembered[disk]) return null;
  opened.move();
  return held;
}

/** Takes the beginning away again: what is left is taken for nothing. Where the device is in use by now, it stays. */
export async function undoHeads(claim: HeadsClaim, remembered: Remembered): Promise<void> {
  for (const one of claim) {
    await using held = await holdOurs(one, remembered);
    if (held !== null) await writeMark(held.handle, null, one.capacity);
  }
}
