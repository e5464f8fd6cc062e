import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { LeftBehind, NotProtected, VsphereDisk } from '../../schemas/types.ts';
import { clearLeftOvers } from './clear-left-overs.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { consolidate } from './consolidate.ts';
import { type ChangeTracking, prepareChangeTracking } from './prepare-change-tracking.ts';
import { type Quiesce, quiescedSnapshot } from './quiesced-snapshot.ts';
import { removeOurs } from './remove-snapshot.ts';
import { snapshotDisks } from './snapshot-disks.ts';
import { snapshotName, type SnapshotMark } from './snapshot-mark.ts';
import { type SnapshotTimes, type SnapshotWork, timesOf } from './snapshot-work.ts';
import { lookAtVm } from './vm-state.ts';

export interface SnapshotOptions {
  /** Decided and written down before, so that the snapshot can be found by it whatever happens. */
  readonly mark: SnapshotMark;
  readonly quiesce: Quiesce;
  readonly cbt: ChangeTracking;
  readonly foreignSnapshots: 'refuse' | 'allow';
  /** Whether a job of this node still works with the snapshot of this mark. */
  isAlive(mark: SnapshotMark): Promise<boolean>;
  warn(message: string): void;
  log(message: string): void;
  /** A snapshot of ours stays, this one or one of an earlier job. */
  left?(what: LeftBehind): void;
  readonly signal?: AbortSignal | undefined;
  readonly times?: Partial<SnapshotTimes> | undefined;
}

/**
 * Closing removes it, also when the job was cancelled: tried again for minutes, its task awaited for hours.
 * @throws SendenseError `snapshot.left` on closing
 */
export interface Snapshot extends AsyncDisposable {
  readonly moref: Moref;
  readonly name: string;
  readonly quiesced: boolean;
  /** Why it is not quiesced or needed not be, why foreign snapshots are no obstacle; null where there is nothing to say. */
  readonly note: string | null;
  /** Names of snapshots that are not ours. Where there are some, disks have a parent: only vddk reads such. */
  readonly foreign: readonly string[];
  /** Whether change ids are to be used. */
  readonly changeTracking: boolean;
  /** As the snapshot shows them: the ones to read and to ask about. */
  readonly disks: readonly VsphereDisk[];
  /** When it was there, by our clock, ms since the epoch. */
  readonly taken: number;
  /** The VM's other disks, and why they take no part. */
  readonly notProtected: readonly NotProtected[];
}

/**
 * The one snapshot of all disks of a VM: after what earlier jobs left was removed, with change tracking as asked, never
 * while vSphere works on the VM's disks.
 * @throws SendenseError `snapshot.*`, `cbt.*`, `vsphere.*`; then the snapshot is removed, or `left` and a warning say that it is not
 */
export async function takeSnapshot(vsphere: Vsphere, vm: Moref, options: SnapshotOptions): Promise<Snapshot> {
  const { mark, signal } = options;
  const work: SnapshotWork = {
    vsphere,
    vm,
    signal,
    log: (message) => options.log(message),
    warn: (message) => options.warn(message),
    left: (what) => options.left?.(what),
    times: options.times,
  };
  await clearLeftOvers(work, mark, (one) => options.isAlive(one)).catch((error: unknown) => {
    const { code, message, details } = toSendenseError(error);
    if (code === 'snapshot.left')
      work.left?.({ what: leftName(details, 'a snapshot of an earlier job'), why: message });
    throw error;
  });
  const state = await lookAtVm(vsphere, vm, signal);
  if (state.connection !== 'connected')
    throw new SendenseError('snapshot.failed', `${state.name} is ${state.connection}: no snapshot can be made of it`);
  const foreign = state.snapshots.map(({ name }) => name);
  if (foreign.length > 0 && options.foreignSnapshots === 'refuse')
    throw new SendenseError(
      'snapshot.foreign',
      `${state.name} has snapshots that Sendense did not make: ${foreign.join(', ')}`,
    );
  await consolidate(work);
  const remove = removal(work, mark);
  try {
    const changeTracking = await prepareChangeTracking(work, options.cbt, state, mark);
    const { snapshot, quiesced, note } = await quiescedSnapshot(work, mark, options.quiesce, state);
    const taken = Date.now();
    const { disks, notProtected } = await snapshotDisks(vsphere, vm, snapshot.moref, signal);
    if (changeTracking) assertChangeIds(disks, state.name, options);
    const { moref, name } = snapshot;
    let removed: Promise<void> | undefined;
    return {
      moref,
      name,
      quiesced,
      foreign,
      changeTracking,
      disks,
      notProtected,
      taken,
      note: [note, foreignNote(foreign)].filter((one) => one !== null).join('; ') || null,
      [Symbol.asyncDispose]: () => (removed ??= remove([moref.value])),
    };
  } catch (error) {
    const own = toSendenseError(error);
    // That one was tried for minutes.
    const left =
      !signal?.aborted && own.code === 'snapshot.left' ? own : await remove([]).then(() => null, toSendenseError);
    if (left) {
      if (left !== own) work.warn(left.message);
      work.left?.({
        what: leftName(left.details, `the snapshot ${snapshotName(mark)} of ${state.name}`),
        why: left.message,
      });
    }
    signal?.throwIfAborted();
    throw error;
  }
}

/** What a removal that failed was about; where it did not come so far, what was to be removed. */
const leftName = (details: SendenseError['details'], otherwise: string): string =>
  typeof details?.['what'] === 'string' ? details['what'] : otherwise;

const foreignNote = (names: readonly string[]): string | null =>
  names.length === 0
    ? null
    : `foreign snapshots stay (${names.join(', ')}): only vddk may read the disks, because it reads through their parents`;

/** Under a time limit of its own instead of the job's signal. */
const removal =
  (work: SnapshotWork, mark: SnapshotMark) =>
  async (morefs: readonly string[]): Promise<void> => {
    const signal = AbortSignal.timeout(timesOf(work).remove);
    await removeOurs({ ...work, signal }, (one) => one.job === mark.job && one.node === mark.node, morefs);
  };

function assertChangeIds(disks: readonly VsphereDisk[], vm: string, { cbt, warn }: SnapshotOptions): void {
  const without = disks.filter((disk) => disk.change_id === null).map(({ label }) => label);
  if (without.length === 0) return;
  const message = `changed block tracking of ${vm} is on, yet the snapshot shows no change id for ${without.join(', ')}`;
  if (cbt === 'require') throw new SendenseError('cbt.off', message);
  warn(message);
}
