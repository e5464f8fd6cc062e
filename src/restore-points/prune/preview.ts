import { join } from 'node:path';
import { errorToJson, toSendenseError } from '../../errors/sendense-error.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import { mapImage, type Allocation } from '../../host/images/qemu-img.ts';
import { diskName } from '../../repository/layout.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { lockHolder } from '../../state/runs/locks.ts';
import { foreseeStays } from './foresee.ts';
import { decideVm, type PrunedVm } from './decide-vm.ts';
import { wallClockIn } from '../../repository/retention/local-time.ts';
import { freedBytes, heldBytes } from '../../repository/retention/space.ts';
import type { PointsPruneInput, PruneOutput } from '../../schemas/types.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import { pruneTarget, zoneOf } from './target.ts';
import type { RepositoryAccess } from '../repository-access.ts';

type VmOutput = PruneOutput['vms'][number];

interface PreviewOptions {
  readonly signal?: AbortSignal | undefined;
  /** As if each VM had one more restore point, made now. */
  readonly withNext?: boolean;
}

/**
 * What a prune would do now, VM by VM. Changes nothing and takes no lock, so that a run which works on a VM at the same
 * time may be seen half done.
 * @throws SendenseError `repository.unusable`, `prune.refused` for a policy that keeps nothing
 */
export async function previewPrune(
  services: RepositoryAccess,
  input: PointsPruneInput,
  options: PreviewOptions = {},
): Promise<PruneOutput> {
  const now = Date.now();
  const { vms, unmatched } = await pruneTarget(services, input);
  const outputs: VmOutput[] = [];
  for (const vm of vms) {
    options.signal?.throwIfAborted();
    outputs.push(await previewVm(services, vm, input, { ...options, now }));
  }
  return {
    version: 1,
    repository: input.repository,
    retention: input.retention ?? null,
    ...(input.remove ? { remove: [...input.remove] } : {}),
    timezone: input.retention?.timezone ?? zoneOf(input),
    now,
    vms: outputs,
    unmatched: [...unmatched],
    freed: {
      at_least: sum(outputs.map(({ freed }) => freed.at_least)),
      at_most: sum(outputs.map(({ freed }) => freed.at_most)),
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

async function previewVm(
  services: RepositoryAccess,
  vm: PrunedVm,
  input: PointsPruneInput,
  { now, signal, withNext = false }: PreviewOptions & { readonly now: number },
): Promise<VmOutput> {
  const { state, settings } = services;
  const folder = join(vm.root, vm.context);
  const compressed = (settings.repositories[vm.repository]?.compress ?? 'none') !== 'none';
  try {
    const { retention = null, remove, identity } = input;
    const wanted = { retention, remove, now, timezone: zoneOf(input), identity, withNext };
    const decision = await decideVm(state, vm, wanted);
    const { points, remarks, unfinished } = decision;
    const local = wallClockIn(retention?.timezone ?? zoneOf(input));
    const held = new Map<string, number>();
    for (const point of points) held.set(point.backup_id, await heldBytes(folder, point));
    const keys = await services.imageKeys(vm.repository);
    const going = new Set(decision.planned.filter(({ keep }) => !keep).map(({ id }) => id));
    const stays = await foreseeStays({ state, vm, points, keys, signal }, going);
    const planned = decision.planned.map((point) => {
      const reason = stays.get(point.id);
      return reason === undefined ? point : { ...point, keep: true, reasons: [`stays: ${reason}`], merges: [] };
    });
    const holder = lockHolder(state, `${vm.repository}/${vm.context}`, isRunning);
    const locked =
      holder && going.size > 0 ? [`run ${holder.runId} works on it: nothing goes before that has ended`] : [];
    const map = async (point: RestorePoint, number: number): Promise<Allocation[]> => {
      const disk = point.disks.find((entry) => entry.number === number);
      const file = join(folder, disk?.path ?? '');
      return mapImage(await imageTarget(file, { key: disk ? keys.of(disk) : null }), signal);
    };
    const freed = await freedBytes(points, planned, held, { map, compressed });
    return {
      vm: vm.context,
      error: null,
      remarks: [...remarks, ...unfinished, ...locked],
      points: points.map(({ backup_id: id, created, kind }, at) => ({
        backup_id: id,
        created,
        local: local(created),
        kind,
        keep: planned[at]?.keep ?? true,
        reasons: [...(planned[at]?.reasons ?? [])],
        merges: (planned[at]?.merges ?? []).map(({ disk, into }) => ({ disk: diskName(disk), into })),
        held_bytes: held.get(id) ?? 0,
      })),
      freed,
    };
  } catch (error) {
    signal?.throwIfAborted();
    const known = toSendenseError(error);
    return { vm: vm.context, error: errorToJson(known), remarks: [], points: [], freed: { at_least: 0, at_most: 0 } };
  }
}
