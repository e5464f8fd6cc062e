import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { lookAtDomains } from '../../host/libvirt/domain-devices.ts';
import type { AttachedDisk } from '../../schemas/types.ts';
import { attachedAt, type AttachedKvmDisk } from './attached-disks.ts';
import { markFile, readMark, replaceMark } from './attached-mark.ts';
import { domainsIn } from './find-domain.ts';
import { unplugDisk } from './plug-disk.ts';

export interface DetachKvmRequest {
  readonly uri: string;
  /** Of `attachedDisks`. */
  readonly ids: readonly string[];
  /** Of disks that are not what their marks say, the marks go and the disks stay. */
  readonly forget: boolean;
  readonly signal?: AbortSignal | undefined;
  /** How long a guest may take to let go of a disk, ms. */
  readonly timeoutMs?: number;
}

/**
 * Disks of restore points that VMs of a libvirt have, or had.
 * @param vm name or uuid; absent: all. @throws SendenseError `target.unfit` where libvirt does not answer, `tool.failed`
 */
export async function attachedKvmDisks(uri: string, vm?: string, signal?: AbortSignal): Promise<AttachedKvmDisk[]> {
  const domains = await domainsIn(uri, signal);
  const looks = await lookAtDomains(
    uri,
    domains.map(({ uuid }) => uuid),
    signal,
  );
  const disks = await attachedAt(looks, signal);
  return vm === undefined ? disks : disks.filter((one) => one.vm === vm || one.moref === vm.toLowerCase());
}

/**
 * Takes disks off their VM and removes their files; all of them or none, as far as can be told before.
 * @throws SendenseError `target.unfit` where one is not what its mark says, `target.busy` where the guest does not let go of it
 */
export async function detachKvm(
  request: DetachKvmRequest,
): Promise<{ readonly removed: AttachedDisk[]; readonly forgotten: AttachedDisk[] }> {
  const { uri, ids, forget, signal, timeoutMs } = request;
  const disks = (await attachedKvmDisks(uri, undefined, signal)).filter(({ id }) => ids.includes(id));
  const wrong = disks.filter(({ problem }) => problem !== null);
  const [first] = wrong;
  if (first && !forget)
    throw new SendenseError(
      'target.unfit',
      `${first.disk ?? 'a disk'} of ${first.of ?? ''} is not what its mark says, and nothing was removed: ${first.problem ?? ''}`,
      { remedy: 'Look at it. `detach --forget` takes the mark away and leaves the disk.' },
    );
  const removed: AttachedDisk[] = [];
  for (const one of disks.filter(({ problem }) => problem === null)) {
    const { moref, file, id: serial } = one;
    if (file === null) continue;
    await unplugDisk(uri, moref, { file, serial }, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    await rm(file, { force: true });
    await forgetMark(one);
    removed.push(shownDisk(one));
  }
  for (const one of wrong) await forgetMark(one);
  return { removed, forgotten: wrong.map(shownDisk) };
}

/** The mark goes with the last of its disks. What somebody else has put into the folder stays. */
async function forgetMark({ folder, id }: AttachedKvmDisk): Promise<void> {
  const mark = await readMark(folder);
  const disks = mark?.disks.filter(({ serial }) => serial !== id) ?? [];
  const file = join(folder, markFile);
  if (mark !== null && disks.length > 0) return replaceMark(file, { ...mark, disks });
  await rm(file, { force: true });
  await rmdir(folder).catch(() => undefined);
}

/** As it is listed. */
export const shownDisk = ({ folder: _folder, mark: _mark, ...disk }: AttachedKvmDisk): AttachedDisk => disk;
