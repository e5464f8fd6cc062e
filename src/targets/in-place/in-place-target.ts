import { SendenseError } from '../../errors/sendense-error.ts';
import type { InPlaceStartRequest, JobStatus, VsphereMachine, VsphereSourceSpec } from '../../schemas/types.ts';
import type { KeyedDisk, TargetHub } from '../target-hub.ts';
import type { RestoreRequest, TargetKind } from '../target-kind.ts';
import {
  markGoes,
  onlyDisks,
  outlineOf,
  publishedByNode,
  seenAs,
  type AskedNode,
  type PublishedVm,
  type VmClaim,
} from '../vsphere/published-by-node.ts';
import { isStarted, isStartedBlindly } from '../vsphere/start-check.ts';
import { vmStarting } from '../vsphere/start-vm.ts';
import { writtenDisk } from '../vsphere/write-vm.ts';
import { checkInPlace, effectsOf, uuidOf, type CheckedInPlace } from './check-in-place.ts';
import { claimOf, type InPlaceClaim } from './in-place-claim.ts';
import { safeguarding } from './safeguarding.ts';
import { assertSaved, beforeThat, safetyPoint, stateBeforeNotes, type SafetyPoint } from './state-before.ts';
import { givenUpText, tornText } from './what-stays.ts';

type Request = RestoreRequest<'inPlace'>;

/**
 * The VM that the restore point was made of. A node marks it, writes to its disks what differs, through VMware's library, and reads that
 * again. It is published when the mark is taken away. What was written cannot be taken back: a restore that fails leaves the mark, and the
 * next one goes on.
 */
export const inPlaceTarget = (hub: TargetHub): TargetKind<'inPlace', InPlaceClaim, VmClaim> => ({
  type: 'inPlace',
  claim: (to, _disks, facts) => claimOf(to, facts),

  assertFree: async (request, claim) => void (await checkInPlace(hub, request, claim)),
  effects: async (request, claim) => effectsOf(hub, request, await checkInPlace(hub, request, claim)),
  outline: (request) => outlineOf(request, request.from.point().vm, request.to.inPlace),

  async write(request, claim, run) {
    const found = await checkInPlace(hub, request, claim);
    run.signal.throwIfAborted();
    assertSaved(request, found.checked);
    if (found.checked.torn_by) hub.warn(givenUpText(found.checked, found.checked.torn_by));
    // From here on the VM may bear a mark of this run.
    run.remember('vm', markedOf(request, found));
    const before = await safetyPoint(hub, request, found.checked);
    const writing = { before, onBegun: () => run.remember('begun', true) };
    const { disks, restored_vm: written } = await writeDisks(hub, request, claim, found, writing);
    const isSaved = written?.not_in_safety !== true;
    return {
      directory: null,
      files: request.disks.map((disk) => {
        const own = diskOf(found, disk.uuid);
        const bytes = disks.find(({ key }) => key === own.key)?.bytes_transferred ?? 0;
        return writtenDisk(disk.disk, own.file, bytes);
      }),
      machine: machineOf(request, claim, found, isSaved ? before.fit : null, isSaved),
    };
  },

  async undoWrite(claim, remembered, isPublished) {
    await hub.clearServed();
    const marked = remembered['vm'] as MarkedVm | undefined;
    if (!marked || isPublished) return;
    const { spec, vm, name = vm } = marked;
    const which = `the VM ${name} in vSphere (${spec.host})`;
    const state = await release(hub, claim, marked).catch((error: unknown) => {
      hub.warn(
        `nobody knows whether ${which} is restored in part: do not start it. When it can be reached again, run the same restore: it goes on. Or run \`sendense-run recover\`, which looks`,
      );
      throw error;
    });
    const told = tornText(which, state, remembered['begun'] === true);
    if (told !== null) hub.warn(told);
  },

  // The node has read again what it wrote, or all of it where the plan says so.
  compare: async ({ bytes_written: written }, { disk, machine }) => ({
    comparedBytes:
      machine !== null && 'notes' in machine && machine.notes.includes(allRead) ? disk.capacity_bytes : written,
  }),

  ...publishedByNode(hub, {
    effects: markGoes('the VM is no longer marked as one that is being restored'),
    finish: async (node, machine, start) => (await end(node, { ...machine, power_on: start }, 'finish')).warnings,
    finished: (node, machine) => seenAs(end(node, machine, 'look'), ({ state }) => state === 'finished'),
    // Its disks are whole, and stay so: where the mark is still there, the same command takes it away.
    undo: null,
  }),

  safeguarding: safeguarding(hub),
  ...onlyDisks,
  starting: vmStarting(hub),
});

/** A VM that may bear a mark of the run. */
interface MarkedVm {
  readonly spec: VsphereSourceSpec;
  /** Managed object id. */
  readonly vm: string;
  /** Journals of earlier versions have none. */
  readonly name?: string;
  readonly point: string;
}

const markedOf = ({ from }: Pick<Request, 'from'>, { spec, checked }: CheckedInPlace): MarkedVm => ({
  spec,
  vm: checked.vm,
  name: checked.name,
  point: from.point().backup_id,
});

