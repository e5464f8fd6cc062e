import { join } from 'node:path';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { SnapshotFacts, VsphereDisk, VsphereSourceSpec, VsphereVm } from '../../../schemas/types.ts';
import { vmConfigName } from '../../job-folder.ts';
import { connectVsphere, type Moref, type Vsphere } from '../../vsphere/connect.ts';
import { datastoreTypesOf } from '../../vsphere/datastore-types.ts';
import { downloadDatastoreFile } from '../../vsphere/download-datastore-file.ts';
import { findVm } from '../../vsphere/inventory.ts';
import { lastRevert } from '../../vsphere/last-revert.ts';
import { takeSnapshot, type Snapshot } from '../../vsphere/take-snapshot.ts';
import { chooseTransport, type TransportChoice } from '../../vsphere/transports/choose-transport.ts';
import type { SnapshotDiskRef, TransportContext } from '../../vsphere/transports/transport.ts';
import { saveVmConfig } from '../../vsphere/save-vm-config.ts';
import { vmFacts } from '../../vsphere/vm-facts.ts';
import type { OpenOptions, OpenSource } from '../source.ts';
import { identityOf } from './disk-info.ts';
import { holdJob, isJobHeld } from './job-hold.ts';
import { nodeIdOf } from './node-id.ts';
import { openSnapshotDisk } from './snapshot-disk.ts';
import { addressOf } from './vsphere-address.ts';

