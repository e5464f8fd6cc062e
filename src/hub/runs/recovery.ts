import type { Journal, JournalledRun } from '../../engine/journal.ts';
import { recoverRuns } from '../../engine/recover-runs.ts';
import type { StepRegistry } from '../../engine/step.ts';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import { settleBoots } from '../../boot/settle-boot.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import { sweepRunFolders } from '../../host/programs/run-folder.ts';
import type { RecoverOutput, RunEvent } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import { settleReads } from '../../state/files/file-reads.ts';
import { filesRun } from '../../state/runs/files-run.ts';
import { clearDeadKeepers } from '../files/keeper-name.ts';
import { finishRemovals } from './finish-removals.ts';
import type { RecoverRequest } from '../hub.ts';
import type { Records } from './keep-records.ts';
import type { OwnersElsewhere } from '../vm-names/owners-elsewhere.ts';

interface Parts {
  readonly journal: Journal;
  readonly registry: StepRegistry<Services>;
  readonly services: Services;
  readonly records: Pick<Records, 'recovered' | 'settle'>;
  readonly elsewhere: OwnersElsewhere;
  readonly rescuing: boolean;
}

/** Cleans up after all that died: folders, runs, removals of restore points. */
export const recovery =
  ({ journal: whole, registry, services, records, elsewhere, rescuing }: Parts) =>
  async ({ signal, ended, everywhere = true, filesOnly = false }: RecoverRequest = {}): Promise<RecoverOutput> => {
    const journal = filesOnly ? onlyFiles(whole) : whole;
    if (ended !== undefined) await assertUnseen(journal, elsewhere, ended);
    await sweepRunFolders(signal);
    await clearDeadKeepers();
    const before = journal.recoverableRuns();
    const recovered = await recoverRuns({
      journal,
      registry,
      services,
      recoverer: thisProcess(),
      hasEnded: async (run) => run.id === ended || elsewhere.hasEnded(run),
      ...(signal ? { signal } : {}),
      emit: (event: RunEvent) => records.recovered(event),
    });
    const known = new Map(before.map((run) => [run.id, run]));
    for (const { runId } of recovered) {
      await records.settle(runId, () => {});
      const run = known.get(runId);
      if (run) await elsewhere.forget(run);
    }
    settleReads(services.state);
    if (!rescuing) await settleBoots(services);
    const removals = rescuing || filesOnly ? [] : await finishRemovals(services, everywhere, signal);
    return {
      version: 1,
      runs: recovered.map(({ runId, plan, undone, published, kept, errors }) => ({
        run_id: runId,
        plan,
        undone: [...undone],
        published,
        kept: [...kept],
        errors: errors.map(errorToJson),
      })),
      removals,
      unseen: await unseenOf(journal, elsewhere),
    };
  };

const onlyFiles = (journal: Journal): Journal => ({
  ...journal,
  recoverableRuns: () =>
    journal.recoverableRuns().filter(({ plan, planFolder }) => plan === filesRun && planFolder === ''),
});

/** Runs of other containers of which nobody knows whether they go on. */
async function unseenOf(journal: Journal, elsewhere: OwnersElsewhere): Promise<NonNullable<RecoverOutput['unseen']>> {
  const found: NonNullable<RecoverOutput['unseen']> = [];
  for (const run of journal.recoverableRuns())
    if (isUnseen(run) && (await elsewhere.hasEnded(run)) === null)
      found.push({ run_id: run.id, plan: run.plan, started: run.started });
  return found;
}

const isUnseen = ({ open, unseenIn }: JournalledRun): boolean => open && unseenIn !== null;

/** Nobody's word ends a run that is seen to live. */
async function assertUnseen(journal: Journal, elsewhere: OwnersElsewhere, id: string): Promise<void> {
  const run = journal.recoverableRuns().find((open) => open.id === id);
  if (!run) throw new SendenseError('run.unknown', `there is no run ${id} that has not ended`);
  if (!isUnseen(run))
    throw new SendenseError('usage', `run ${id} belongs to this container, and this hub knows whether it is active`, {
      remedy: 'Remove --ended.',
    });
  if ((await elsewhere.hasEnded(run)) === false)
    throw new SendenseError('usage', `run ${id} of another container has not ended: its process shows that it lives`, {
      remedy: 'Wait for it, or end it in its container.',
    });
}
