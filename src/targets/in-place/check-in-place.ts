import { changedIn } from '../../blocks/changed-between.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { totalLength } from '../../blocks/extents.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readVmConfig } from '../../machines/read-vm-config.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { InPlaceChecked, PlannedEffect, VsphereSourceSpec } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { RestoredDisk, RestoreRequest } from '../target-kind.ts';
import { olderNode } from '../vsphere/check-vm.ts';
import { assertTools, isJudged, isStarted, startedText } from '../vsphere/start-check.ts';
import type { InPlaceClaim } from './in-place-claim.ts';

/** A VM against which nothing speaks. */
export interface CheckedInPlace {
  readonly spec: VsphereSourceSpec;
  readonly checked: InPlaceChecked;
  /** The run whose restore is gone on with; null: there is none. */
  readonly takesOver: string | null;
}

type Request = RestoreRequest<'inPlace'>;
type Wanted = Pick<Request, 'to' | 'disks' | 'from'>;

/**
 * Asks the node what speaks against writing to the VM. Nothing is changed.
 * @throws SendenseError `machine.unknown`, `source.missing`, `target.unfit`, `source.half_restored`, `transport.unavailable`, `vsphere.*`, `node.*`
 */
export async function checkInPlace(hub: TargetHub, request: Wanted, claim: InPlaceClaim): Promise<CheckedInPlace> {
  const { signal } = hub;
  const { to, disks, from } = request;
  const spec = hub.vsphere(claim.source, claim.credential ?? undefined);
  const vm = await originalOf(request);
  const client = await hub.node(claim.node);
  const wanted = disks.map((disk) => ({ uuid: uuidOf(disk), bytes: disk.capacity_bytes }));
  const [first, ...rest] = wanted;
  if (!first) throw new SendenseError('run.internal', 'no disks');
  const checked = await client
    .checkInPlace(
      {
        source: spec,
        ...(await hub.login(spec)),
        instance_uuid: vm,
        name: from.point().vm,
        disks: [first, ...rest],
        power_on: isStarted(to),
        ...(isJudged(to) ? { judged: true } : {}),
      },
      signal,
    )
    .catch((error: unknown) => {
      throw olderNode(error, claim.node, 'restores nothing in place');
    });
  return { spec, checked, takesOver: takenOver(hub, checked, claim, to.takeOver) };
}

/** @returns its instance uuid */
async function originalOf({ to, from }: Pick<Request, 'to' | 'from'>): Promise<string> {
  const { vm_config: saved } = from.point();
  const config = saved === null ? null : await readVmConfig(saved, await from.keys());
  if (config !== null && isJudged(to)) assertTools(config);
  if (config !== null && config.instance_uuid !== null) return config.instance_uuid;
  throw new SendenseError(
    'machine.unknown',
    'the restore point does not say which VM it was made of, so nothing can be written back to it',
    { remedy: 'Restore it as a new VM, as disks (`--format vmdk-stream`), or restore another restore point.' },
  );
}

export const uuidOf = ({ uuid, disk }: RestoredDisk): string => {
  if (uuid !== undefined) return uuid;
  throw new SendenseError('plan.invalid', `the step does not say which disk of the VM ${disk} is`, {
    remedy: 'Give it the output of `point.select`, as runners/restore.yaml does.',
  });
};

/** @throws SendenseError `source.half_restored` where another run restores the VM */
function takenOver(
  hub: TargetHub,
  { unfinished, name }: InPlaceChecked,
  { run }: InPlaceClaim,
  takeOver: boolean,
): string | null {
  if (unfinished === null || unfinished.run === run) return null;
  if (hub.hasEnded(unfinished.run)) return unfinished.run;
  if (hub.isOpen(unfinished.run))
    throw new SendenseError(
      'source.half_restored',
      `the VM ${name} is being restored in place by run ${unfinished.run} of this hub, from ${unfinished.point}, and that run has not ended`,
      {
        remedy:
          'Wait for it, or cancel it. If it has died, run `sendense-run recover`; if it was in another container, `sendense-run recover --ended RUN`. --take-over is for runs of other hubs.',
      },
    );
  if (takeOver) return unfinished.run;
  throw new SendenseError(
    'source.half_restored',
    `the VM ${name} is being restored in place by run ${unfinished.run}, from ${unfinished.point}, and this hub does not know that the run has ended`,
    {
      remedy:
        'Run `sendense-run recover` if it is a run of this hub that has died. If it was a run of another hub, and that is gone, run the restore with --take-over (`takeOver: true`).',
    },
  );
}

/** What a dry-run shows. */
export async function effectsOf(
  hub: TargetHub,
  { to, disks, from, safety }: Request,
  { spec, checked, takesOver }: CheckedInPlace,
): Promise<PlannedEffect[]> {
  const { backup_id: point } = from.point();
  const keys = await from.keys();
  const effects: PlannedEffect[] = [];
  const detail = [
    `the VM in vSphere (${spec.host}) becomes what it was at ${point}: what differs is written to its disks`,
    'its hardware and its NVRAM stay as they are',
    ...(takesOver === null ? [] : [`goes on with what run ${takesOver} has begun`]),
    ...(checked.others.length === 0 ? [] : [`${checked.others.join(', ')} stay as they are`]),
    startedText(to),
  ].join('; ');
  effects.push({ action: 'change', target: checked.name, detail, argv: null });
  for (const disk of disks) {
    const own = checked.disks.find(({ uuid }) => uuid === disk.uuid);
    const newest = safety?.disks.find(({ uuid }) => uuid === disk.uuid);
    const said =
      !newest || checked.unfinished?.torn === true
        ? 'the disk is read and compared; what differs is written'
        : safety?.newest === point
          ? 'what has changed since is written'
          : `${sizeText(await bytesBetween(disk, newest, keys, hub.signal))} differ between ${point} and ${safety?.newest ?? 'the newest one'}; what has changed since comes on top`;
    effects.push({
      action: 'change',
      target: own?.file ?? disk.disk,
      detail: `${disk.disk}, ${own?.label ?? ''}: ${said}`,
      argv: null,
    });
  }
  return effects;
}

type Keys = Awaited<ReturnType<Request['from']['keys']>>;

async function bytesBetween(
  disk: RestoredDisk,
  newest: NonNullable<Request['safety']>['disks'][number],
  keys: Keys,
  signal: AbortSignal,
): Promise<number> {
  await using older = await openIndex(newest.index, { key: keys.of(newest) });
  await using newer = await openIndex(disk.index, { key: keys.of(disk) });
  return older.capacity === newer.capacity ? totalLength(await changedIn(older, newer, signal)) : newer.capacity;
}
