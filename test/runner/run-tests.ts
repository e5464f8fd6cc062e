import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { readCosts, type FileCost } from './costs.ts';
import { compiled } from '../support/compiled.ts';
import { machineTime, type MachineTime } from './processor-time.ts';
import { runProgram } from './run-program.ts';

/** The part of vitest's JSON report that is read here. Durations in milliseconds. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
      readonly duration?: number;
    }[];
  }[];
}

export interface TestsEnded {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, a line each: file, test, and what its error begins with. */
  readonly failures: readonly string[];
  readonly wallMs: number;
  readonly costs: readonly FileCost[];
  readonly slowest: readonly { readonly name: string; readonly ms: number }[];
  /** What the processors of this machine did meanwhile. */
  readonly machine: MachineTime;
}

export interface RunTestsOptions {
  readonly root: string;
  /** For vitest. */
  readonly args: readonly string[];
  readonly seed: number;
  /** At full length. */
  readonly all: boolean;
}

export async function runTests({ root, args, seed, all }: RunTestsOptions): Promise<TestsEnded> {
  const folder = mkdtempSync(join(tmpdir(), 'sendense-report-'));
  try {
    const [reportFile, costsFile, leftFile] = ['report.json', 'costs.jsonl', 'left'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
    const began = performance.now();
    const before = machineTime();
    const { code } = await runProgram(join(root, 'node_modules/.bin/vitest'), ['run', ...reporters, ...args], {
      cwd: root,
      show: true,
      env: {
        SEED: String(seed),
        SENDENSE_TEST_COSTS: costsFile,
        SENDENSE_TEST_LEFT: leftFile,
        ...(all ? { SENDENSE_TESTS: 'all' } : {}),
        ...(await quickFork()),
      },
    });
    const report = readReport(reportFile);
    const after = machineTime();
    return {
      passed: report?.numPassedTests ?? 0,
      // A file that does not load, or something left behind, fails without a failed test.
      failed: Math.max((report?.numFailedTests ?? 0) + brokenFiles(report), code === 0 && report ? 0 : 1),
      skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
      failures: [...failures(report, root), ...leftBehind(leftFile)],
      wallMs: performance.now() - began,
      costs: readCosts(costsFile, root),
      slowest: slowest(report),
      machine: { busyMs: after.busyMs - before.busyMs, idleMs: after.idleMs - before.idleMs },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** See quick-fork.c. Without a compiler, or on another processor, the tests take longer. */
async function quickFork(): Promise<Record<string, string>> {
  if (process.arch !== 'x64') return {};
  const flags = ['-shared', '-fPIC'];
  const library = await compiled(join(import.meta.dirname, 'quick-fork.c'), flags).catch(() => null);
  return library === null ? {} : { LD_PRELOAD: library };
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return null;
  }
}

const failures = (report: Report | null, root: string): string[] =>
  (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const tests = assertionResults.filter((result) => result.status === 'failed');
    if (tests.length === 0) return status === 'failed' ? [`${file}: ${beginningOf(message)}`] : [];
    return tests.map(({ fullName, failureMessages: [said = ''] }) => `${file}: ${fullName}: ${beginningOf(said)}`);
  });

/** What `global-setup.ts` found at the end; vitest's report does not have it. */
const leftBehind = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((what) => `left behind: ${what}`)
    : [];

const beginningOf = (message: string): string => stripVTControlCharacters(message).trim().split('\n', 1)[0] ?? '';

const brokenFiles = (report: Report | null): number =>
  report?.testResults.filter((result) => result.status === 'failed' && result.assertionResults.length === 0).length ??
  0;

const slowest = (report: Report | null): { name: string; ms: number }[] =>
  (report?.testResults ?? [])
    .flatMap((result) => result.assertionResults)
    .map(({ fullName, duration = 0 }) => ({ name: fullName, ms: duration }))
    .toSorted((a, b) => b.ms - a.ms);
