import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { createSnapshot } from './create-snapshot.ts';
import { faultOf } from './fault.ts';
import { removeOurs } from './remove-snapshot.ts';
import type { SnapshotMark } from './snapshot-mark.ts';
import type { SnapshotWork } from './snapshot-work.ts';
import type { VmSnapshot, VmState } from './vm-state.ts';

export type Quiesce = 'required' | 'try' | 'off';

export interface QuiescedSnapshot {
  readonly snapshot: VmSnapshot;
  readonly quiesced: boolean;
  /** Why it is not quiesced, or why it needed not be; null where there is nothing to say. */
  readonly note: string | null;
}

/** Of a guest that could not be brought to rest. */
const guestFaults = new Set(['ApplicationQuiesceFault', 'FilesystemQuiesceFault', 'ToolsUnavailable']);
/** vSphere says these where quiescing fails as well as for other reasons: a second snapshot, without, tells them apart. */
const unclearFaults = new Set(['SnapshotFault', 'GenericVmConfigFault', 'Timedout']);
const guestWords = /quiesc|tools|vss|freez/i;

/**
 * A snapshot, with the guest's file systems at rest where that is asked and can be done.
 * @throws SendenseError `snapshot.quiesce` where it is required and cannot be done; `snapshot.failed`
 */
export async function quiescedSnapshot(
  work: SnapshotWork,
  mark: SnapshotMark,
  quiesce: Quiesce,
  vm: VmState,
): Promise<QuiescedSnapshot> {
  const plain = async (quiesced: boolean, note: string | null): Promise<QuiescedSnapshot> => ({
    snapshot: await createSnapshot(work, mark, false).catch(failed(work, vm)),
    quiesced,
    note,
  });
  if (!vm.poweredOn && !vm.suspended) return plain(quiesce !== 'off', 'the VM is off: its disks are at rest');
  if (quiesce === 'off') return plain(false, null);
  const obstacle = vm.suspended
    ? 'the VM is suspended'
    : vm.toolsRunning
      ? null
      : 'VMware Tools do not run in the guest';
  if (obstacle !== null) {
    if (quiesce === 'required') throw new SendenseError('snapshot.quiesce', `${vm.name}: ${obstacle}`);
    return plain(false, `not quiesced: ${obstacle}`);
  }
  try {
    return { snapshot: await createSnapshot(work, mark, true), quiesced: true, note: null };
  } catch (cause) {
    work.signal?.throwIfAborted();
    const fault = faultOf(cause)?.name;
    const { message } = toSendenseError(cause);
    const ofGuest = fault !== undefined && (guestFaults.has(fault) || guestWords.test(message));
    if (!ofGuest && !(quiesce === 'try' && unclearFaults.has(fault ?? ''))) return failed(work, vm)(cause);
    if (quiesce === 'required') {
      throw new SendenseError('snapshot.quiesce', `${vm.name}: ${message}`, { cause });
    }
    work.warn(`quiescing ${vm.name} failed (${message}); trying without`);
    await removeOurs(work, (one) => one.job === mark.job && one.node === mark.node);
    return plain(false, `not quiesced: ${message}`);
  }
}

const failed =
  ({ signal }: SnapshotWork, { name }: VmState) =>
  (cause: unknown): never => {
    signal?.throwIfAborted();
    const error = toSendenseError(cause);
    if (error.code !== 'vsphere.fault') throw error;
    const { message, remedy } = error;
    throw new SendenseError('snapshot.failed', `the snapshot of ${name} failed: ${message}`, { cause, remedy });
  };
