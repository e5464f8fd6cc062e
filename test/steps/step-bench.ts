import { readFileSync, readdirSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { AnyStep, RunFacts, StepPreview } from '../../src/engine/step.ts';
import { schemaValidator } from '../../src/engine/step-validator.ts';
import { isRunning, thisProcess } from '../../src/host/programs/process-identity.ts';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import { createServices } from '../../src/hub/create-services.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { DiskProgress } from '../../src/engine/step.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { Settings } from '../../src/schemas/types.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
import type { Services } from '../../src/steps/services.ts';
import { ownPorts } from '../support/free-ports.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

/** One call of a step's `run`. */
export interface Ran<O> extends AsyncDisposable {
  readonly output: O;
  readonly claim: unknown;
  readonly remembered: Record<string, unknown>;
  readonly logs: string[];
  readonly warnings: string[];
  readonly progress: DiskProgress[];
  /** Closes what it holds open; so does the end of the block. */
  close(): Promise<void>;
}

interface RunOptions {
  readonly run?: string;
  readonly signal?: AbortSignal;
  /** Default: the step's own. */
  readonly claim?: unknown;
  /** Instead of the bench's own: doubles at the boundary to the network. */
  readonly services?: Partial<Services>;
}

/** A hub in a folder of its own that runs single steps, as the engine would: schemas checked, claims as plain JSON. */
export interface StepBench extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly services: Services;
  readonly state: State;
  facts(step: AnyStep<Services>, run?: string): RunFacts;
  plan(step: AnyStep<Services>, input: object, run?: string): Promise<StepPreview>;
  run<O>(step: AnyStep<Services>, input: object, options?: RunOptions): Promise<Ran<O>>;
  undo(
    step: AnyStep<Services>,
    claim: unknown,
    options?: { run?: string; remembered?: Record<string, unknown> },
  ): Promise<void>;
  published(step: AnyStep<Services>, claim: unknown, remembered?: Record<string, unknown>): Promise<boolean>;
  /** Everything that a step could leave behind: files, rows, processes. */
  snapshot(): Promise<string[]>;
}

const startedAt = Date.parse('2026-11-21T01:30:00Z');

