import { join } from 'node:path';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { NotProtected, SnapshotFacts, VsphereDisk, VsphereSourceSpec, VsphereVm } from '../../../schemas/types.ts';
import { vmConfigName } from '../../jobs/job-folder.ts';
import { connectVsphere, type Moref } from '../../vsphere/connect.ts';
import type { Vsphere } from '../../vsphere/vsphere.ts';
import { diskRefs } from '../../vsphere/disk-refs.ts';
import { downloadDatastoreFile } from '../../vsphere/download-datastore-file.ts';
import { findVm } from '../../vsphere/inventory.ts';
import { inPlaceMarkIn, inPlaceNoteIn } from '../../vsphere/in-place/in-place-mark.ts';
import { lastRevert } from '../../vsphere/last-revert.ts';
import { refusedLogins } from '../../vsphere/refused-logins.ts';
import { notProtected } from '../../vsphere/snapshot-disks.ts';
import { takeSnapshot, type Snapshot } from '../../vsphere/take-snapshot.ts';
import { chooseTransport, reasonOf, type TransportChoice } from '../../vsphere/transports/choose-transport.ts';
import { serveSnapshotDisk } from '../../vsphere/transports/serve-snapshot-disk.ts';
import type { TransportContext } from '../../vsphere/transports/transport.ts';
import { saveVmConfig } from '../../vsphere/save-vm-config.ts';
import { vmFacts } from '../../vsphere/vm-facts.ts';
import type { OpenSource } from '../../../sources/open-source.ts';
import type { OpenOptions } from '../source.ts';
import { identityOf } from './disk-info.ts';
import { halfRestored } from './refusal.ts';
import { earlyDisk, nothingEarly } from './early-disk.ts';
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

  if (facts.half_restored) throw halfRestored(facts.path, facts.half_restored);
  const node = await nodeIdOf(options.jobFolder);
  stack.use(await holdJob(options.jobFolder, node, options.jobId));
  activity('making the snapshot');
  const snapshot = await snapshotOf(vsphere, vm, spec, node, options);
  stack.defer(() => remove(snapshot, facts, options));
  await assertNotHalfRestored(vsphere, vm, facts, signal);
  const { disks } = snapshot;
  const added = addedDisks(disks, options);
  const distrust = await revertSince(vsphere, vm, facts, options);

  activity('choosing how to read the disks');
  const refs = await diskRefs(vsphere, facts, snapshot.moref.value, disks, signal);
  const context: TransportContext = {
    // A stored credential brings its own user.
    spec: { ...spec, user: address.user },
    password: () => address.password,
    cookie: (refused) => vsphere.cookie(refused),
    vddkLogins: refusedLogins(),
    jobFolder: options.jobFolder,
    socketFolder: options.socketFolder,
    signal,
    warn: options.warn,
    waiting: (what) => {
      if (what !== null) options.log(what);
      activity(what);
    },
  };
  const first = refs.find(({ key }) => String(key) === options.expected[0]?.key) ?? refs[0];
  const transport = await chooseTransport(context, refs, async (name) =>
    first ? earlyDisk(first.key, await serveSnapshotDisk(context, name, first)) : undefined,
  );
  const early = stack.use(transport.opened ?? nothingEarly);
  options.log(`transport ${transport.name}: ${reasonOf(transport)}`);

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
    facts: {
      snapshot: factsOf(snapshot, spec, transport),
      vmConfig,
      notProtected: [...snapshot.notProtected, ...added],
    },
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
        early,
        distrust,
        context: { ...context, signal: diskSignal ?? signal },
        activity,
      });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A restore in place may have begun before the snapshot was there; one that begins now sees the snapshot. */
