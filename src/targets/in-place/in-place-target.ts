import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  InPlaceChecked,
  InPlaceEnded,
  InPlaceStartRequest,
  JobStatus,
  VsphereMachine,
  VsphereSourceSpec,
} from '../../schemas/types.ts';
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
    const safety = safetyOf(request, found);
    const fit = await ifFit(hub, request, found, safety);
    const writing = { safety, fit, onBegun: () => run.remember('begun', true) };
    const { disks, restored_vm: written } = await writeDisks(hub, request, claim, found, writing);
    const isSaved = written?.not_in_safety !== true;
    return {
      directory: null,
      files: request.disks.map((disk) => {
        const own = diskOf(found, disk.uuid);
        const bytes = disks.find(({ key }) => key === own.key)?.bytes_transferred ?? 0;
        return writtenDisk(disk.disk, own.file, bytes);
      }),
      machine: machineOf(request, claim, found, isSaved ? fit : null, isSaved),
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

/**
 * No backup was made of a VM that was torn. Where another run has completed it since, somebody may have used it.
 * @throws SendenseError `target.unfit`
 */
function assertSaved({ to, safety }: Request, { name, unfinished }: InPlaceChecked): void {
  if (!to.safetyBackup || safety === null || safety === undefined || safety.backup_id !== null) return;
  if (unfinished?.torn) return;
  throw new SendenseError(
    'target.unfit',
    `the VM ${name} was restored in part when this run began, so no backup of it was made, and another restore has completed it meanwhile`,
    { remedy: 'Nothing was written. Run the restore again: it backs up the present state first.' },
  );
}

const givenUpText = ({ name }: InPlaceChecked, { run, point }: NonNullable<InPlaceChecked['torn_by']>): string =>
  `run ${run} has restored the VM ${name} in part, from ${point}, and somebody has removed the mark that said so: what was on its disks before this restore was not whole`;

/**
 * What stays behind.
 * @param hasBegun whether it is known that something was written; where the VM is gone nobody can say that nothing was
 */
function tornText(which: string, state: InPlaceEnded['state'], hasBegun: boolean): string | null {
  if (state === 'torn')
    return `${which} is restored in part: its disks are not whole, and its notes say so. Do not start it. Run the same restore again: it goes on`;
  if (state === 'gone')
    return `${which} is not there any more: somebody has deleted or unregistered it. ${hasBegun ? 'Its disks are restored in part' : 'Nobody knows whether its disks are restored in part'}: if you register it again, do not start it before the same restore has gone on to its end`;
  return state === 'unmarked'
    ? `${which} is restored in part, and somebody has removed the mark that said so: its disks are not whole. Do not start it. Run the same restore again, with --compare-all`
    : null;
}

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
  /** The restore point of the state before. */
  readonly safety: string | null;
  /** The same, if one can go back to it; else null. */
  readonly fit: string | null;
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
  { safety, fit, onBegun }: Writing,
) {
  const { disks, from, to } = request;
  const { node, job } = claim;
  const { spec, checked, takesOver } = found;
  const login = await hub.login(spec);
  const keyed = disks.map((disk) => ({ key: diskOf(found, disk.uuid).key, disk }));
  if (checked.unfinished)
    hub.log(`going on with what run ${checked.unfinished.run} has begun; ${beforeThat(checked.unfinished, fit)}`);
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
          safety,
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

const beforeThat = ({ torn }: Unfinished, safety: string | null): string => {
  if (!torn) return 'it has written nothing';
  return safety === null ? 'no restore point has all of the state before that' : `the backup before that was ${safety}`;
};

type Unfinished = NonNullable<CheckedInPlace['checked']['unfinished']>;

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

/**
 * The restore point of the state before. That of an earlier run counts only if the run has begun to write: else somebody may have used the
 * VM since.
 */
function safetyOf({ safety }: Request, { checked: { unfinished } }: CheckedInPlace): string | null {
  // Of a torn VM the backup of this run is none of the state before: another run may have come in between, with one of its own.
  return unfinished?.torn ? unfinished.safety : (safety?.backup_id ?? null);
}

/** One of an earlier run may be gone by now. The mark of the VM names it all the same: who goes on later may be better off. */
async function ifFit(
  hub: TargetHub,
  { from }: Request,
  { checked: { unfinished } }: CheckedInPlace,
  safety: string | null,
): Promise<string | null> {
  if (safety === null || !unfinished?.torn) return safety;
  const why = await from.whyUnfit(safety);
  if (why === null) return safety;
  hub.warn(`the backup before run ${unfinished.run}, ${safety}, ${why}: nobody can go back to the state before`);
  return null;
}

/** @param isSaved whether all of what was overwritten is in a restore point @param safety which one */
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
      ...stateBefore(safety, !isSaved || checked.unfinished?.torn === true),
      'its hardware and its NVRAM are as they were before the restore',
      ...(to.compareAll ? [allRead] : []),
      ...(checked.others.length === 0 ? [] : [`not restored: ${checked.others.join(', ')}`]),
    ],
  };
}

/** @param isOverwritten whether something of it is, that a backup may lack */
const stateBefore = (point: string | null, isOverwritten: boolean): string[] => {
  if (point !== null) return [`the state before is restore point ${point}`];
  return isOverwritten ? ['no restore point has all of the state before'] : [];
};

const end = (
  { client, source, login, signal }: AskedNode,
  { run, point, vm, power_on }: PublishedVm,
  action: 'finish' | 'look',
) => client.endInPlace({ source, ...login, run, point, vm, action, jobs: [], power_on }, signal);