/** @param template folder of another bench to start from */
export async function stepBench(settings: Partial<Settings> = {}, template?: string): Promise<StepBench> {
  // Services put what they open later on it, so it cannot be moved.
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  if (template !== undefined) await execa('cp', ['-a', `${template}/.`, folder.path]);
  await ownRunFolders(stack);
  const state = stack.use(openState(folder.file('state', 'sendense.db')));
  const from = ownPorts(40);
  // Ports of its own: other tests on this machine lease theirs in databases of their own.
  const full = { repositories: { primary: { path: './repository' } }, ports: { from, to: from + 39 }, ...settings };
  if (!validatorOf('settings.json')(full)) throw new Error('bad settings');
  const services = createServices(
    {
      version: '0.0.0-test',
      settings: full as Settings,
      settingsFolder: folder.path,
      state,
      nodeStateDir: folder.file('state', 'node'),
      embeddedNode: startNode,
      runPlan: () => Promise.reject(new Error('no')),
    },
    stack,
  );
  await mkdir(folder.file('plans'), { recursive: true });
  const journal = createJournal(state, isRunning);
  const known = new Set<string>();
  const facts: StepBench['facts'] = (step, run = 'run-aaaaaa') => {
    if (!known.has(run))
      journal.startRun({
        id: run,
        plan: 'test',
        kind: 'backup',
        vm: 'vm',
        planFile: '/x',
        planFolder: folder.file('plans'),
        owner: thisProcess(),
        started: startedAt,
        lock: null,
      });
    known.add(run);
    return {
      runId: run,
      stepId: step.uses.replace('.', '-'),
      startedAt: startedAt + 1000 * [...known].indexOf(run),
      planName: 'test',
      planFolder: folder.file('plans'),
    };
  };
  return {
    folder,
    services,
    state,
    facts,
    async plan(step, given, run) {
      const input = checked(step, 'input', given);
      return step.plan({ ...facts(step, run), services, signal: new AbortController().signal }, input);
    },
    async run<O>(step: AnyStep<Services>, given: object, options: RunOptions = {}): Promise<Ran<O>> {
      const input = checked(step, 'input', given);
      const its = facts(step, options.run);
      const claim = plain(options.claim === undefined ? step.claim(input, its) : options.claim);
      const kept = {
        remembered: {} as Record<string, unknown>,
        logs: [] as string[],
        warnings: [] as string[],
        progress: [] as DiskProgress[],
      };
      const scope = new AsyncDisposableStack();
      try {
        const output = await step.run(
          {
            ...its,
            services: { ...services, ...options.services },
            signal: options.signal ?? new AbortController().signal,
            scope,
            alive: () => undefined,
            progress: (disks) => void kept.progress.push(...disks),
            log: (message) => void kept.logs.push(message),
            warn: (message) => void kept.warnings.push(message),
            remembered: kept.remembered,
            remember: (name, value) => void (kept.remembered[name] = plain(value)),
          },
          input,
          claim,
        );
        return {
          ...kept,
          claim,
          output: checked(step, 'output', output as object) as O,
          close: () => scope.disposeAsync(),
          [Symbol.asyncDispose]: () => scope.disposeAsync(),
        };
      } catch (error) {
        await scope.disposeAsync();
        throw Object.assign(error as Error, { claim, ...kept });
      }
    },
    async undo(step, claim, { run, remembered = {} } = {}) {
      await step.undo?.(
        {
          ...facts(step, run),
          services,
          signal: AbortSignal.timeout(200_000),
          remembered,
          isPublished: false,
          log: () => undefined,
          warn: () => undefined,
        },
        plain(claim),
      );
    },
    async published(step, claim, remembered = {}) {
      if (!step.published) throw new Error(`${step.uses} publishes nothing`);
      return step.published(
        {
          ...facts(step),
          services,
          signal: AbortSignal.timeout(200_000),
          remembered,
          isPublished: false,
          log: () => undefined,
          warn: () => undefined,
        },
        plain(claim),
      );
    },
    async snapshot() {
      const files = await listing(folder.path, (name) => name === 'state' || name.startsWith('state/'));
      const runs = await listing(dirname(runFolderOf('x')), (name) => name.startsWith('hub-'));
      return [
        ...files,
        ...runs.map((line) => `run folder ${line}`),
        ...rows(state),
        ...servers(folder.path).map((pid) => `process ${pid}`),
      ];
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const systemFolder = tmpdir();

/** Run folders follow from the run's id alone, and test files run at once: each bench has a place of its own for them. */
async function ownRunFolders(stack: AsyncDisposableStack): Promise<void> {
  const own = await mkdtemp(join(systemFolder, 'b-'));
  stack.defer(() => rm(own, { recursive: true, force: true }));
  stack.defer(() => void (process.env['TMPDIR'] = systemFolder));
  process.env['TMPDIR'] = own;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown;

function checked(step: AnyStep<Services>, part: 'input' | 'output', value: object): unknown {
  const copy = plain(value);
  schemaValidator[part](step.uses, copy);
  return copy;
}

/** Who had the lock of a VM before, which whatever takes it leaves; not a folder of somebody who has it. */
export const isLockRecord = (name: string): boolean =>
  /(^|\/)\.sendense(\/locks(\/\.marks)?(\/[^/.]+(\/[0-9]{12}\.json)?)?)?$/.test(name);

/** Path, kind, size, mode and time of everything below a folder, without records of locks. */
export async function listing(folder: string, skip: (name: string) => boolean = () => false): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const lines = names
    .filter((name) => !skip(name) && !isLockRecord(name))
    .map(async (name) => {
      const info = await lstat(join(folder, name), { bigint: true }).catch(() => null);
      if (!info || info.isDirectory()) return `${name}/`;
      const target = info.isSymbolicLink() ? ` -> ${await readlink(join(folder, name))}` : '';
      return `${name} ${info.size} ${(info.mode & 0o777n).toString(8)} ${info.mtimeNs}${target}`;
    });
  return (await Promise.all(lines)).toSorted();
}

const tables = ['port_leases', 'vm_contexts', 'vm_disks', 'backups', 'backup_disks', 'locks'] as const;

function rows(state: State): string[] {
  return tables
    .flatMap((table) =>
      state.all<object>(state.query.selectFrom(table).selectAll()).map((row) => `${table} ${JSON.stringify(row)}`),
    )
    .toSorted();
}

/** Processes of qemu-nbd that name the folder, or a run's folder of these tests. */
export function servers(folder: string): number[] {
  const marks = [folder, dirname(runFolderOf('x'))];
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return line.split('\0')[0]?.endsWith('qemu-nbd') && marks.some((mark) => line.includes(mark));
      } catch {
        return false;
      }
    })
    .map(Number);
}
