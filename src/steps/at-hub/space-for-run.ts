import { join } from 'node:path';
import type { PlanContext, StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { spaceOf } from '../../host/files/files.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { allocatedBytes, allocatedIn } from '../../repository/stored-files/allocated.ts';
import { assertFits, capacityLimits, floorOf } from '../../repository/stored-files/capacity.ts';
import { estimateBytes } from '../../repository/stored-files/estimate.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { DiskDecision, Manifest } from '../../schemas/types.ts';
import { points } from '../../state/points/restore-points.ts';
import { listRuns, listSteps } from '../../state/runs/runs.ts';
import type { Services } from '../services.ts';

/** How many of the newest restore points tell what an increment usually takes. */
const usualOf = 5;

/** Claim of qcow2.create, as far as it tells how much space is spoken for. */
interface SpaceClaim {
  readonly repository: string;
  readonly files: readonly string[];
  readonly bytes?: number;
}

/** Bytes that these disks will take, as far as that is known before they are read. */
export const knownBytes = (disks: readonly DiskDecision[]): number =>
  estimateBytes(disks.map((disk) => ({ capacity: disk.capacity_bytes, changed: disk.estimated_bytes, usual: null })));

/**
 * Before anything of a backup is made: will it fit?
 * @throws SendenseError `repository.full`
 */
export async function assertSpace(
  { services, signal, runId, warn }: StepContext<Services>,
  repository: string,
  disks: readonly DiskDecision[],
  compress: boolean,
): Promise<void> {
  const root = services.repositoryPath(repository);
  const limits = capacityLimits(services.settings.repositories[repository]);
  const vm = disks[0]?.path.split('/')[0] ?? '';
  // Looking at every file takes a while: only where a quota asks for it.
  const wantsUsed = limits.quota !== null || limits.vmQuota !== null;
  const used = wantsUsed ? await allocatedIn(root, signal) : { total: 0, contexts: new Map<string, number>() };
  const { free, total } = await spaceOf(root);
  const warnings = assertFits(
    {
      repository,
      vm,
      needed: neededBytes(services, repository, disks, compress),
      promised: await promisedBytes(services, repository, root, runId),
      free,
      total,
      used: used.total,
      usedByVm: used.contexts.get(vm) ?? 0,
    },
    limits,
  );
  for (const warning of warnings) warn(warning);
}

/** For a dry-run. */
export async function spaceNote(
  { services }: PlanContext<Services>,
  repository: string,
  disks: readonly DiskDecision[],
  compress: boolean,
): Promise<string | null> {
  const space = await spaceOf(services.repositoryPath(repository)).catch(() => null);
  const needed = sizeText(neededBytes(services, repository, disks, compress));
  return space && `needs about ${needed}; repository ${repository} has ${sizeText(space.free)} free`;
}

/** Header of an encrypted qcow2, bytes (measured with qemu 7.2). */
const luksBytes = 2_359_296;

/** @param compress each disk is rewritten, and for a while the largest of them is there twice */
function neededBytes(
  services: Services,
  repository: string,
  disks: readonly DiskDecision[],
  compress: boolean,
): number {
  const context = disks[0]?.path.split('/')[0] ?? '';
  const unknown = disks.some((disk) => disk.estimated_bytes === null);
  const last = unknown ? points(services.state, { repository, context }).slice(-usualOf) : [];
  const each = disks.map(({ uuid, capacity_bytes: capacity, estimated_bytes: changed, encryption }) => {
    const before = last
      .flatMap((point) => point.disks)
      .filter((disk) => disk.uuid === uuid && disk.mode === 'incremental')
      .map(storedData);
    const usual = before.length === 0 ? null : Math.max(...before);
    return estimateBytes([{ capacity, changed, usual }]) + (encryption ? luksBytes : 0);
  });
  return each.reduce((sum, bytes) => sum + bytes, 0) + (compress ? Math.max(0, ...each) : 0);
}

/**
 * What an increment took: its file, before it was compressed. Not more than its areas covered, which is the better bound where points
 * that were pruned are merged into it.
 */
const storedData = ({
  file_bytes: stored,
  compression,
  bytes_transferred: covered,
}: Manifest['disks'][number]): number => Math.min(compression?.plain_bytes ?? stored, covered);

/** What other runs that are under way make here. `counts`: what they have announced will still be written. */
export function spaceClaims(
  { state }: Services,
  repository: string,
  own: string,
): { readonly claim: SpaceClaim; readonly counts: boolean }[] {
  return listRuns(state, { open: true }).flatMap((run) => {
    if (run.id === own || run.finished !== null || !isRunning(run.owner)) return [];
    const steps = listSteps(state, run.id);
    const create = steps.find(({ uses }) => uses === 'qcow2.create');
    if (!create) return [];
    const claim = create.claim as SpaceClaim;
    if (claim.repository !== repository) return [];
    const sealing = steps.some(({ uses }) => uses === 'qcow2.seal');
    // Of two that ask at once, the one with the smaller id comes first.
    const counts = !sealing && (create.state === 'succeeded' || (create.state === 'started' && run.id < own));
    return [{ claim, counts }];
  });
}

/** What runs that are under way will still write here, bytes. */
export async function promisedBytes(
  services: Services,
  repository: string,
  root: string,
  own: string,
): Promise<number> {
  let promised = 0;
  for (const { claim, counts } of spaceClaims(services, repository, own)) {
    if (!counts || claim.bytes === undefined) continue;
    const written = await Promise.all(claim.files.map((file) => allocatedBytes(join(root, file))));
    promised += Math.max(0, claim.bytes - written.reduce((sum, bytes) => sum + bytes, 0));
  }
  return promised;
}

/**
 * While a backup writes: stops it before the file system is full, so that nothing else on it fails.
 * @throws SendenseError `disk.full`
 */
export async function assertSpaceLeft(services: Services, repository: string): Promise<void> {
  const root = services.repositoryPath(repository);
  const { minFree } = capacityLimits(services.settings.repositories[repository]);
  const { free, total } = await spaceOf(root);
  const floor = floorOf(minFree, total);
  if (free >= floor) return;
  throw new SendenseError(
    'disk.full',
    `repository ${repository} has only ${sizeText(free)} of space left at ${root}; the run was stopped at ${sizeText(floor)}`,
  );
}
