import { resolve } from 'node:path';
import { runPipeline } from '../engine/run-pipeline.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../host/programs/process-identity.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../host/programs/run-folder.ts';
import { createEvaluator } from '../plan/expressions/create-evaluator.ts';
import { findRepository } from '../repository/open-repository.ts';
import type { RunFinishedEvent } from '../schemas/types.ts';
import { version } from '../schemas/package.ts';
import { createJournal } from '../state/runs/create-journal.ts';
import { openState } from '../state/database/open-state.ts';
import { keepRepositoryId } from '../state/points/repository-ids.ts';
import { findRun } from '../state/runs/runs.ts';
import { stepRegistry } from '../steps/index.ts';
import type { Services } from '../steps/services.ts';
import { adoptVm } from './vm-names/adopt-vm.ts';
import { deliverNow, noticeOfInvalidPlan, watchRun } from './runs/after-run.ts';
import type { NoticeParts } from './notify/notice-parts.ts';
import { manageCare } from './repositories/manage-care.ts';
import { checkAll } from './check/check-all.ts';
import { createServices, nodeStateDirOf } from './create-services.ts';
import { describeHistory } from './describe/describe-history.ts';
import { describeRun, findRunLog } from './describe/describe-run.ts';
import { describeStatus } from './describe/describe-status.ts';
import { discoverSource } from './discovery/discover-source.ts';
import type { Hub, HubOptions } from './hub.ts';
import type { RunRequest } from './runs/run-request.ts';
import { importRepository } from './import/import-repository.ts';
import { keepRecords, withoutUpkeep } from './runs/keep-records.ts';
import { listPoints } from './describe/list-points.ts';
import { loadPipeline, requireSettings } from './runs/load-pipeline.ts';
import { manageCredentials } from './credentials/manage-credentials.ts';
import { withEnrolledNodes } from './nodes/dial-hub.ts';
import { manageNodes } from './nodes/manage-nodes.ts';
import { previewPlan } from './runs/preview-plan.ts';
import { checkedInRescue } from './rescue/checked-in-rescue.ts';
import { ownersElsewhere } from './vm-names/owners-elsewhere.ts';
import { recovery } from './runs/recovery.ts';
import { runLock } from './runs/run-lock.ts';
import { manageSchedules } from './schedule/manage-schedules.ts';
import { takeSlot } from './schedule/take-slot.ts';
import { manageNotices } from './notify/manage-notices.ts';
import { manageRetention } from './retention/manage-retention.ts';
import { testCredential } from './credentials/test-credential.ts';
import { writePlan } from './discovery/write-plan.ts';

