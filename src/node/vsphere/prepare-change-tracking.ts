import { SendenseError } from '../../errors/sendense-error.ts';
import { createSnapshot } from './create-snapshot.ts';
import { removeOurs } from './remove-snapshot.ts';
import type { SnapshotMark } from './snapshot-mark.ts';
import type { SnapshotWork } from './snapshot-work.ts';
import { lookAtVm, type VmState } from './vm-state.ts';
import { waitUntilIdle } from './wait-until-idle.ts';

export type ChangeTracking = 'auto' | 'enable' | 'require' | 'off';

/**
 * Brings changed block tracking into the state that the plan asks for, before the snapshot is made.
 * @returns whether it is on and to be used
 * @throws SendenseError `cbt.off`, `cbt.unsupported`
 */
export async function prepareChangeTracking(
  work: SnapshotWork,
  mode: ChangeTracking,
  vm: VmState,
  mark: SnapshotMark,
): Promise<boolean> {
  if (mode === 'off') return false;
  if (vm.changeTracking || mode === 'auto') return vm.changeTracking;
  if ((vm.hardwareVersion ?? 7) < 7)
    throw new SendenseError('cbt.unsupported', `${vm.name} has hardware version ${vm.hardwareVersion}; 7 is needed`);
  if (!vm.changeTrackingSupported)
    throw new SendenseError('cbt.unsupported', `vSphere says that ${vm.name} cannot keep track of changed blocks`);
  if (mode === 'require') throw new SendenseError('cbt.off', `changed block tracking of ${vm.name} is off`);
  if (vm.snapshots.length > 0)
    throw new SendenseError(
      'cbt.off',
      `changed block tracking of ${vm.name} cannot be switched on while it has snapshots: ${vm.snapshots.map(({ name }) => name).join(', ')}`,
      { remedy: 'Remove the snapshots in vSphere, or write `cbt: auto` or `cbt: off` to compare by digest.' },
    );
  await switchOn(work, vm.name, mark);
  return true;
}

/** Tracking begins when the VM is stunned next, so a snapshot is made and removed. */
async function switchOn(work: SnapshotWork, name: string, mark: SnapshotMark): Promise<void> {
  const { vsphere, vm, signal } = work;
  work.log(`switching changed block tracking of ${name} on`);
  await waitUntilIdle(work);
  const spec = { fields: [['changeTrackingEnabled', true]] } as const;
  await vsphere.task('ReconfigVM_Task', vm, [['spec', spec]], { timeoutMs: 10 * 60_000, ...(signal && { signal }) });
  await createSnapshot(work, mark, false);
  await removeOurs(work, (one) => one.job === mark.job && one.node === mark.node);
  if (!(await lookAtVm(vsphere, vm, signal)).changeTracking)
    throw new SendenseError('cbt.off', `changed block tracking of ${name} was switched on, yet vSphere says it is off`);
}
