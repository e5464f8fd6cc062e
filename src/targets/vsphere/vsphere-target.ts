import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreChecked, RestoreUndone, VsphereMachine, VsphereSourceSpec } from '../../schemas/types.ts';
import { asVsphere } from '../../sources/vsphere/as-vsphere.ts';
import type { TargetHub } from '../target-hub.ts';
import type { Compared, Comparing, RestoreRequest, TargetKind, WrittenDisk } from '../target-kind.ts';
import { checkVm, effectsOf, type CheckedVm } from './check-vm.ts';
import { claimOf, compareJob, type VsphereClaim } from './vsphere-claim.ts';

type Machine = Pick<VsphereMachine, 'node' | 'source' | 'run' | 'point' | 'vm' | 'name' | 'power_on'>;

/** What publishing claims: the VM that is finished by it. */
interface FinishClaim {
  readonly machine: Machine | null;
}

/**
 * A new VM in vSphere. A node makes it with a mark, writes its disks through VMware's library, and reads them again. It is published
 * when the mark is taken away.
 */
export const vsphereTarget = (hub: TargetHub): TargetKind<'vsphere', VsphereClaim, FinishClaim> => ({
  type: 'vsphere',
  claim: (to, _disks, facts) => claimOf(to, facts),

  assertFree: async (request, claim) => void (await checkVm(hub, request, claim)),
  effects: async (request, claim) => effectsOf(await checkVm(hub, request, claim), request.to),
  outline: ({ to, disks, from }, claim) => ({
    directory: null,
    files: disks.map(({ disk }) => writtenDisk(disk, `${claim.name ?? from.point().vm}, at ${to.vsphere}`, 0)),
  }),

  async write(request, claim, run) {
    const vm = await checkVm(hub, request, claim);
    run.signal.throwIfAborted();
    if (vm.replaces !== null) await removeLeft(hub, claim, vm.spec, vm.replaces);
    // From here on something may be there that has to be undone.
    run.remember('spec', vm.spec);
    const { restored_vm: made, disks: copied } = await writeDisks(hub, request, claim, vm);
    if (!made) throw new SendenseError('node.protocol', `the node ended job ${claim.jobs.write} without a VM`);
    const { spec, checked, disks } = vm;
    const notes = [macNote(checked), ...made.left_out.map((what) => `without ${what}`)];
    for (const note of notes) run.log(note);
    return {
      directory: null,
      files: made.disks.map(({ key, file }) =>
        writtenDisk(
          disks.find((one) => one.key === key)?.disk.disk ?? key,
          file,
          copied.find((one) => one.key === key)?.bytes_transferred ?? 0,
        ),
      ),
      machine: {
        name: made.name,
        vm: made.vm,
        host: spec.host,
        run: claim.run,
        point: vm.vm.point,
        node: claim.node,
        source: spec,
        power_on: request.to.powerOn,
        disks: made.disks.map(({ key, device_key }) => ({
          disk: disks.find((one) => one.key === key)?.disk.disk ?? key,
          key,
          device_key,
        })),
        notes,
      },
    };
  },

  async undoWrite(claim, remembered) {
    await hub.clearServed();
    const spec = remembered['spec'] as VsphereSourceSpec | undefined;
    if (!spec) return;
    const jobs = [claim.jobs.write, claim.jobs.compare];
    for (const job of jobs) await hub.endJob(claim.node, job);
    const client = await hub.node(claim.node);
    const request = { source: spec, ...(await hub.login(spec)), run: claim.run, jobs, keep_copied: claim.resume };
    const { kept, left } = await client.undoRestore(request, hub.signal);
    if (left) hub.warn(`${aboutLeft(left, spec)}. Delete it in vSphere if nobody needs it`);
    if (kept)
      hub.warn(
        `the VM ${kept.name} stays in vSphere (${spec.host}), unfinished, with ${kept.copied} of ${kept.disks} disks copied. Run the same restore again to go on with it, or delete it in vSphere`,
      );
  },

  readBack: null,
  compare: (written, comparing) => compareDisk(hub, written, comparing),

  claimNames: (_written, machine = null) => ({
    machine: machine !== null && 'vm' in machine ? machineOf(machine) : null,
  }),
  publishEffects: (written) =>
    written.slice(0, 1).map(({ file }) => ({
      action: 'change',
      target: file,
      detail: 'the VM is no longer marked as unfinished',
      argv: null,
    })),

  async publish({ machine }, run) {
    if (machine === null) throw noMachine();
    run.remember('asked', true);
    const { finished, warnings } = await finish(hub, machine, 'finish');
    if (!finished)
      throw new SendenseError('target.unfit', `the VM ${machine.name} (${machine.vm}) is not there any more`, {
        remedy: 'Somebody has deleted it. Run the restore again: it makes the VM anew.',
      });
    for (const warning of warnings) hub.warn(warning);
  },
  async isPublished({ machine }, remembered) {
    if (machine === null || remembered['asked'] !== true) return false;
    return (await finish(hub, machine, 'look')).finished;
  },
  async undoPublish({ machine }, remembered) {
    if (machine !== null && remembered['asked'] === true) await finish(hub, machine, 'reopen');
  },

  // vSphere starts it where the plan wants that, as the last thing that publishing does.
  safeguarding: null,
  converting: null,
  starting: null,
  files: null,
});

