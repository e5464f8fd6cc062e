import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ReachedFiles } from '../../files/client/files-client.ts';
import { matchesVm } from '../../repository/match-vm.ts';
import { lookInto, type Looked } from '../../restore-points/verify/look-into.ts';
import type { FilesCheck, PointsFilesInput, PointsFilesOutput } from '../../schemas/types.ts';
import type { PointKey } from '../../state/points/restore-points.ts';
import { defineStep } from '../define-step.ts';
import { expectationOf, problemsText } from '../files/expectation.ts';
import { readPassphrase } from '../files/read-passphrase.ts';
import type { Services } from '../services.ts';
import { recordLevel, withPoint } from './verify-level.ts';

type OpenedPoint = PointsFilesOutput['opened'][number];
type Point = PointsFilesInput['points'][number];

/** A restore point whose files cannot be read is a failed verification, but not broken: its content is what was backed up. */
export const pointsFiles = defineStep<PointsFilesInput, null, PointsFilesOutput>({
  uses: 'points.files',
  title: 'Open file systems',
  claim: () => null,

  async plan({ services }, { files }) {
    if (files) services.checkFiles();
    return {
      effects: [],
      notes: files
        ? ['every file system of each sound restore point is opened in a sandbox, and its root is listed']
        : [],
    };
  },

  async run(context, { repository, files, points }) {
    const asked = points.filter(({ ok, reread }) => ok && reread !== true);
    if (!files || asked.length === 0) return { opened: [], problems: [] };
    const { services, planName, runId, signal } = context;
    for (const pattern of unmatched(files as FilesCheck, points)) context.warn(`no verified VM is called ${pattern}`);
    // Read first: without it nothing is started.
    const passphrase = await readPassphrase(context, (files as FilesCheck).passphrase);
    await using reached = await services.openFiles(`plan ${planName}, run ${runId}`);
    const opened: OpenedPoint[] = [];
    for (const point of asked) {
      signal.throwIfAborted();
      const key = { repository, context: point.vm, backupId: point.backup_id };
      const one = { key, check: files as FilesCheck, passphrase };
      const found = await withPoint(context, key, () => openOne(context, reached, one));
      if (found !== null) opened.push(found);
      context.alive();
    }
    return { opened, problems: opened.filter(({ ok }) => !ok).map(sentence) };
  },
});

type Expected = NonNullable<FilesCheck['expect']>[number];

const expectedIn = ({ expect }: FilesCheck): readonly Expected[] => expect ?? [];

const unmatched = (check: FilesCheck, points: readonly Point[]): string[] =>
  [...new Set(expectedIn(check).flatMap(({ vms = [] }) => vms))].filter(
    (pattern) => !points.some(({ vm }) => matchesVm(vm, pattern)),
  );

const sentence = ({ vm, backup_id: id, problems }: OpenedPoint): string =>
  `files of ${vm} ${id}: ${problemsText(problems)}`;

interface One {
  readonly key: PointKey;
  readonly check: FilesCheck;
  readonly passphrase: string | null;
}

async function openOne(context: StepContext<Services>, reached: ReachedFiles, one: One): Promise<OpenedPoint> {
  const { repository, context: vm, backupId: id } = one.key;
  context.log(`${vm} ${id}: its file systems are opened`);
  const expectations = expectedIn(one.check)
    .filter(({ vms }) => vms === undefined || vms.some((pattern) => matchesVm(vm, pattern)))
    .map(expectationOf);
  const looked = await lookInto(
    reached.client,
    { vm, id, repository, expectations, passphrase: one.passphrase },
    { folder: context.planFolder, signal: context.signal, onBytes: context.alive },
  ).catch((error: unknown) => {
    context.signal.throwIfAborted();
    if (!isOfPoint(error)) throw error;
    return { volumes: [], checked: 0, problems: [error.message], remarks: [], warnings: [] } satisfies Looked;
  });
  for (const text of looked.warnings) context.warn(`${vm} ${id}: ${text}`);
  for (const text of looked.remarks) context.log(`${vm} ${id}: ${text}`);
  record(context, one, looked);
  const { volumes, checked, problems } = looked;
  const remarks = [...looked.warnings, ...looked.remarks];
  return { vm, backup_id: id, ok: problems.length === 0, volumes, checked, problems, remarks };
}

/** What ends a reader may be what is on the disks: the other restore points are looked at all the same. */
const isOfPoint = (error: unknown): error is SendenseError =>
  error instanceof SendenseError && ['files.reader', 'files.damaged', 'chain.damaged'].includes(error.code);

function record(context: StepContext<Services>, { key }: One, { problems, warnings, remarks }: Looked): void {
  const problem = problems.length === 0 ? null : problemsText(problems);
  recordLevel(context, key, {
    level: 'files',
    problem,
    detail: [...problems, ...warnings, ...remarks].join('; ') || null,
    message: `Files of restore point ${key.backupId} of ${key.context} cannot be read as they should: ${problem}`,
  });
}
