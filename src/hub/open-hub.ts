import { resolve } from 'node:path';
import { previewPipeline } from '../engine/preview-pipeline.ts';
import { recoverRuns } from '../engine/recover-runs.ts';
import { runPipeline } from '../engine/run-pipeline.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import { errorToJson, SendenseError } from '../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../host/process-identity.ts';
import { makeRunFolder, removeRunFolder, sweepRunFolders } from '../host/run-folder.ts';
import { createEvaluator } from '../plan/create-evaluator.ts';
import { findRepository } from '../repository/open-repository.ts';
import type { PlanOutput, RecoverOutput, RunEvent, RunFinishedEvent, Settings } from '../schemas/types.ts';
import { version } from '../schemas/package.ts';
import { createJournal } from '../state/create-journal.ts';
import { openState } from '../state/open-state.ts';
import { points } from '../state/restore-points.ts';
import { stepRegistry } from '../steps/index.ts';
import { checkAll } from './check-all.ts';
import { createServices, nodeStateDirOf } from './create-services.ts';
import { describeRun } from './describe-run.ts';
import { describePoints } from './describe-points.ts';
import { describeStatus } from './describe-status.ts';
import { discoverSource } from './discover-source.ts';
import type { Hub, HubOptions, PointFilter } from './hub.ts';
import { importRepository } from './import-repository.ts';
import { loadPipeline, requireSettings } from './load-pipeline.ts';
import { manageCredentials } from './manage-credentials.ts';
import { withEnrolledNodes } from './nodes/dial-hub.ts';
import { manageNodes } from './nodes/manage-nodes.ts';
import { testCredential } from './test-credential.ts';
import { writePlan } from './write-plan.ts';

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
  const usable = requireSettings(options.config, options.startFolder);
  const { file: settingsFile, folder } = usable;
  const statePath = resolve(folder, usable.settings.state);
  const { readOnly = false, busyTimeout } = options;
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
    },
    stack,
  );
  const journal = createJournal(state, isRunning);
  const registry = options.steps ?? stepRegistry;
  const evaluator = createEvaluator();

  const recover = async (signal?: AbortSignal, emit?: (event: RunEvent) => void): Promise<RecoverOutput> => {
    await sweepRunFolders(signal);
    const recovered = await recoverRuns({
      journal,
      registry,
      services,
      recoverer: thisProcess(),
      ...(signal ? { signal } : {}),
      ...(emit ? { emit } : {}),
    });
    return {
      version: 1,
      runs: recovered.map(({ runId, plan, undone, published, errors }) => ({
        run_id: runId,
        plan,
        undone: [...undone],
        published,
        errors: errors.map(errorToJson),
      })),
    };
  };

  return {
    settings,
    settingsFile,
    recover,

    async run(request) {
      const pipeline = loadPipeline(request, loaded);
      // Whatever an earlier process left behind goes first, of every VM: its ports and files may be the ones needed now.
      // What cannot be cleaned up stays recorded, `status` shows it, and it does not stop this run.
      await recover(request.cancel?.gently).catch(() => undefined);
      const { promise, resolve: finish } = Promise.withResolvers<RunFinishedEvent>();
      await runPipeline({
        pipeline,
        registry,
        services,
        evaluator,
        journal,
        owner: thisProcess(),
        lock: lockOf(pipeline),
        ...(request.cancel ? { cancel: request.cancel } : {}),
        emit: (event) => {
          if (event.type === 'run.finished') finish(event);
          request.emit?.(event);
        },
      });
      return promise;
    },

    async preview(request) {
      const pipeline = loadPipeline(request, loaded);
      const preview = await previewPipeline({
        pipeline,
        registry,
        services,
        evaluator,
        ...(request.cancel ? { signal: request.cancel.gently } : {}),
      });
      const disks = (preview.outputs['decide'] as { disks?: PlanOutput['disks'] } | undefined)?.disks ?? [];
      const estimates = disks.map((disk) => disk.estimated_bytes);
      const estimated =
        disks.length === 0 || estimates.includes(null)
          ? null
          : estimates.reduce<number>((total, bytes) => total + (bytes ?? 0), 0);
      return {
        version: 1,
        plan: pipeline.name,
        kind: pipeline.kind,
        vm: pipeline.vm,
        steps: [...preview.steps],
        disks,
        estimated_bytes: estimated,
      };
    },

    async list(filter) {
      const all = points(state, onlyRepository(settings, filter));
      const shown = all.filter((point) => filter.vm === undefined || point.vm.name === filter.vm);
      return { version: 1, points: describePoints(shown, all, services.repositoryPath) };
    },

    async show(filter) {
      const all = points(state, onlyRepository(settings, filter));
      const selected = filter.point === undefined ? undefined : all.find((point) => point.backup_id === filter.point);
      if (filter.point !== undefined && !selected)
        throw new SendenseError('point.unknown', `there is no restore point ${filter.point}`);
      const vm = selected?.vm.name ?? filter.vm ?? '';
      const shown = all.filter(
        (point) => point.vm.name === vm && (!selected || point.repository === selected.repository),
      );
      if (shown.length === 0) throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
      return {
        version: 1,
        vm,
        repository: shown[0]?.repository ?? '',
        selected: selected?.backup_id ?? null,
        points: describePoints(shown, all, services.repositoryPath),
      };
    },

    showRun: (id) => describeRun(state, id),

    check: (request) => checkAll(services, request),

    status: async () => describeStatus(state),

    credentials: manageCredentials({ state, settings, settingsFolder: folder }, (request) =>
      testCredential(services, request),
    ),

    nodes: manageNodes({ state, settings: usable.settings, settingsFolder: folder, settingsFile }),

    serve: async (serving) => {
      const { serveHub } = await import('./serve-hub.ts');
      return serveHub({ state, settings: usable.settings, settingsFolder: folder, ...serving });
    },

    discover: (request) => discoverSource(services, request, (subject, target) => writePlan(loaded, subject, target)),

    async importRepository(name, signal) {
      const root = services.repositoryPath(name);
      if (!(await findRepository(name, root)))
        throw new SendenseError('repository.unusable', `repository ${name}: there is none at ${root}`);
      return importRepository({ state, repository: name, root, signal });
    },

    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A dry-run's agent keeps its state in a folder that is gone afterwards. */
async function nodeStateDir(options: HubOptions, statePath: string, stack: AsyncDisposableStack): Promise<string> {
  if (!options.readOnly) return nodeStateDirOf(statePath);
  const id = `dry-${process.pid}-${Date.now()}`;
  const folder = await makeRunFolder(id);
  stack.defer(() => removeRunFolder(id));
  return folder;
}

/** One backup of a VM in a repository at a time; restores only read. */
const lockOf = (pipeline: Pipeline): string | null =>
  pipeline.kind === 'restore' ? null : `${String(pipeline.plan['repository'])}/${pipeline.vm}`;

function onlyRepository(settings: Settings, filter: PointFilter): { repository?: string } {
  if (filter.repository === undefined) return {};
  if (!settings.repositories[filter.repository]) {
    throw new SendenseError(
      'repository.unusable',
      `sendense.yaml has no repository ${filter.repository}; it has ${Object.keys(settings.repositories).join(', ')}`,
    );
  }
  return { repository: filter.repository };
}
