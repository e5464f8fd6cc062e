import type { Journal } from '../../engine/journal.ts';
import type { Pipeline } from '../../engine/pipeline.ts';
import { runPipeline } from '../../engine/run-pipeline.ts';
import { namedFull } from '../../host/files/full-disk.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import type { PreviewOptions } from '../../engine/preview-pipeline.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import type { RecoverOutput, RunEvent, RunFinishedEvent } from '../../schemas/types.ts';
import { findRun } from '../../state/runs/runs.ts';
import type { Services } from '../../steps/services.ts';
import type { RecoverRequest } from '../hub.ts';
import type { NoticeParts } from '../notify/notice-parts.ts';
import { takeSlot } from '../schedule/take-slot.ts';
import type { OwnersElsewhere } from '../vm-names/owners-elsewhere.ts';
import { deliverNow, noticeOfInvalidPlan, watchRun } from './after-run.ts';
import type { Records } from './keep-records.ts';
import { loadPipeline } from './load-pipeline.ts';
import { placesOf } from './places-of-run.ts';
import { runLock } from './run-lock.ts';
import type { CancelSignals } from '../../engine/run-options.ts';
import type { RunRequest } from './run-request.ts';
import { stopAsked } from './stop-asked.ts';

/** What a run needs besides its plan. */
export interface RunParts extends Pick<PreviewOptions<Services>, 'registry' | 'services' | 'evaluator'> {
  readonly loaded: LoadedSettings;
  readonly journal: Journal;
  readonly records: Records;
  readonly notices: NoticeParts;
  readonly elsewhere: OwnersElsewhere;
  recover(request: RecoverRequest): Promise<RecoverOutput>;
}

/** One run of a plan: loads it, cleans up after earlier runs, executes it, and tells who is to be told. */
export async function executePlan(parts: RunParts, asked: RunRequest): Promise<RunFinishedEvent> {
  const { records, elsewhere } = parts;
  using stop = stopAsked(parts.notices.state);
  const request = { ...asked, cancel: withStop(asked.cancel, stop.signal) };
  const warn = request.warn ?? (() => {});
  const pipeline = await loadOrTell(parts, request, warn);
  const watch = watchRun(parts.notices, pipeline, request);
  // Whatever an earlier process left behind goes first, of every VM: its ports and files may be the ones needed now.
  // What cannot be cleaned up stays recorded, `status` shows it, and it does not stop this run.
  // The run of a group has done it for those of its VMs.
  if (request.origin?.parentRun === undefined)
    await parts.recover({ signal: request.cancel.gently, everywhere: false }).catch(() => undefined);
  if (request.slot) takeSlot(parts.notices.state, request.slot);
  await using _alive = await elsewhere.show();
  const keepEvent = records.watch();
  const finished = await executeSteps(parts, pipeline, request, (event) => {
    if (event.type === 'run.started') stop.watch(event.run_id);
    keepEvent(event);
    request.emit?.(event);
    watch.event(event);
  });
  await records.settle(finished.run_id, warn);
  await records.afterRun(request.origin, { warn, signal: request.cancel.gently });
  await watch.finished(finished);
  if (request.origin?.parentRun === undefined) await records.writeMetrics(warn);
  return finished;
}

const withStop = (cancel: RunRequest['cancel'], stop: AbortSignal): CancelSignals => ({
  gently: cancel ? AbortSignal.any([cancel.gently, stop]) : stop,
  atOnce: cancel?.atOnce ?? new AbortController().signal,
});

/** The run of one VM of a group. */
export const executeMember = (
  parts: RunParts,
  { text, origin, signal, emit }: Parameters<Services['runPlan']>[0],
): Promise<RunFinishedEvent> =>
  executePlan(parts, {
    file: findRun(parts.notices.state, origin.parentRun)?.planFile ?? '',
    text,
    origin,
    emit,
    cancel: { gently: signal, atOnce: new AbortController().signal },
  });

async function loadOrTell(
  { loaded, notices }: RunParts,
  request: RunRequest,
  warn: (message: string) => void,
): Promise<Pipeline> {
  try {
    return loadPipeline(request, loaded);
  } catch (error) {
    noticeOfInvalidPlan(notices.state, request, error);
    // Whoever asked for it waits: what a channel does not take at once comes with the next delivery.
    await deliverNow(notices, warn, { waitMs: 0 });
    throw error;
  }
}

async function executeSteps(
  { registry, services, evaluator, journal, elsewhere, notices: { state } }: RunParts,
  pipeline: Pipeline,
  request: RunRequest,
  emit: (event: RunEvent) => void,
): Promise<RunFinishedEvent> {
  const { promise, resolve: finish } = Promise.withResolvers<RunFinishedEvent>();
  await runPipeline({
    pipeline,
    registry,
    services,
    evaluator,
    journal,
    owner: thisProcess(),
    hasEnded: elsewhere.hasEnded,
    lock: runLock({ ...pipeline, repository: pipeline.plan['repository'] }),
    ...(request.cancel ? { cancel: request.cancel } : {}),
    ...originOf(request),
    ...(request.slot ? { runId: request.slot.runId } : {}),
    explain: (error) => namedFull(error, placesOf(services, state, pipeline.plan)),
    emit: (event) => {
      if (event.type === 'run.finished') finish(event);
      emit(event);
    },
  });
  return promise;
}

/** What a command made of its options has a name, and is no plan of that name. */
function originOf({ origin, text, slot }: RunRequest): Pick<RunRequest, 'origin'> {
  if (origin) return { origin };
  return text !== undefined && slot === undefined ? { origin: { trigger: 'command' } } : {};
}