/** @throws SendenseError `settings.missing`, `settings.invalid`, `state.unusable` */
export async function openHub(options: HubOptions): Promise<Hub> {
  const stack = new AsyncDisposableStack();
  try {
    return await compose(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function compose(options: HubOptions, stack: AsyncDisposableStack): Promise<Hub> {
  const { rescue } = options;
  const usable = requireSettings(rescue?.settingsFile ?? options.config, options.startFolder);
  const { file: settingsFile, folder } = usable;
  const statePath = resolve(folder, usable.settings.state);
  const { busyTimeout } = options;
  const readOnly = options.readOnly === true && !rescue;
  const state = stack.use(openState(statePath, { readOnly, ...(busyTimeout === undefined ? {} : { busyTimeout }) }));
  const settings = withEnrolledNodes(usable.settings, state);
  const loaded = { ...usable.loaded, settings };
  const services = createServices(
    {
      version,
      settings,
      settingsFolder: folder,
      state,
      nodeStateDir: await nodeStateDir(options, statePath, stack),
      embeddedNode: options.embeddedNode,
      runPlan: (child) => runChild(child),
      rescue,
    },
    stack,
  );
  const journal = createJournal(state, isRunning);
  const { repositoryPath } = services;
  const recordParts = { state, settings, settingsFolder: folder, repositoryPath };
  const records = rescue ? withoutUpkeep(keepRecords(recordParts)) : keepRecords(recordParts);
  const noticeParts: NoticeParts = { state, settings, settingsFolder: folder };
  const registry = options.steps ?? stepRegistry;
  const evaluator = createEvaluator();

  const elsewhere = ownersElsewhere(statePath, rescue !== undefined);
  const recover = recovery({ journal, registry, services, records, elsewhere, rescuing: rescue !== undefined });

  const run = async (request: RunRequest): Promise<RunFinishedEvent> => {
    const warn = request.warn ?? (() => {});
    let pipeline: Pipeline;
    try {
      pipeline = loadPipeline(request, loaded);
    } catch (error) {
      noticeOfInvalidPlan(state, request, error);
      await deliverNow(noticeParts, warn);
      throw error;
    }
    const watch = watchRun(noticeParts, pipeline, request);
    // Whatever an earlier process left behind goes first, of every VM: its ports and files may be the ones needed now.
    // What cannot be cleaned up stays recorded, `status` shows it, and it does not stop this run.
    // The run of a group has done it for those of its VMs.
    if (request.origin?.parentRun === undefined)
      await recover({ signal: request.cancel?.gently, everywhere: false }).catch(() => undefined);
    if (request.slot) takeSlot(state, request.slot);
    await using _alive = await elsewhere.show();
    const { promise, resolve: finish } = Promise.withResolvers<RunFinishedEvent>();
    const keepEvent = records.watch();
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
      emit: (event) => {
        if (event.type === 'run.finished') finish(event);
        keepEvent(event);
        request.emit?.(event);
        watch.event(event);
      },
    });
    const finished = await promise;
    await records.settle(finished.run_id, warn);
    await records.afterRun(request.origin, { warn, signal: request.cancel?.gently });
    await watch.finished(finished);
    if (request.origin?.parentRun === undefined) await records.writeMetrics(warn);
    return finished;
  };
  const runChild: Services['runPlan'] = ({ text, origin, signal, emit }) =>
    run({
      file: findRun(state, origin.parentRun)?.planFile ?? '',
      text,
      origin,
      emit,
      cancel: { gently: signal, atOnce: new AbortController().signal },
    });

  return {
    settings,
    settingsFile,
    recover: async (request) => {
      const output = await recover(request);
      if (output.runs.length > 0) await deliverNow(noticeParts, () => {}, { waitMs: 0 });
      return output;
    },
    run,

    preview: (request) => previewPlan(request, { loaded, registry, services, evaluator }),

    ...listPoints({ state, settings, repositoryPath }),

    showRun: (id) => describeRun(state, id),

    history: async (filter) => describeHistory(state, filter),

    runLog: async (id) => findRunLog(state, id),

    upkeep: (signal) => records.upkeep({ force: true, signal }),

    metrics: () => records.figures(),

    writeMetrics: (warn) => records.writeMetrics(warn),

    check: async (request) => {
      const output = await checkAll(services, request);
      return rescue ? checkedInRescue(output, rescue) : output;
    },

    status: (request) => describeStatus(state, settings.repositories, request),

    credentials: manageCredentials({ state, settings, settingsFolder: folder }, (request) =>
      testCredential(services, request),
    ),

    notices: manageNotices(noticeParts),

    adopt: (request) => adoptVm(services, () => recover(), request),

    retention: manageRetention(services, loaded),

    care: manageCare(services, (signal) => recover({ signal })),

    nodes: manageNodes({ state, settings: usable.settings, settingsFolder: folder, settingsFile }),

    schedules: manageSchedules({ state, loaded, run }),

    serveSchedules: async (serving) => {
      const { serveSchedules } = await import('./schedule/serve-schedules.ts');
      return serveSchedules({ state, settingsFile, ...serving });
    },

    serve: async (serving) => {
      const { serveHub } = await import('./serve-hub.ts');
      const backupFigures = (): Promise<string> => records.figures();
      return serveHub({
        state,
        settings: usable.settings,
        settingsFolder: folder,
        settingsFile,
        backupFigures,
        ...serving,
      });
    },

    discover: (request) => discoverSource(services, request, (subject, target) => writePlan(loaded, subject, target)),

    async importRepository(name, { forgetMissing, signal } = {}) {
      const root = services.repositoryPath(name);
      const found = await findRepository(name, root);
      if (!found) throw new SendenseError('repository.unusable', `repository ${name}: there is none at ${root}`);
      keepRepositoryId(state, name, found.id, { replace: true });
      return importRepository({ state, repository: name, root, forgetMissing: forgetMissing === true, signal });
    },

    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A dry-run's agent keeps its state in a folder that is gone afterwards. */
async function nodeStateDir(options: HubOptions, statePath: string, stack: AsyncDisposableStack): Promise<string> {
  if (!options.readOnly) return nodeStateDirOf(statePath);
  const id = ownFolderId('dry');
  const folder = await makeRunFolder(id);
  stack.defer(() => removeRunFolder(id));
  return folder;
}

/** What a command made of its options has a name, and is no plan of that name. */
function originOf({ origin, text, slot }: RunRequest): Pick<RunRequest, 'origin'> {
  if (origin) return { origin };
  return text !== undefined && slot === undefined ? { origin: { trigger: 'command' } } : {};
}
