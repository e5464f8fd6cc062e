import { createJobPace } from '../../blocks/rate-limit.ts';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { faultsOfCopies } from '../../repository/stored-files/state-copies.ts';
import { markerFault } from '../../repository/open-repository.ts';
import { manifestPath, markerName } from '../../repository/layout.ts';
import { limitsOf } from '../../plan/times/point-words.ts';
import type { PointChoice, PointsVerifyInput, PointsVerifyOutput } from '../../schemas/types.ts';
import { lastReads } from '../../state/points/last-reads.ts';
import { marksOf, verificationsOf } from '../../state/points/point-marks.ts';
import { points, type RestorePoint } from '../../state/points/restore-points.ts';
import { defineStep } from '../define-step.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import type { Services } from '../services.ts';
import { bytesPerSecond } from '../at-node/transfer-limits.ts';
import { perhapsMeant, type LeftOutPoint } from '../../restore-points/choose/left-out.ts';
import { selectVms } from '../../repository/match-vm.ts';
import { inTurn } from '../../restore-points/verify/in-turn.ts';
import { choosePoints, vmByVm } from '../../restore-points/verify/choose-points.ts';
import { dueForReading, rereadWithinMs } from '../../restore-points/verify/reread.ts';
import { createLookedAtOfVms } from '../../restore-points/verify/looked-at.ts';
import { keyOfPoint, verifyPoint, type VerifiedPoint } from '../../restore-points/verify/verify-points.ts';

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
      effects: chosen.map(({ point, level, reread }) => ({
        action: 'read',
        target: `${root}/${manifestPath(point.vm.context, point.backup_id)}`,
        detail: `level ${level}${reread ? ', read again because it is its turn' : ''}, about ${bytesOf(point, level)} bytes`,
        argv: null,
      })),
      notes: unmatched.map((pattern) => noVm(input, pattern)),
    };
  },

  async run(context, input) {
    const root = context.services.repositoryPath(input.repository);
    if (!(await context.services.findRepository(input.repository)))
      throw new SendenseError('repository.unusable', `repository ${input.repository}: there is none at ${root}`);
    context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
    const { chosen, unmatched, known } = choose(context.services, input);
    for (const pattern of unmatched) context.warn(noVm(input, pattern));
    if (context.services.rescuing) context.log('results are not written to the repository');
    if (known === 0 && unmatched.length === 0)
      context.warn(`the database knows no restore point of repository ${input.repository}`);
    const fault = context.services.rescuing ? null : await markerFault(root);
    const { asked, reread, below } = await verifyAll(context, input, root, chosen);
    const results = [...asked, ...reread.map((result) => ({ ...result, reread: true })), ...below];
    const problems = results.filter(({ ok }) => !ok).map(sentence);
    const leftOut = notReadIn(context.services, input, chosen);
    for (const { context: vm, backupId, reason } of leftOut)
      problems.push(`${vm}${backupId === null ? '' : ` ${backupId}`} is broken: Sendense could not read it: ${reason}`);
    if (fault !== null) problems.push(`${markerName} ${fault}`);
    if (input.level !== 'quick') problems.push(...(await faultsOfCopies(root, context.signal)));
    return {
      verified: asked.length,
      reread: reread.length,
      broken: [
        ...results.filter(({ broken }) => broken).map(({ backup_id: id }) => id),
        ...leftOut.flatMap(({ backupId }) => backupId ?? []),
      ],
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

/** Restore points that were asked for and cannot be verified, for a rescue could not read them in. */
function notReadIn(
  { state, leftOut }: Services,
  { repository, vms, point, points: selection }: PointsVerifyInput,
  chosen: readonly Chosen[],
): readonly LeftOutPoint[] {
  const { names } = selectVms([...new Set(leftOut.map(({ context }) => context))], vms ?? undefined);
  return names.flatMap((context) => {
    const newest = points(state, { repository }).findLast(({ vm }) => vm.context === context);
    const latest = chosen.find((one) => one.point.vm.context === context)?.point ?? newest;
    if (point) return perhapsMeant(leftOut, { context, choice: point, than: latest?.backup_id ?? null });
    if ((selection ?? 'latest') !== 'latest') return leftOut.filter((one) => one.context === context);
    return perhapsMeant(leftOut, { context, choice: 'latest', than: newest?.backup_id ?? null });
  });
}

interface Chosen {
  readonly point: RestorePoint;
  readonly level: PointsVerifyInput['level'];
  /** Nobody asked for it: its files are read since it is their turn (`rereadWithin`). */
  readonly reread: boolean;
}

function choose(
  { state, settings }: Services,
  { repository, vms, point, level, points: selection }: PointsVerifyInput,
): { readonly chosen: Chosen[]; readonly unmatched: readonly string[]; readonly known: number } {
  const all = points(state, { repository });
  const verifications = verificationsOf(state, { repository });
  const now = Date.now();
  const choice = { vms: vms ?? undefined, level, marks: marksOf(state, { repository }), now };
  const asked = choosePoints(all, verifications, {
    ...choice,
    selection: selection ?? 'latest',
    point: point ?? undefined,
  });
  if (point && asked.points.length === 0)
    throw new SendenseError('point.unknown', `there is no restore point ${named(point)} in repository ${repository}`);
  const chosen: Chosen[] = vmByVm(asked.points, verifications, choice).map((entry) => ({
    point: entry,
    level,
    reread: false,
  }));
  const withinMs = rereadWithinMs(settings.repositories[repository]?.rereadWithin);
  if (!point && level !== 'quick' && withinMs !== null) {
    const ids = new Set(asked.points.map(({ backup_id: id }) => id));
    const mine = choosePoints(all, verifications, { ...choice, selection: 'all' }).points;
    for (const entry of dueForReading(mine, lastReads(state, now, repository), { withinMs, now }))
      if (!ids.has(entry.backup_id)) chosen.push({ point: entry, level: 'digests', reread: true });
  }
  return { chosen, unmatched: asked.unmatched, known: all.length };
}

const named = (point: PointChoice): string => (typeof point === 'string' ? point : limitsOf(point));

interface Verified {
  readonly asked: VerifiedPoint[];
  readonly reread: VerifiedPoint[];
  /** Those that the others are built on, where something is wrong with them. */
  readonly below: VerifiedPoint[];
}

async function verifyAll(
  context: StepContext<Services>,
  input: PointsVerifyInput,
  root: string,
  chosen: readonly Chosen[],
): Promise<Verified> {
  const { services, signal, runId } = context;
  const pace = createJobPace({ diskRate: null, jobRate: bytesPerSecond(input.rate ?? undefined) ?? null })();
  const total = chosen.reduce((sum, { point, level }) => sum + bytesOf(point, level), 0);
  const started = performance.now();
  const found = new Map<string, VerifiedPoint | null>();
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
  const keys = await services.imageKeys(input.repository);
  await using looked = createLookedAtOfVms();
  const verifyOne = async ({ point, level }: Chosen): Promise<void> => {
    const { context: vm } = point.vm;
    tell(overall);
    const bytes = bytesOf(point, level);
    let read = 0;
    const onRead = (more: number): void => {
      done += more;
      read += more;
      tell(overall);
    };
    const result = await looked.use(vm, (lookedAt) =>
      verifyPoint(
        {
          state: services.state,
          repository: input.repository,
          runId,
          plan: context.planName,
          rescuing: services.rescuing,
          level,
          reading: {
            root,
            keys,
            lookedAt,
            folderId: readFolderId(runId),
            background: true,
            ...pace,
            signal,
            onRead,
          },
          found,
          log: context.log,
        },
        point,
      ),
    );
    done += bytes - read;
    counted++;
    context.alive();
    if (!result) context.log(`${vm} ${point.backup_id} was removed meanwhile`);
    if (result?.ok) context.log(`${vm} ${point.backup_id} is sound (${counted} of ${chosen.length})`);
  };
  await inTurn(
    chosen.map((entry) => ({
      // Restore points of one VM share files, and what is said of one depends on what was found below it.
      key: entry.point.vm.context,
      weight: bytesOf(entry.point, entry.level),
      run: () => verifyOne(entry),
    })),
    signal,
  );
  const of = (reread: boolean): VerifiedPoint[] =>
    chosen.filter((entry) => entry.reread === reread).flatMap(({ point }) => found.get(keyOfPoint(point)) ?? []);
  const chosenKeys = new Set(chosen.map(({ point }) => keyOfPoint(point)));
  const below = [...found].flatMap(([key, result]) => (result && !result.ok && !chosenKeys.has(key) ? [result] : []));
  return { asked: of(false), reread: of(true), below };
}

/** The name of the one bar. */
const overall = 'all points';

/** About as many as are read. */
const bytesOf = ({ disks }: RestorePoint, level: string): number =>
  disks.reduce(
    (sum, disk) => sum + (level === 'deep' ? disk.capacity_bytes : level === 'digests' ? disk.file_bytes : 0),
    0,
  );
