import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { lockedFiles } from '../../host/files/file-users.ts';
import { lookAtDomains } from '../../host/libvirt/domain-devices.ts';
import { snapshotsAt } from '../../host/libvirt/domain-snapshots.ts';
import { mountsInGuest } from '../../host/libvirt/guest-mounts.ts';
import type { AttachedDisk, AttachedMark } from '../../schemas/types.ts';
import { attachedAt, type AttachedKvmDisk } from './attached-disks.ts';
import { markFile, readMark, replaceMark } from './attached-mark.ts';
import { domainsIn } from './find-domain.ts';
import { removeWithMark } from './leaving-mark.ts';
import { unplugDisk } from './plug-disk.ts';

export interface AttachedKvmRequest {
  readonly uri: string;
  /** Folders in which disks were made; those of VMs and the usual one are known. */
  readonly folders?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface DetachKvmRequest extends AttachedKvmRequest {
  /** Of `attachedDisks`. */
  readonly ids: readonly string[];
  /** Of disks that are not what their marks say, the marks go and the disks stay. */
  readonly forget: boolean;
  /** How long a guest may take to let go of a disk, ms. */
  readonly timeoutMs?: number;
}

/** How long a program may have a file open that no VM has any more, ms: QEMU closes it when libvirt has taken it off. */
const closeMs = 10_000;

/**
 * Disks of restore points that VMs of a libvirt have, or had.
 * @throws SendenseError `target.unfit` where libvirt does not answer, `tool.failed`
 */
export async function attachedKvmDisks({ uri, folders, signal }: AttachedKvmRequest): Promise<AttachedKvmDisk[]> {
  const domains = await domainsIn(uri, signal);
  const looks = await lookAtDomains(
    uri,
    domains.map(({ uuid }) => uuid),
    signal,
  );
  const disks = await attachedAt(looks, folders, signal);
  const there = new Set(looks.map(({ uuid }) => uuid));
  const inSnapshots = new Map<string, string>();
  for (const uuid of new Set(disks.map(({ moref }) => moref).filter((one) => there.has(one))))
    for (const snapshot of await snapshotsAt(uri, uuid, signal))
      for (const { file } of snapshot.disks) if (file !== null) inSnapshots.set(file, snapshot.name);
  return disks.map((one) => ({ ...one, problem: one.problem ?? inSnapshot(inSnapshots.get(one.file ?? '')) }));
}

const inSnapshot = (name: string | undefined): string | null =>
  name === undefined ? null : `it is in the snapshot ${name}: going back to that would want its file`;

/**
 * Takes disks off their VM and removes their files; all of them or none, as far as can be told before. What broke off is gone on with.
 * @throws SendenseError `target.unfit` where one is not what its mark says, `target.busy` where the guest uses it or does not let go of it
 */
export async function detachKvm(
  request: DetachKvmRequest,
): Promise<{ readonly removed: AttachedDisk[]; readonly forgotten: AttachedDisk[] }> {
  const { uri, ids, forget, signal, timeoutMs } = request;
  const disks = (await attachedKvmDisks(request)).filter(({ id }) => ids.includes(id));
  const wrong = disks.filter(({ problem }) => problem !== null);
  const sound = disks.filter(({ problem }) => problem === null);
  const [first] = wrong;
  if (first && !forget)
    throw new SendenseError(
      'target.unfit',
      `${first.disk ?? 'a disk'} of ${first.of ?? ''} cannot be removed, and nothing was: ${first.problem ?? ''}`,
      { remedy: 'Look at it. `detach --forget` takes the mark away and leaves the disk.' },
    );
  await assertNotMounted(uri, sound, signal);
  const removed: AttachedDisk[] = [];
  for (const one of sound) {
    const { moref, file, id: serial } = one;
    if (file === null) continue;
    await unplugDisk(uri, moref, { file, serial }, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    await assertClosed(file, signal);
    await removeDisk(one, file);
    removed.push(shownDisk(one));
  }
  for (const one of wrong) await forgetMark(one);
  return { removed, forgotten: wrong.map(shownDisk) };
}

/**
 * Linux lets go of a disk also where it has mounted it, and whoever works on it gets errors. Only an agent in the guest can tell.
 * @throws SendenseError `target.busy`
 */
async function assertNotMounted(uri: string, disks: readonly AttachedKvmDisk[], signal?: AbortSignal): Promise<void> {
  for (const uuid of new Set(disks.flatMap(({ moref, address }) => (address === null ? [] : [moref])))) {
    const mounts = await mountsInGuest(uri, uuid, signal);
    for (const { label, vm } of disks.filter(({ moref, address }) => moref === uuid && address !== null)) {
      const places = mounts?.get(label ?? '') ?? [];
      if (places.length > 0) throw mounted(vm, label ?? '', places);
    }
  }
}

const mounted = (vm: string, name: string, places: readonly string[]): SendenseError =>
  new SendenseError(
    'target.busy',
    `the guest of the VM ${vm} has mounted the disk ${name} at ${places.join(', ')}, and nothing was detached`,
    { remedy: 'Unmount it in the guest, or switch the VM off, and detach it again.' },
  );

/** @throws SendenseError `target.busy` where a program has it open that is not the VM's */
async function assertClosed(file: string, signal?: AbortSignal): Promise<void> {
  const until = performance.now() + closeMs;
  for (let pause = 20; (await lockedFiles([file])).length > 0; pause = Math.min(pause * 2, 500)) {
    if (performance.now() > until)
      throw new SendenseError('target.busy', `a program has ${file} open; the VM has it no more, and the file stays`, {
        remedy: `\`fuser -v ${file}\` shows the program. When it has ended, detach the disk again.`,
      });
    await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

/** The mark goes with the last of its disks: it tells by their files which have gone. */
async function removeDisk({ folder, mark, id }: AttachedKvmDisk, file: string): Promise<void> {
  const others = mark.disks.filter(({ serial }) => serial !== id);
  if (await isOneThere(folder, others)) await rm(file, { force: true });
  else
    await removeWithMark(
      folder,
      mark.disks.map((one) => one.file),
    );
}

/** What the mark does not name any more is somebody else's. */
async function forgetMark({ folder, id }: AttachedKvmDisk): Promise<void> {
  const mark = await readMark(folder);
  const disks = mark?.disks.filter(({ serial }) => serial !== id) ?? [];
  if (mark !== null && (await isOneThere(folder, disks))) await replaceMark(join(folder, markFile), { ...mark, disks });
  else await removeWithMark(folder, []);
}

const isOneThere = async (folder: string, disks: AttachedMark['disks']): Promise<boolean> =>
  (await Promise.all(disks.map(({ file }) => exists(join(folder, file))))).includes(true);

/** As it is listed. */
export const shownDisk = ({ folder: _folder, mark: _mark, ...disk }: AttachedKvmDisk): AttachedDisk => disk;