/** Ends its job, and takes its mark away if nothing was written. @returns how it is then */
async function release(hub: TargetHub, { node, job, run }: InPlaceClaim, { spec, vm, point }: MarkedVm) {
  await hub.endJob(node, job);
  const client = await hub.node(node);
  const login = await hub.login(spec);
  const ended = await client.endInPlace(
    { source: spec, ...login, run, point, vm, action: 'release', jobs: [job], power_on: false },
    hub.signal,
  );
  return ended.state;
}

const allRead = 'its disks were read whole and compared';

function diskOf({ checked }: CheckedInPlace, uuid: string | undefined): CheckedInPlace['checked']['disks'][number] {
  const found = checked.disks.find((one) => one.uuid === uuid);
  if (found) return found;
  throw new SendenseError('node.protocol', `the node does not say which disk ${uuid} is`);
}

interface Writing {
  readonly before: SafetyPoint;
  /** Something may have been written. */
  onBegun(): void;
}

/** Whether bytes of a disk have been written. */
const isWritten = ({ phase, bytes_done: done, bytes_transferred: all = 0 }: JobStatus['disks'][number]): boolean =>
  phase === 'copying' ? done > 0 : phase === 'done' && all > 0;

async function writeDisks(
  hub: TargetHub,
  request: Request,
  claim: InPlaceClaim,
  found: CheckedInPlace,
  { before, onBegun }: Writing,
) {
  const { disks, from, to } = request;
  const { node, job } = claim;
  const { spec, checked, takesOver } = found;
  const login = await hub.login(spec);
  const keyed = disks.map((disk) => ({ key: diskOf(found, disk.uuid).key, disk }));
  if (checked.unfinished)
    hub.log(
      `going on with what run ${checked.unfinished.run} has begun; ${beforeThat(checked.unfinished, before.fit)}`,
    );
  let hasBegun = false;
  await using served = await hub.serve(node, keyed, from);
  // Awaited: the disks are served until then.
  return await hub.follow({
    node,
    jobId: job,
    disks: keyed.map(({ key, disk }) => ({ key, disk: disk.disk })),
    secrets: [...Object.values(login), served.psk ?? []].flat(),
    phaseOf: (phase) => phases[phase] ?? phase,
    assertServed: () => served.assertServed(),
    onStatus(status) {
      if (hasBegun || !status.disks.some(isWritten)) return;
      hasBegun = true;
      onBegun();
    },
    start: async (client, lease) =>
      client.startInPlace(
        {
          job_id: job,
          source: spec,
          ...login,
          vm: checked.vm,
          name: checked.name,
          run: claim.run,
          point: from.point().backup_id,
          safety: before.id,
          takes_over: takesOver,
          disks: await startDisks(hub, client, request, keyed),
          compare_all: to.compareAll,
          power_on: isStarted(to),
          nbd_sources: served.sources,
          ...(served.psk === null ? {} : { nbd_psk: served.psk }),
          lease_seconds: lease,
        },
        hub.signal,
      ),
  });
}

const phases: Readonly<Record<string, string>> = { digesting: 'comparing', copying: 'writing', flushing: 'comparing' };

async function startDisks(
  hub: TargetHub,
  client: Parameters<TargetHub['sendIndex']>[0],
  { safety, from }: Request,
  keyed: readonly KeyedDisk[],
): Promise<InPlaceStartRequest['disks']> {
  const disks: InPlaceStartRequest['disks'][number][] = [];
  for (const { key, disk } of keyed) {
    // Only what was made in this run tells what is on the disks now.
    const base = safety?.backup_id ? safety.disks.find(({ uuid }) => uuid === disk.uuid) : undefined;
    const changeId = base?.change_id ?? null;
    disks.push({
      key,
      uuid: uuidOf(disk),
      bytes: disk.capacity_bytes,
      index: await hub.sendIndex(client, disk, from),
      base:
        base && changeId !== null
          ? {
              index: await hub.sendIndex(client, base, from),
              change_id: changeId,
              restored_in_place: safety?.restored_in_place ?? null,
            }
          : null,
    });
  }
  const [first, ...rest] = disks;
  if (!first) throw new SendenseError('run.internal', 'no disks');
  return [first, ...rest];
}

/** @param isSaved whether all of what was overwritten is in a restore point @param safety the one of the state before */
function machineOf(
  request: Request,
  { run, node }: InPlaceClaim,
  found: CheckedInPlace,
  safety: string | null,
  isSaved: boolean,
): VsphereMachine {
  const { to, disks, from } = request;
  const { checked, spec } = found;
  return {
    name: checked.name,
    vm: checked.vm,
    host: spec.host,
    run,
    point: from.point().backup_id,
    node,
    source: spec,
    power_on: isStartedBlindly(to),
    disks: disks.map(({ disk, uuid }) => {
      const { key } = diskOf(found, uuid);
      return { disk, key, device_key: key };
    }),
    notes: [
      ...stateBeforeNotes(safety, !isSaved || checked.unfinished?.torn === true),
      'its hardware and its NVRAM are as they were before the restore',
      ...(to.compareAll ? [allRead] : []),
      ...(checked.others.length === 0 ? [] : [`not restored: ${checked.others.join(', ')}`]),
    ],
  };
}

const end = (
  { client, source, login, signal }: AskedNode,
  { run, point, vm, power_on }: PublishedVm,
  action: 'finish' | 'look',
) => client.endInPlace({ source, ...login, run, point, vm, action, jobs: [], power_on }, signal);
