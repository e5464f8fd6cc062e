import { SendenseError } from '../errors/sendense-error.ts';
import type { LockHolder } from './journal.ts';
import type { Run } from './open-run.ts';
import { recoverRuns } from './recover-runs.ts';

/**
 * Enters the run in the journal and takes its lock. Where a dead run holds the lock, that run is recovered first.
 * @throws SendenseError `run.locked` where a live one holds it
 */
export async function startRun<S>(run: Run<S>): Promise<void> {
  const { pipeline, journal, owner, lock, origin, registry, services } = run.options;
  for (;;) {
    const started = journal.startRun({
      id: run.id,
      plan: pipeline.name,
      kind: pipeline.kind,
      vm: pipeline.vm,
      planFile: pipeline.file,
      planFolder: pipeline.folder,
      owner,
      started: run.startedAt,
      lock,
      origin,
      node: nameIn(pipeline.plan['node']),
      repository: nameIn(pipeline.plan['repository']),
    });
    if (started.started) return;
    const { holder } = started;
    if (holder.alive) throw locked(run, holder, 'which is still going on');
    const only = holder.runId;
    const [recovered] = await recoverRuns({
      journal,
      registry,
      services,
      recoverer: owner,
      only,
      limits: run.limits,
      ...(run.options.hasEnded ? { hasEnded: run.options.hasEnded } : {}),
      signal: AbortSignal.any([run.gently, run.atOnce]),
    });
    const left = recovered ? undefined : journal.recoverableRuns().find(({ id }) => id === only);
    if (left?.open && left.unseenIn !== null) throw unseen(run, holder);
    if (left) throw locked(run, holder, 'whose process died; another process is cleaning up after it');
    for (const error of recovered?.errors ?? []) run.warnings.push(`run ${only} before: ${error.message}`);
  }
}

const nameIn = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const unseen = <S>(run: Run<S>, holder: LockHolder): SendenseError =>
  locked(run, holder, 'which belongs to another container (pid namespace) of this machine and may still go on', {
    remedy: `Wait for it. If you know that it has ended: \`sendense-run recover --ended ${holder.runId}\`.`,
  });

function locked<S>(
  run: Run<S>,
  holder: LockHolder,
  state: string,
  { remedy }: { readonly remedy?: string } = {},
): SendenseError {
  const since = new Date(holder.since).toISOString();
  const { vm, name } = run.options.pipeline;
  const subject = vm === '*' ? `plan ${name}` : vm;
  return new SendenseError(
    'run.locked',
    `${subject} is locked by run ${holder.runId} (pid ${holder.owner.pid}, since ${since}), ${state}`,
    {
      details: { lock: holder.name, run_id: holder.runId, pid: holder.owner.pid, since: holder.since },
      ...(remedy === undefined ? {} : { remedy }),
    },
  );
}
