import { createJobPace } from '../blocks/rate-limit.ts';
import type { StepContext } from '../engine/step.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../host/run-folder.ts';
import { faultsOfCopies } from '../repository/care/state-copies.ts';
import { findRepository, markerFault } from '../repository/open-repository.ts';
import { manifestPath, markerName } from '../repository/layout.ts';
import type { PointsVerifyInput, PointsVerifyOutput } from '../schemas/types.ts';
import { verificationsOf } from '../state/point-marks.ts';
import { points, type RestorePoint } from '../state/restore-points.ts';
import { defineStep } from './define-step.ts';
import { readFolderId } from './serve-chain.ts';
import type { Services } from './services.ts';
import { bytesPerSecond } from './transfer-limits.ts';
import { choosePoints } from './verify/choose-points.ts';
import { verifyPoint, type VerifiedPoint } from './verify/verify-points.ts';

/** What it finds is recorded point by point, so that a run that is cut off is gone on with by the next. */
export const pointsVerify = defineStep<PointsVerifyInput, { readonly folder: string }, PointsVerifyOutput>({
  uses: 'points.verify',
  title: 'Verify restore points',
  /** Where the servers for reading through a chain have their pid files. */
  claim: (_input, facts) => ({ folder: runFolderOf(readFolderId(facts.runId)) }),

  async plan({ services }, input) {
    const { chosen, unmatched } = choose(services, input);
    const root = services.repositoryPath(input.repository);
    return {
      effects: chosen.map((point) => ({
        action: 'read',
        target: `${root}/${manifestPath(point.vm.context, point.backup_id)}`,
        detail: `level ${input.level}, about ${bytesOf(point, input.level)} bytes`,
        argv: null,
      })),
      notes: unmatched.map((pattern) => noVm(input, pattern)),
    };
  },

  async run(context, input) {
    const root = context.services.repositoryPath(input.repository);
    if (!(await findRepository(input.repository, root)))
      throw new SendenseError('repository.unusable', `repository ${input.repository}: there is none at ${root}`);
    context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
    const { chosen, unmatched, known } = choose(context.services, input);
    for (const pattern of unmatched) context.warn(noVm(input, pattern));
    if (known === 0 && unmatched.length === 0)
      context.warn(`the database knows no restore point of repository ${input.repository}`);
    const fault = await markerFault(root);
    const results = await verifyAll(context, input, root, chosen);
    const problems = results.filter(({ ok }) => !ok).map(sentence);
    if (fault !== null) problems.push(`${markerName} ${fault}`);
    if (input.level !== 'quick') problems.push(...(await faultsOfCopies(root, context.signal)));
    return {
      verified: results.length,
      broken: results.filter(({ broken }) => broken).map(({ backup_id: id }) => id),
      problems,
      bytes_read: results.reduce((sum, { bytes_read: bytes }) => sum + bytes, 0),
      results,
    };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

const noVm = ({ repository }: PointsVerifyInput, pattern: string): string =>
  `no VM of repository ${repository} is called ${pattern}`;

const sentence = ({ vm, backup_id: id, problems, remarks, broken, dependents }: VerifiedPoint): string =>
  [
    `${vm} ${id}${broken ? ' is broken' : ''}: ${[...problems, ...(problems.length === 0 ? remarks : [])].join('; ')}`,
    ...(dependents.length > 0 ? [`built on it: ${dependents.join(', ')}`] : []),
  ].join('; ');

function choose(
  { state }: Services,
  { repository, vms, point, level, points: selection }: PointsVerifyInput,
): { readonly chosen: RestorePoint[]; readonly unmatched: readonly string[]; readonly known: number } {
  const all = points(state, { repository });
  const { points: chosen, unmatched } = choosePoints(all, verificationsOf(state, { repository }), {
    selection: selection ?? 'latest',
    vms: vms ?? undefined,
    point: point ?? undefined,
    level,
    now: Date.now(),
  });
  if (point && chosen.length === 0)
    throw new SendenseError('point.unknown', `there is no restore point ${point} in repository ${repository}`);
  return { chosen, unmatched, known: all.length };
}

async function verifyAll(
  context: StepContext<Services>,
  input: PointsVerifyInput,
  root: string,
  chosen: readonly RestorePoint[],
): Promise<VerifiedPoint[]> {
  const { services, signal, runId } = context;
  const pace = createJobPace({ diskRate: null, jobRate: bytesPerSecond(input.rate ?? undefined) ?? null })();
  const total = chosen.reduce((sum, point) => sum + bytesOf(point, input.level), 0);
  const started = performance.now();
  const results: VerifiedPoint[] = [];
  let [done, counted] = [0, 0];
  const tell = (name: string): void =>
    context.progress([
      {
        disk: name,
        phase: 'verifying',
        bytes_done: Math.min(done, total),
        bytes_total: total,
        rate: Math.round((done * 1000) / (performance.now() - started + 1)),
      },
    ]);
  for (const [number, point] of chosen.entries()) {
    signal.throwIfAborted();
    const { context: vm } = point.vm;
    tell(overall);
    const result = await verifyPoint(
      {
        state: services.state,
        repository: input.repository,
        runId,
        plan: context.planName,
        level: input.level,
        reading: {
          root,
          keys: await services.imageKeys(input.repository),
          folderId: readFolderId(runId),
          background: true,
          ...pace,
          signal,
          onRead: (bytes) => {
            done += bytes;
            tell(overall);
          },
        },
        log: context.log,
      },
      point,
    );
    counted += bytesOf(point, input.level);
    done = counted;
    context.alive();
    if (result) results.push(result);
    else context.log(`${vm} ${point.backup_id} was removed meanwhile`);
    if (result?.ok) context.log(`${vm} ${point.backup_id} is sound (${number + 1} of ${chosen.length})`);
  }
  return results;
}

/** The name of the one bar. */
const overall = 'all points';

/** About as many as are read. */
const bytesOf = ({ disks }: RestorePoint, level: string): number =>
  disks.reduce(
    (sum, disk) => sum + (level === 'deep' ? disk.capacity_bytes : level === 'digests' ? disk.file_bytes : 0),
    0,
  );