async function assertNotHalfRestored(
  vsphere: Vsphere,
  vm: Moref,
  { path, restored_in_place: known }: VsphereVm,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [found] = await vsphere.properties([vm], ['config.extraConfig'], signal ? { signal } : {});
  const mark = inPlaceMarkIn(found?.values.get('config.extraConfig'));
  if (mark) throw halfRestored(path, { run: mark.run, point: mark.point, torn: mark.isTorn });
  const note = inPlaceNoteIn(found?.values.get('config.extraConfig'));
  // How to read the disks was decided before that.
  if (note !== null && note.run !== known?.run)
    throw new SendenseError('source.half_restored', `the VM ${path} was restored in place while this backup began`, {
      remedy: `Run the backup again: it compares the disks with what run ${note.run} has written.`,
    });
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
    isAlive: async (mark) =>
      mark.job !== options.jobId && mark.node === node && (await isJobHeld(options.jobFolder, node, mark.job)),
    warn,
    left: (what) => options.left(what),
    log: (message) => {
      options.activity(message);
      options.log(message);
    },
    signal,
  });
}

/** The data is safe by now: a snapshot that stays is a warning, and the next run begins with it. */
async function remove(snapshot: Snapshot, { path }: VsphereVm, { activity, warn, left }: OpenOptions): Promise<void> {
  activity(`removing the snapshot ${snapshot.name}`);
  try {
    await snapshot[Symbol.asyncDispose]();
  } catch (cause) {
    const { code, message, remedy } = toSendenseError(cause);
    warn(`${code}: the snapshot ${snapshot.name} of ${path} is still there: ${message} ${remedy}`);
    left({ what: `the snapshot ${snapshot.name} of ${path}`, why: message });
  } finally {
    activity(null);
  }
}

/**
 * What the hub decided about is what the snapshot holds: a disk may have been swapped or added in between. Answers those that
 * were added, which nobody copies.
 * @throws SendenseError `source.changed`
 */
function addedDisks(disks: readonly VsphereDisk[], { expected, log }: OpenOptions): NotProtected[] {
  for (const { key, uuid } of expected) {
    const disk = disks.find((one) => String(one.key) === key);
    if (!disk) throw new SendenseError('source.changed', `the disk with the key ${key} is not in the snapshot`);
    if (uuid !== null && identityOf(disk) !== uuid)
      throw new SendenseError(
        'source.changed',
        `${disk.label} (key ${key}) is now another disk: ${identityOf(disk)}, it was ${uuid} a moment ago`,
      );
  }
  if (expected.length === 0) return [];
  const added = disks
    .filter((disk) => !expected.some(({ key }) => key === String(disk.key)))
    .map((disk) => notProtected(disk, 'it was added after the VM was looked at; the next run has it'));
  for (const { label, reason } of added) log(`${label} is NOT PROTECTED: ${reason}`);
  return added;
}

/** Two readings of one event differ by what the clocks were measured to differ. */
const sameEventMs = 5_000;

/**
 * The hub decided by what it knew of reverts; after one more the list of changes does not lead from the parent to now.
 * Answers why that cannot be told, or null.
 * @throws SendenseError `source.changed` where there was one
 */
async function revertSince(
  vsphere: Vsphere,
  vm: Moref,
  { path }: VsphereVm,
  { lastRevert: known, signal }: OpenOptions,
): Promise<string | null> {
  if (known === undefined) return null;
  const { last, knownSince, unreadable } = await lastRevert(vsphere, vm, await vsphere.clockOffset(signal), signal);
  if (knownSince === null)
    return `vSphere does not tell whether the VM was reverted to a snapshot meanwhile${unreadable === null ? '' : ` (${unreadable})`}`;
  if (last === null || last <= (known ?? 0) + sameEventMs) return null;
  throw new SendenseError('source.changed', `${path} was reverted to a snapshot while the backup began`, {
    remedy: 'Run the plan again.',
  });
}

const factsOf = (
  { name, quiesced, note, taken }: Snapshot,
  spec: VsphereSourceSpec,
  transport: TransportChoice,
): SnapshotFacts => ({
  name,
  quiesce: spec.quiesce,
  quiesced,
  note,
  transport: transport.name,
  transport_reason: reasonOf(transport),
  taken: new Date(taken).toISOString(),
});
