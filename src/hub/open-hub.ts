import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { previewPipeline } from '../engine/preview-pipeline.ts';
import { recoverRuns } from '../engine/recover-runs.ts';
import type { CancelSignals } from '../engine/run-options.ts';
import { runPipeline } from '../engine/run-pipeline.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import type { StepRegistry } from '../engine/step.ts';
import { errorToJson, SendenseError } from '../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../host/process-identity.ts';
import { makeRunFolder, removeRunFolder, sweepRunFolders } from '../host/run-folder.ts';
import { createEvaluator } from '../plan/create-evaluator.ts';
import { findRepository } from '../repository/open-repository.ts';
import { packageRoot } from '../schemas/validator.ts';
import type {
  CheckOutput,
  ImportOutput,
  ListOutput,
  PlanOutput,
  RecoverOutput,
  RunEvent,
  RunFinishedEvent,
  Settings,
  ShowOutput,
  StatusOutput,
} from '../schemas/types.ts';
import { createJournal } from '../state/create-journal.ts';
import { openState, type State } from '../state/open-state.ts';
import { points } from '../state/restore-points.ts';
import { stepRegistry } from '../steps/index.ts';
import type { Services } from '../steps/services.ts';
import { checkRepository } from './check-repository.ts';
import { claimedFiles } from './claimed-files.ts';
import { createServices, nodeStateDirOf } from './create-services.ts';
import { describePoints } from './describe-points.ts';
import { describeStatus } from './describe-status.ts';
import type { EmbeddedNodeFactory } from './embedded-node.ts';
import { importRepository } from './import-repository.ts';
import { loadPipeline, requireSettings } from './load-pipeline.ts';

export interface HubOptions {
  /** Settings file; default: `sendense.yaml` in `startFolder`, upward, then /etc/sendense. */
  readonly config?: string | undefined;
  readonly startFolder: string;
  /** Nothing is written, not even a state database made. */
  readonly readOnly?: boolean;
  readonly embeddedNode: EmbeddedNodeFactory;
  /** Default: the built-in steps. */
  readonly steps?: StepRegistry<Services>;
}

export interface RunRequest {
  readonly file: string;
  /** The plan's text, instead of what is in `file`. */
  readonly text?: string | undefined;
  readonly mode?: 'auto' | 'full' | 'incremental' | undefined;
  emit?(event: RunEvent): void;
  readonly cancel?: CancelSignals | undefined;
}

export interface PointFilter {
  readonly vm?: string | undefined;
  readonly repository?: string | undefined;
  /** A backup id. */
  readonly point?: string | undefined;
}

export interface CheckRequest extends PointFilter {
  readonly deep: boolean;
  readonly signal?: AbortSignal | undefined;
  onProgress?(text: string, done: number, total: number): void;
}

/** Everything that `sendense-run` can do, for the program and for whoever embeds it. */
export interface Hub extends AsyncDisposable {
  readonly settings: Settings;
  readonly settingsFile: string;
  /** Rejects with `plan.invalid` before the run begins; what happens later is in the event. */
  run(request: RunRequest): Promise<RunFinishedEvent>;
  preview(request: RunRequest): Promise<PlanOutput>;
  list(filter: PointFilter): Promise<ListOutput>;
  show(filter: PointFilter): Promise<ShowOutput>;
  check(request: CheckRequest): Promise<CheckOutput>;
  status(): Promise<StatusOutput>;
  recover(signal?: AbortSignal): Promise<RecoverOutput>;
  importRepository(name: string, signal?: AbortSignal): Promise<ImportOutput>;
}

export const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version;

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
  const { file: settingsFile, folder, settings, loaded } = requireSettings(options.config, options.startFolder);
  const statePath = resolve(folder, settings.state);
  const state = stack.use(openState(statePath, { readOnly: options.readOnly ?? false }));
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

    async check(request) {
      const names = request.repository === undefined ? Object.keys(settings.repositories) : [request.repository];
      const outputs: CheckOutput[] = [];
      assertSomethingToCheck(services, names, request);
      for (const name of names) outputs.push(await checkOne(services, name, request));
      return {
        version: 1,
        ok: outputs.every((output) => output.ok),
        repository: outputs.map((output) => output.repository).join(', '),
        points_checked: sum(outputs.map((output) => output.points_checked)),
        bytes_read: sum(outputs.map((output) => output.bytes_read)),
        findings: outputs.flatMap((output) => output.findings),
      };
    },

    status: async () => describeStatus(state),

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

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Asked for by name and not there must not look as if it was found sound. */
function assertSomethingToCheck({ state }: Services, names: readonly string[], { vm, point }: CheckRequest): void {
  if (vm === undefined && point === undefined) return;
  const known = names.flatMap((name) => points(state, { repository: name }));
  const found = known.some(
    (entry) => (vm === undefined || entry.vm.context === vm) && (point === undefined || entry.backup_id === point),
  );
  if (!found)
    throw new SendenseError(
      'point.unknown',
      point === undefined ? `VM ${vm} has no restore points` : `there is no restore point ${point}`,
    );
}

/** By context and backup id. */
function knownChecksums(state: State, repository: string): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>();
  for (const point of points(state, { repository })) {
    const ids = known.get(point.vm.context) ?? new Map<string, string>();
    known.set(point.vm.context, ids.set(point.backup_id, point.checksum));
  }
  return known;
}

async function checkOne(services: Services, name: string, request: CheckRequest): Promise<CheckOutput> {
  const root = services.repositoryPath(name);
  const stored = points(services.state, { repository: name });
  if (!(await findRepository(name, root))) {
    const findings: CheckOutput['findings'] =
      stored.length === 0
        ? []
        : [
            {
              severity: 'error',
              code: 'file.missing',
              backup_id: null,
              path: root,
              message: `there is no repository at ${root}, but ${stored.length} restore points of it are known`,
              remedy: 'Mount it, or correct its path in sendense.yaml.',
            },
          ];
    return { version: 1, ok: findings.length === 0, repository: name, points_checked: 0, bytes_read: 0, findings };
  }
  const point = request.point === undefined ? undefined : stored.find((entry) => entry.backup_id === request.point);
  if (request.point !== undefined && !point)
    return { version: 1, ok: true, repository: name, points_checked: 0, bytes_read: 0, findings: [] };
  const result = await checkRepository({
    root,
    context: point?.vm.context ?? request.vm,
    point: request.point,
    deep: request.deep,
    known: () => knownChecksums(services.state, name),
    claimed: () => claimedFiles(services.state, name),
    signal: request.signal,
    onProgress: request.onProgress,
  });
  return {
    version: 1,
    ok: result.findings.every((finding) => finding.severity !== 'error'),
    repository: name,
    ...result,
  };
}
