import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  JobStatus,
  RestoreUndone,
  RestoreWriteOutput,
  VsphereMachine,
  VsphereSourceSpec,
} from '../../schemas/types.ts';
import { asVsphere } from '../../sources/vsphere/as-vsphere.ts';
import type { TargetHub } from '../target-hub.ts';
import type {
  Compared,
  Comparing,
  Remembered,
  RestoreRequest,
  RestoreRun,
  TargetType,
  WrittenDisk,
} from '../target-kind.ts';
import type { CheckedVm } from './check-vm.ts';
import { compareJob, type VsphereClaim } from './vsphere-claim.ts';

type Claim = Pick<VsphereClaim, 'node' | 'run' | 'jobs' | 'resume'>;

/** A VM whose disks are written, and not compared yet. */
export interface WrittenVsphere extends Pick<RestoreWriteOutput, 'directory' | 'files'> {
  readonly made: NonNullable<JobStatus['restored_vm']>;
  readonly machine: VsphereMachine;
}

/**
 * Makes a VM in vSphere with a mark and writes its disks. May be called again.
 * @throws SendenseError `file.exists`, `disk.full`, `node.*`, `vsphere.*`, `transport.*`
 */
export async function writeVm(
  hub: TargetHub,
  request: Pick<RestoreRequest<TargetType>, 'disks' | 'from'>,
  claim: Claim,
  vm: CheckedVm,
  run: Pick<RestoreRun, 'signal' | 'remember'>,
): Promise<WrittenVsphere> {
  run.signal.throwIfAborted();
  if (vm.replaces !== null) await removeLeft(hub, claim, vm.spec, vm.replaces);
  // From here on something may be there that has to be undone.
  run.remember('spec', vm.spec);
  const { restored_vm: made, disks: copied } = await writeDisks(hub, request, claim, vm, (id) =>
    run.remember('vm', id),
  );
  if (!made) throw new SendenseError('node.protocol', `the node ended job ${claim.jobs.write} without a VM`);
  const { spec, disks } = vm;
  const nameOf = (key: string): string => disks.find((one) => one.key === key)?.disk.disk ?? key;
  return {
    made,
    directory: null,
    files: made.disks.map(({ key, file }) =>
      writtenDisk(nameOf(key), file, copied.find((one) => one.key === key)?.bytes_transferred ?? 0),
    ),
    machine: {
      name: made.name,
      vm: made.vm,
      host: spec.host,
      run: claim.run,
      point: vm.vm.point,
      node: claim.node,
      source: spec,
      power_on: false,
      disks: made.disks.map(({ key, device_key }) => ({ disk: nameOf(key), key, device_key })),
      notes: [],
    },
  };
}

/** Removes the VM that {@link writeVm} made, or says why it stays. "Nothing there" is success. */
export async function undoVm(hub: TargetHub, claim: Claim, remembered: Remembered): Promise<void> {
  await hub.clearServed();
  const spec = remembered['spec'] as VsphereSourceSpec | undefined;
  if (!spec) return;
  const jobs = [claim.jobs.write, claim.jobs.compare];
  for (const job of jobs) await hub.endJob(claim.node, job);
  const client = await hub.node(claim.node);
  const vm = remembered['vm'];
  const request = {
    source: spec,
    ...(await hub.login(spec)),
    run: claim.run,
    jobs,
    keep_copied: claim.resume,
    ...(typeof vm === 'string' ? { vm } : {}),
  };
  const { kept, left, warnings = [] } = await client.undoRestore(request, hub.signal);
  for (const warning of warnings) hub.warn(warning);
  if (left) hub.warn(`${aboutLeft(left, spec)}. Delete it in vSphere if nobody needs it`);
  if (kept)
    hub.warn(
      `the VM ${kept.name} stays in vSphere (${spec.host}), unfinished, with ${kept.copied} of ${kept.disks} disks copied. Run the same restore again to go on with it, or delete it in vSphere`,
    );
}

export const writtenDisk = (disk: string, file: string, bytes: number): WrittenDisk => ({
  disk,
  temporary: file,
  file,
  format: 'vmdk',
  bytes_written: bytes,
});

const aboutLeft = ({ name, vm, why }: NonNullable<RestoreUndone['left']>, { host }: VsphereSourceSpec): string =>
  `the unfinished VM ${name} (${vm}) stays in vSphere (${host}), and Sendense leaves it alone from now on: ${why}`;

/** Of a run that has ended, and in which no disk is whole. */
async function removeLeft(hub: TargetHub, { node }: Claim, spec: VsphereSourceSpec, run: string): Promise<void> {
  const client = await hub.node(node);
  const request = { source: spec, ...(await hub.login(spec)), run, jobs: [], keep_copied: true };
  const { removed, left, warnings = [] } = await client.undoRestore(request, hub.signal);
  for (const warning of warnings) hub.warn(warning);
  if (left)
    throw new SendenseError('file.exists', aboutLeft(left, spec), {
      remedy: 'Delete it in vSphere if nobody needs it, or give the new VM another name (`name`, --name).',
    });
  if (removed !== null) hub.log(`removed the VM ${removed}, which run ${run} has left with no whole disk`);
}

async function writeDisks(
  hub: TargetHub,
  { disks, from }: Pick<RestoreRequest<TargetType>, 'disks' | 'from'>,
  { node, jobs }: Claim,
  { vm, spec, takesOver, disks: keyed }: CheckedVm,
  onMade: (vm: string) => void,
) {
  let madeVm: string | undefined;
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
    onStatus({ restored_vm: made }) {
      if (made && made.vm !== madeVm) onMade((madeVm = made.vm));
    },
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
export async function compareDisk(
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
  const { bytes_read: comparedBytes = 0 } = status.disks[0] ?? {};
  return { comparedBytes, isCompared: comparedBytes > 0 };
}

export const noMachine = (): SendenseError =>
  new SendenseError('plan.invalid', 'the step does not say which VM the restore has made', {
    remedy:
      'Add `machine: ${{ default(steps.write.machine, null) }}` to the inputs of the step, as runners/restore.yaml has it.',
  });
