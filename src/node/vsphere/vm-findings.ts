import type { VsphereFinding, VsphereVm } from '../../schemas/types.ts';

/** What bears on a backup besides what is told of a VM. */
export interface VmPeculiarities {
  readonly encrypted: boolean;
  readonly vtpm: boolean;
  readonly faultTolerance: boolean;
  /** Labels of SCSI controllers that other VMs may use, too. */
  readonly sharedBuses: readonly string[];
  /** By the datastore's name. */
  readonly datastoreTypes: ReadonlyMap<string, string>;
  /** Why reverts to snapshots cannot be seen; null: they can, or nobody asked. */
  readonly eventsUnreadable: string | null;
}

/** What would stop or weaken a backup of a VM. Codes are stable. */
export function vmFindings(vm: Omit<VsphereVm, 'findings'>, peculiar: VmPeculiarities): VsphereFinding[] {
  const found: VsphereFinding[] = [];
  const stops = (code: string, message: string): unknown => found.push({ level: 'stops', code, message });
  const weakens = (code: string, message: string): unknown => found.push({ level: 'weakens', code, message });

  if (vm.template) stops('vm.template', 'it is a template; only VMs are backed up');
  if (vm.connection_state !== 'connected')
    stops('vm.disconnected', `its state is ${vm.connection_state}: no snapshot can be made`);
  if (vm.half_restored)
    stops(
      'vm.half-restored',
      `run ${vm.half_restored.run} restores it in place from ${vm.half_restored.point}, and has not finished`,
    );
  if (vm.disks.length === 0) stops('vm.no-disks', 'it has no disks');
  const foreign = vm.snapshots.filter((snapshot) => !snapshot.ours).map(({ name }) => name);
  for (const disk of vm.disks) {
    const name = `${disk.label} (${disk.address})`;
    if (disk.not_protected_reason !== null)
      weakens(
        disk.backing === 'rdm-physical'
          ? 'disk.rdm'
          : disk.mode.startsWith('independent')
            ? 'disk.independent'
            : 'disk.backing',
        `${name} is not protected: ${disk.not_protected_reason}`,
      );
    if (disk.backing === 'rdm-virtual')
      weakens('disk.rdm-virtual', `${name} is an RDM in virtual mode: only the transport vddk reads it`);
    if (disk.sharing !== null && disk.protected)
      stops('disk.shared', `${name} is shared between VMs (${disk.sharing}): vSphere makes no snapshot of such disks`);
    const store = peculiar.datastoreTypes.get(disk.datastore ?? '');
    if (store !== undefined && objectStores.test(store) && disk.protected)
      weakens('disk.datastore', `${name} is on a datastore of the type ${store}: only the transport vddk reads it`);
    if (disk.has_parent && vm.snapshots.length === 0 && disk.protected)
      weakens(
        'disk.parent',
        `${name} is a difference to another disk file (a linked clone): only the transport vddk reads it`,
      );
    if (disk.uuid === null && disk.protected)
      weakens('disk.no-uuid', `${name} has no uuid: it is known by the name of its file`);
  }
  if (vm.disks.length > 0 && vm.disks.every((disk) => !disk.protected))
    stops('vm.nothing-protected', 'none of its disks can be part of a snapshot');
  if (foreign.length > 0)
    stops('snapshot.foreign', `it has snapshots that Sendense did not make: ${foreign.join(', ')}`);
  const left = vm.snapshots.filter((snapshot) => snapshot.ours).map(({ name }) => name);
  if (left.length > 0)
    weakens(
      'snapshot.ours',
      `a backup is going on, or left a snapshot, which the next one removes: ${left.join(', ')}`,
    );
  if (vm.consolidation_needed) weakens('vm.consolidation', 'its disks need consolidation; the backup begins with that');
  if (!vm.cbt.supported)
    weakens('cbt.unsupported', 'it cannot keep track of changed blocks: every backup reads its disks whole');
  else if (!vm.cbt.enabled)
    weakens(
      'cbt.off',
      'changed block tracking is off: every backup reads its disks whole (cbt: enable switches it on)',
    );
  if (peculiar.eventsUnreadable !== null && vm.cbt.enabled)
    weakens(
      'events.unreadable',
      `its events cannot be read, so Sendense cannot see a revert to a snapshot: every backup reads its disks whole (${peculiar.eventsUnreadable})`,
    );
  if (vm.power_state === 'poweredOn' && vm.tools !== 'running')
    weakens('tools.not-running', `VMware Tools are ${vm.tools.replaceAll('-', ' ')}: snapshots are not quiesced`);
  for (const label of peculiar.sharedBuses)
    stops('disk.shared-bus', `${label} shares its bus with other VMs: vSphere makes no snapshot of such VMs`);
  if (peculiar.faultTolerance)
    weakens(
      'vm.fault-tolerance',
      'fault tolerance is on: vSphere may refuse the snapshot, and change tracking begins anew after a failover',
    );
  const locked = vm.disks.filter((disk) => disk.encrypted && disk.protected).map(({ label }) => label);
  if (locked.length > 0)
    weakens(
      'vm.encrypted',
      `${locked.join(', ')} ${locked.length === 1 ? 'is' : 'are'} encrypted: only the transport vddk reads that`,
    );
  else if (peculiar.encrypted)
    weakens('vm.encrypted', 'its configuration is encrypted, and its disks are not: every transport reads them');
  if (peculiar.vtpm)
    weakens(
      'vm.vtpm',
      'it has a virtual TPM: what that holds opens only where the key provider of this vCenter is known',
    );
  return found;
}

/** Disks are objects there, not files. */
const objectStores = /^(vsand?|vvol|pmem)$/i;