const macNote = ({ mac, original }: RestoreChecked): string =>
  mac === 'new'
    ? 'its MAC addresses are new'
    : `its MAC addresses are those of before${original === null ? '' : `, which ${original} has, too: never connect both to one network`}`;

const writtenDisk = (disk: string, file: string, bytes: number): WrittenDisk => ({
  disk,
  temporary: file,
  file,
  format: 'vmdk',
  bytes_written: bytes,
});

const aboutLeft = ({ name, vm, why }: NonNullable<RestoreUndone['left']>, { host }: VsphereSourceSpec): string =>
  `the unfinished VM ${name} (${vm}) stays in vSphere (${host}), and Sendense leaves it alone from now on: ${why}`;

/** Of a run that has ended, and in which no disk is whole. */
async function removeLeft(hub: TargetHub, { node }: VsphereClaim, spec: VsphereSourceSpec, run: string): Promise<void> {
  const client = await hub.node(node);
  const request = { source: spec, ...(await hub.login(spec)), run, jobs: [], keep_copied: true };
  const { removed, left } = await client.undoRestore(request, hub.signal);
  if (left)
    throw new SendenseError('file.exists', aboutLeft(left, spec), {
      remedy: 'Delete it in vSphere if nobody needs it, or give the new VM another name (`name`, --name).',
    });
  if (removed !== null) hub.log(`removed the VM ${removed}, which run ${run} has left with no whole disk`);
}

async function writeDisks(
  hub: TargetHub,
  { disks, from }: RestoreRequest<'vsphere'>,
  { node, jobs }: VsphereClaim,
  { vm, spec, takesOver, disks: keyed }: CheckedVm,
) {
  const login = await hub.login(spec);
  await using served = await hub.serve(node, keyed, from);
  if (takesOver !== null) hub.log(`going on with the VM that run ${takesOver} has left unfinished`);
  hub.log(`${disks.length === 1 ? 'one disk goes' : `${disks.length} disks go`} to ${spec.host}`);
  // Awaited: the disks are served until then.
  return await hub.follow({
    node,
    jobId: jobs.write,
    disks: keyed.map(({ key, disk }) => ({ key, disk: disk.disk })),
    secrets: [...Object.values(login), served.psk ?? []].flat(),
    assertServed: () => served.assertServed(),
    start: (client, lease) =>
      client.startRestore(
        {
          job_id: jobs.write,
          source: spec,
          ...login,
          vm: { ...vm, takes_over: takesOver },
          nbd_sources: served.sources,
          ...(served.psk === null ? {} : { nbd_psk: served.psk }),
          lease_seconds: lease,
        },
        hub.signal,
      ),
  });
}

/** The node reads what it has written, beside the disk: the index travels, not the data. */
async function compareDisk(
  hub: TargetHub,
  written: WrittenDisk,
  { disk, machine, from }: Comparing,
): Promise<Compared> {
  if (machine === null || !('vm' in machine)) throw noMachine();
  const { node, run, point, name, disks } = machine;
  const source = asVsphere(machine.source);
  const { device_key: key, key: savedKey } = disks.find((one) => one.disk === written.disk) ?? {};
  if (key === undefined || savedKey === undefined || source === null) throw noMachine();
  const login = await hub.login(source);
  const jobId = compareJob(run);
  const status = await hub.follow({
    node,
    jobId,
    disks: [{ key, disk: written.disk }],
    secrets: Object.values(login),
    phaseOf: (phase) => (phase === 'digesting' ? 'comparing' : phase),
    start: async (client, lease) => {
      const index = await hub.sendIndex(client, disk, from);
      const request = {
        job_id: jobId,
        source,
        ...login,
        run,
        point,
        name,
        disks: [{ key, saved_key: savedKey, index }],
      };
      return client.compareRestore({ ...request, lease_seconds: lease }, hub.signal);
    },
  });
  return { comparedBytes: status.disks[0]?.capacity_bytes ?? 0 };
}

async function finish(hub: TargetHub, machine: Machine, action: 'finish' | 'look' | 'reopen') {
  const { node, run, point, vm, power_on: powerOn } = machine;
  const source = asVsphere(machine.source);
  if (source === null) throw noMachine();
  const client = await hub.node(node);
  const login = await hub.login(source);
  return client.finishRestore({ source, ...login, run, point, vm, action, power_on: powerOn }, hub.signal);
}

const machineOf = ({ node, source, run, point, vm, name, power_on }: VsphereMachine): Machine => ({
  node,
  source,
  run,
  point,
  vm,
  name,
  power_on,
});

const noMachine = (): SendenseError =>
  new SendenseError('plan.invalid', 'the step does not say which VM the restore has made', {
    remedy:
      'Add `machine: ${{ default(steps.write.machine, null) }}` to the inputs of the step, as runners/restore.yaml has it.',
  });
