import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereSourceSpec, VsphereVm } from '../../../schemas/types.ts';

/** Why this VM cannot be backed up as the plan wants it, as far as that shows before there is a snapshot; null: it can. */
export function refusal(vm: VsphereVm, spec: VsphereSourceSpec): SendenseError | null {
  if (vm.template) return new SendenseError('source.unsupported', `${vm.path} is a template; only VMs are backed up`);
  if (vm.connection_state !== 'connected') {
    return new SendenseError('source.unsupported', `${vm.path} is ${vm.connection_state}`, {
      remedy: 'Make sure that the host of the VM is connected and can reach the files of the VM.',
    });
  }
  if (vm.half_restored) return halfRestored(vm.path, vm.half_restored);
  const lacking = vm.findings.find(
    ({ code }) => code === 'privilege.snapshot' || (code === 'privilege.tracking' && spec.cbt === 'enable'),
  );
  if (lacking) return new SendenseError('vsphere.permission', `${vm.path}: ${lacking.message}`);
  const foreign = vm.snapshots.filter((snapshot) => !snapshot.ours).map(({ name }) => name);
  if (foreign.length > 0 && spec.foreign_snapshots === 'refuse')
    return new SendenseError(
      'snapshot.foreign',
      `${vm.path} has snapshots that Sendense did not make: ${foreign.join(', ')}`,
    );
  if ((spec.cbt === 'enable' || spec.cbt === 'require') && !vm.cbt.supported)
    return new SendenseError(
      'cbt.unsupported',
      `${vm.path} cannot keep track of changed blocks (hardware version ${vm.hardware_version ?? 'unknown'})`,
    );
  if (spec.cbt === 'require' && !vm.cbt.enabled)
    return new SendenseError('cbt.off', `changed block tracking of ${vm.path} is off, and the plan requires it`);
  if (
    spec.quiesce === 'required' &&
    (vm.power_state === 'suspended' || (vm.power_state === 'poweredOn' && vm.tools === 'not-installed'))
  )
    return new SendenseError(
      'snapshot.quiesce',
      `${vm.path} cannot be quiesced, and the plan requires it: ${vm.power_state === 'suspended' ? 'it is suspended' : 'VMware Tools are not installed'}`,
    );
  const shared = vm.findings.find(({ code }) => code === 'disk.shared' || code === 'disk.shared-bus');
  if (shared)
    return new SendenseError('source.unsupported', `${vm.path}: ${shared.message}`, {
      remedy:
        'Make the disk independent in vSphere. Snapshots and backups then leave it out, so back it up from inside the VM.',
    });
  if (vm.disks.every((disk) => !disk.protected))
    return new SendenseError('source.unsupported', `no disk of ${vm.path} can be part of a snapshot`, {
      remedy: 'Change the disks to dependent mode, or back up the VM from inside.',
    });
  return null;
}

/** A backup would save disks that are neither what they were nor what they are to be. */
export const halfRestored = (path: string, { run, point }: NonNullable<VsphereVm['half_restored']>): SendenseError =>
  new SendenseError('source.half_restored', `${path} is being restored in place from ${point} by run ${run}`);
