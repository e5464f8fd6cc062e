import { lstat, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder, nameFile } from '../host/files/files.ts';
import { createOverlayOn } from '../host/images/qemu-img.ts';
import { findByPidFile, terminateQemuNbd } from '../host/nbd/qemu-nbd.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { overlayName, serverPidFile } from './boot-files.ts';
import { bootMachineOf } from './boot-machine.ts';
import { moveOf, partFile, type BootMove, type MovedDisk } from './boot-move.ts';
import { saveMove } from './move-journal.ts';
import { nodeNames } from './guest-args.ts';
import { unmarkUsed } from './used-mark.ts';
import { atMonitor, runState, type Ask } from './monitor.ts';

/**
 * Brings the move of a running VM's data as far as it can be brought at this moment. Each step can be done again: whoever dies leaves
 * nothing that the next call does not go on with. The caller has claimed the VM.
 * @throws SendenseError `boot.failed`, `file.exists`, `disk.full`
 */
export async function advanceMove(access: RepositoryAccess, row: BootRow): Promise<void> {
  const move = moveOf(row);
  if (!move || row.state === 'moved') return;
  let disks = move.disks;
  const set = (number: number, state: MovedDisk['state']): Promise<void> => {
    disks = disks.map((disk) => (disk.number === number ? { ...disk, state } : disk));
    return saveMove(access.state, row, { ...move, disks });
  };
  await atMonitor(row.folder, async (ask) => {
    for (const disk of move.disks) {
      if (disk.state === 'waiting') {
        await makeTarget(row, move, disk.number);
        await set(disk.number, 'streaming');
      }
      if (disk.state === 'waiting' || disk.state === 'streaming') {
        const isCopied = await stream(ask, row, { move, number: disk.number });
        if (isCopied) await set(disk.number, 'copied');
      }
    }
    if (!disks.every(({ state }) => state === 'copied')) return;
    // A guest is not held up for what cannot be finished.
    await assertFree({ ...move, disks }, row.id);
    await flush(ask);
  });
  if (disks.every(({ state }) => state === 'copied')) await publish(access, row, { ...move, disks });
}

/** The file that all data moves into, on top of what the guest has written so far. It is the user's: not encrypted, as a restored disk. */
async function makeTarget(row: BootRow, move: BootMove, number: number): Promise<void> {
  const file = partFile(move, row.id, number);
  // One that a process which died has made is not used yet.
  await rm(file, { force: true });
  const capacity = bootMachineOf(row).disks.find((disk) => disk.number === number)?.capacityBytes ?? 0;
  const backing = { name: join(row.folder, overlayName(number)), format: 'qcow2' } as const;
  await createOverlayOn(file, capacity, backing, { key: null });
  await fsyncFile(file);
  await fsyncFolder(move.directory);
}

interface Inserted {
  readonly 'node-name': string;
  readonly 'file': string;
  readonly 'backing_file_depth': number;
}

/** @returns whether all data of the disk is in its new file */
async function stream(
  ask: Ask,
  row: BootRow,
  { move, number }: { readonly move: BootMove; readonly number: number },
): Promise<boolean> {
  const index = bootMachineOf(row).machine.disks.findIndex((disk) => disk.number === number);
  const target = nodeNames(index).moved;
  const file = partFile(move, row.id, number);
  const inserted = await topOf(ask, index);
  // After a new start it is the guest's disk from the beginning.
  const isOnTop = inserted['node-name'] === target || inserted.file.includes(basename(file));
  if (!isOnTop) {
    await ask('blockdev-add', {
      'driver': 'qcow2',
      'node-name': target,
      'discard': 'unmap',
      'file': { driver: 'file', filename: file },
      'backing': null,
    });
    await ask('blockdev-snapshot', { node: inserted['node-name'], overlay: target });
  } else if (inserted.backing_file_depth === 0) {
    await closeOld(ask, index, inserted['node-name']);
    return true;
  }
  const speed = move.bytesPerSecond ?? 0;
  const job = await jobOf(ask, `move${number}`);
  if (job === undefined) {
    const device = isOnTop ? inserted['node-name'] : target;
    await ask('block-stream', { 'job-id': `move${number}`, device, speed, 'on-error': 'stop' });
  } else if (job.speed !== speed) await ask('block-job-set-speed', { device: `move${number}`, speed });
  else if (job.paused && job['io-status'] !== 'ok') await ask('block-job-resume', { device: `move${number}` });
  return false;
}

async function topOf(ask: Ask, index: number): Promise<Inserted> {
  const devices = (await ask('query-block')) as readonly { readonly inserted?: Inserted }[];
  const names = new Set<string>([nodeNames(index).top, nodeNames(index).moved]);
  const found = devices.flatMap(({ inserted }) => (inserted && names.has(inserted['node-name']) ? [inserted] : []));
  const [top] = found;
  if (!top) throw new Error(`QEMU has no disk ${index}`);
  return top;
}

/** What was below: QEMU keeps it open until it is told otherwise. */
async function closeOld(ask: Ask, index: number, current: string): Promise<void> {
  const nodes = (await ask('query-named-block-nodes', { flat: true })) as readonly { readonly 'node-name': string }[];
  const { top, written, chain } = nodeNames(index);
  for (const old of [top, written, chain])
    if (old !== current && nodes.some((node) => node['node-name'] === old))
      await ask('blockdev-del', { 'node-name': old });
}

export interface StreamJob {
  readonly 'device': string;
  readonly 'paused': boolean;
  readonly 'io-status': string;
  readonly 'speed': number;
  readonly 'offset': number;
}

export const streamJobs = async (ask: Ask): Promise<readonly StreamJob[]> =>
  (await ask('query-block-jobs')) as readonly StreamJob[];

const jobOf = async (ask: Ask, id: string): Promise<StreamJob | undefined> =>
  (await streamJobs(ask)).find(({ device }) => device === id);

/** QEMU flushes all disks when it pauses the guest, what it has of them in its own memory too. */
async function flush(ask: Ask): Promise<void> {
  const before = await runState(ask);
  await ask('stop');
  if (before === 'running') await ask('cont');
}

/** @throws SendenseError `file.exists` where somebody else has a name that a disk is to get */
async function assertFree(move: BootMove, id: string): Promise<void> {
  for (const { number, path } of move.disks) {
    const [there, ours] = await Promise.all([inodeOf(path), inodeOf(partFile(move, id, number))]);
    if (there !== null && there !== ours) throw new SendenseError('file.exists', `${path} exists already`);
  }
}

const inodeOf = (path: string): Promise<string | null> =>
  lstat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  );

/** From here the VM needs its restore point no more. */
async function publish(access: RepositoryAccess, row: BootRow, move: BootMove): Promise<void> {
  const { id } = row;
  for (const { number, path } of move.disks) {
    const part = partFile(move, id, number);
    await fsyncFile(part);
    await nameFile(part, path);
  }
  await fsyncFolder(move.directory);
  const disks = move.disks.map((disk) => ({ ...disk, state: 'done' as const }));
  await saveMove(access.state, row, { ...move, disks });
  await unmarkUsed(access, row);
  await leaveChain({ ...row, move: JSON.stringify(move) });
}

/** Removes what a VM whose data has moved needs no more. Again is fine. */
export async function leaveChain(row: BootRow): Promise<void> {
  const move = moveOf(row);
  if (!move) return;
  for (const { number } of move.disks) {
    await rm(partFile(move, row.id, number), { force: true });
    const server = await findByPidFile(serverPidFile(row.folder, number));
    if (server) await terminateQemuNbd(server);
    await rm(join(row.folder, overlayName(number)), { force: true });
  }
}