/** One snapshot of all disks of a VM, read by one transport, for as long as it is open. */
export async function openVm(spec: VsphereSourceSpec, options: OpenOptions): Promise<OpenSource> {
  const { signal, activity } = options;
  await using stack = new AsyncDisposableStack();
  activity(`logging in at ${spec.host}`);
  const address = addressOf(spec, options.login);
  const vsphere = stack.use(await connectVsphere(address, { signal }));
  const vm = await findVm(vsphere, { path: spec.path, moref: spec.moref, name: options.vmName }, signal);
  const facts = await vmFacts(vsphere, vm, signal);

  const node = await nodeIdOf(options.jobFolder);
  stack.use(await holdJob(node, options.jobId));
  activity('making the snapshot');
  const snapshot = await snapshotOf(vsphere, vm, spec, node, options);
  stack.defer(() => remove(snapshot, facts, options));
  const { disks } = snapshot;
  assertExpected(disks, options);
  await assertNotReverted(vsphere, vm, facts, options);

  activity('choosing how to read the disks');
  const refs = await diskRefs(vsphere, facts, snapshot, disks, signal);
  const context: TransportContext = {
    // A stored credential brings its own user.
    spec: { ...spec, user: address.user },
    password: () => address.password,
    cookie: (refused) => vsphere.cookie(refused),
    jobFolder: options.jobFolder,
    socketFolder: options.socketFolder,
    signal,
    warn: options.warn,
    waiting: (what) => {
      if (what !== null) options.log(what);
      activity(what);
    },
  };
  const transport = await chooseTransport(context, refs);
  options.log(`transport ${transport.name}: ${transport.reason}`);

  activity('saving the configuration of the VM');
  const vmConfig = await saveVmConfig(vsphere, {
    facts,
    snapshot: snapshot.moref,
    disks,
    download: (path, limit, fileSignal) => downloadDatastoreFile(context, facts.datacenter, path, limit, fileSignal),
    file: join(options.jobFolder, vmConfigName),
    signal,
    warn: options.warn,
  });
  activity(null);

  const held = stack.move();
  return {
    keys: disks.map(({ key }) => String(key)),
    facts: { snapshot: factsOf(snapshot, spec, transport), vmConfig },
    disk: async (key, diskSignal) => {
      const disk = disks.find((one) => String(one.key) === key);
      const ref = refs.find((one) => String(one.key) === key);
      if (!disk || !ref)
        throw new SendenseError('source.missing', `the snapshot of ${facts.path} has no disk with the key ${key}`);
      return openSnapshotDisk({
        vsphere,
        vm,
        snapshot,
        disk,
        ref,
        transport: transport.name,
        context: { ...context, signal: diskSignal ?? signal },
        activity,
      });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function snapshotOf(
  vsphere: Vsphere,
  vm: Moref,
  spec: VsphereSourceSpec,
  node: string,
  options: OpenOptions,
): Promise<Snapshot> {
  const { signal, warn } = options;
  return takeSnapshot(vsphere, vm, {
    mark: { job: options.jobId, backup: options.backupId, node, time: Date.now() },
    quiesce: spec.quiesce,
    cbt: spec.cbt,
    foreignSnapshots: spec.foreign_snapshots,
    isAlive: async (mark) => mark.job !== options.jobId && mark.node === node && (await isJobHeld(node, mark.job)),
    warn,
    log: (message) => {
      options.activity(message);
      options.log(message);
    },
    signal,
  });
}

/** The data is safe by now: a snapshot that stays is a warning, and the next run begins with it. */
async function remove(snapshot: Snapshot, { path }: VsphereVm, { activity, warn }: OpenOptions): Promise<void> {
  activity(`removing the snapshot ${snapshot.name}`);
  try {
    await snapshot[Symbol.asyncDispose]();
  } catch (cause) {
    const { code, message, remedy } = toSendenseError(cause);
    warn(`${code}: the snapshot ${snapshot.name} of ${path} is still there: ${message} ${remedy}`);
  } finally {
    activity(null);
  }
}

/** What the hub decided about is what the snapshot holds: a disk may have been swapped or added in between. */
function assertExpected(disks: readonly VsphereDisk[], { expected, warn }: OpenOptions): void {
  for (const { key, uuid } of expected) {
    const disk = disks.find((one) => String(one.key) === key);
    if (!disk) throw new SendenseError('source.changed', `the disk with the key ${key} is not in the snapshot`);
    if (uuid !== null && identityOf(disk) !== uuid)
      throw new SendenseError(
        'source.changed',
        `${disk.label} (key ${key}) is another disk now: ${identityOf(disk)}, it was ${uuid} a moment ago`,
      );
  }
  if (expected.length === 0) return;
  for (const disk of disks)
    if (!expected.some(({ key }) => key === String(disk.key)))
      warn(`${disk.label} (${disk.address}) was added after the VM was looked at and is NOT PROTECTED by this run`);
}

/** Two readings of one event differ by what the clocks were measured to differ. */
const sameEventMs = 5_000;

/** The hub decided by what it knew of reverts; after one more the list of changes does not lead from the parent to now. */
async function assertNotReverted(
  vsphere: Vsphere,
  vm: Moref,
  { path }: VsphereVm,
  { lastRevert: known, signal }: OpenOptions,
): Promise<void> {
  if (known === undefined) return;
  const now = await lastRevert(vsphere, vm, await vsphere.clockOffset(signal), signal);
  if (now === null || now <= (known ?? 0) + sameEventMs) return;
  throw new SendenseError('source.changed', `${path} was reverted to a snapshot while the backup began`, {
    remedy: 'Run the plan again.',
  });
}

async function diskRefs(
  vsphere: Vsphere,
  facts: VsphereVm,
  snapshot: Snapshot,
  disks: readonly VsphereDisk[],
  signal: AbortSignal | undefined,
): Promise<SnapshotDiskRef[]> {
  const vm: Moref = { type: 'VirtualMachine', value: facts.moref };
  const [found] = await vsphere.properties([vm], ['datastore'], signal ? { signal } : {});
  const types = await datastoreTypesOf(vsphere, found, signal);
  const encrypted = facts.findings.some(({ code }) => code === 'vm.encrypted');
  return disks.map((disk) => ({
    vmMoref: facts.moref,
    snapshotMoref: snapshot.moref.value,
    key: disk.key,
    label: `${disk.label} (${disk.address})`,
    file: disk.file,
    capacity: disk.capacity_bytes,
    backing: disk.backing,
    hasParent: disk.has_parent,
    encrypted,
    datacenter: facts.datacenter,
    datastoreType: disk.datastore === null ? null : (types.get(disk.datastore) ?? null),
    host: facts.host,
  }));
}

const factsOf = (
  { name, quiesced, note }: Snapshot,
  spec: VsphereSourceSpec,
  { name: transport, reason, tried }: TransportChoice,
): SnapshotFacts => ({
  name,
  quiesce: spec.quiesce,
  quiesced,
  note,
  transport,
  transport_reason: [reason, ...tried.map((one) => `not ${one.name}: ${one.why}`)].join('; '),
});
