import { execa } from 'execa';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programs } from '../programs.ts';
import type { DiskResult, RunEvent, RunFinishedEvent } from '../../src/schemas/types.ts';
import { randomBytes } from '../support/random.ts';
import { removeJobSockets } from '../support/remove-job-sockets.ts';
import { all } from '../support/rounds.ts';
import { callResident } from './resident.ts';

export const program = programs.run;

export interface RunOutcome {
  readonly exitCode: number;
  readonly events: RunEvent[];
  readonly finished: RunFinishedEvent;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with sendense.yaml, disks and plans; what a user would have. Gone at the end of the block. */
export interface Workspace extends AsyncDisposable {
  readonly folder: string;
  path(...names: string[]): string;
  /** Any sendense-run call; never throws for an exit code. */
  call(
    args: readonly string[],
    options?: { env?: Record<string, string> },
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  /** `sendense-run --json run PLAN …` */
  run(plan: string, ...args: string[]): Promise<RunOutcome>;
  write(name: string, text: string): Promise<void>;
}

export interface WorkspaceOptions {
  readonly settings?: string;
  /** What the programs find in their environment, beside ours. */
  readonly env?: Record<string, string>;
  /** What goes before the program, so that it runs on another host of a test (`test/simulators/network`). */
  readonly prefix?: readonly string[];
  /** Where the workspace is made; default: the system's temporary folder. */
  readonly parent?: string;
  /**
   * Each call is a process of its own, as it is for users, because the test looks at processes, or for the sake of it; or each that this
   * says so of, such as one that writes bytes to its standard output. Default: only at full length; otherwise a process that is there
   * already answers ({@link callResident}).
   */
  readonly ownProcess?: boolean | ((args: readonly string[]) => boolean);
}

/** A call that takes longer is ended, ms. */
const callMs = 120_000;

export const defaultSettings = `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
`;

export async function workspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'sendense-e2e-'));
  const path = (...names: string[]): string => join(folder, ...names);
  await writeFile(path('sendense.yaml'), options.settings ?? defaultSettings);
  const { ownProcess = options.prefix !== undefined } = options;
  const isOwn = (args: readonly string[]): boolean =>
    all || (typeof ownProcess === 'boolean' ? ownProcess : ownProcess(args));
  const call: Workspace['call'] = async (args, how = {}) => {
    const env = { NO_COLOR: '1', ...options.env, ...how.env };
    if (!isOwn(args))
      return callResident({ args, cwd: folder, env: { ...(process.env as Record<string, string>), ...env } }, callMs);
    const [file = '', ...rest] = [...(options.prefix ?? []), process.execPath, program, ...args];
    const result = await execa(file, rest, {
      cwd: folder,
      reject: false,
      timeout: callMs,
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  };
  return {
    folder,
    path,
    call,
    async run(plan, ...args) {
      const result = await call(['--json', 'run', plan, ...args]);
      const events = result.stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as RunEvent);
      const finished = events.at(-1);
      if (finished?.type !== 'run.finished')
        throw new Error(`no run.finished: exit ${result.exitCode}\n${result.stdout}\n${result.stderr}`);
      return { ...result, events, finished };
    },
    write: (name, text) => writeFile(path(name), text),
    [Symbol.asyncDispose]: async () => {
      await removeJobSockets(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const disksOf = (outcome: RunOutcome): DiskResult[] => outcome.finished.disks as DiskResult[];

export const backupPlan = (disks: readonly string[], more = ''): string => `version: 1
kind: backup
name: pgtest1-nightly
vm:
  name: pgtest1
  source:
    type: image
    disks:
${disks.map((disk) => `      - path: ${disk}`).join('\n')}
repository: primary
${more}`;

export const incrementalPlan = (disks: readonly string[], more = ''): string =>
  backupPlan(disks, more)
    .replace('kind: backup', 'kind: incremental')
    .replace('pgtest1-nightly', 'pgtest1-incremental');

export const restorePlan = (directory: string, more = ''): string => `version: 1
kind: restore
name: pgtest1-restore
vm: { name: pgtest1 }
repository: primary
to: { directory: ${directory} }
${more}`;

/** A raw disk of `size` bytes with random data in the given extents and holes elsewhere. */
export async function makeRaw(
  path: string,
  size: number,
  data: readonly (readonly [offset: number, length: number])[],
): Promise<void> {
  await writeFile(path, '');
  await truncate(path, size);
  await writeAt(path, ...data.map(([offset, length]) => [offset, randomBytes(length)] as const));
}

export async function writeAt(
  path: string,
  ...pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]
): Promise<void> {
  await using handle = await open(path, 'r+');
  for (const [offset, bytes] of pieces) await handle.write(bytes, 0, bytes.length, offset);
}

export async function sameBytes(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([readFile(a), readFile(b)]);
  return left.equals(right);
}

/** Guest content of an image of any format, by qemu-img alone. */
export async function sameContent(a: string, b: string): Promise<boolean> {
  const result = await execa('qemu-img', ['compare', a, b], { reject: false });
  return result.exitCode === 0;
}
