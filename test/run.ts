/**
 * `npm test`: types, linter, format, unused code, then the tests. Arguments go to vitest (`npm test -- test/plan`).
 * The last line is `N passed, N failed`; a check counts as one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const program = (name: string): string => join(root, 'node_modules/.bin', name);

interface Ended {
  readonly code: number;
  readonly output: string;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. Durations in milliseconds. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly duration?: number }[];
  }[];
}

const checks: Readonly<Record<string, readonly [string, ...string[]]>> = {
  types: ['tsc', '--noEmit'],
  lint: ['oxlint', '--deny-warnings'],
  format: ['prettier', '--check', '--cache', '--log-level', 'warn', '.'],
  unused: ['knip', '--no-progress', '--no-config-hints'],
};

/** @param show whether its output goes straight to the terminal */
function run(file: string, args: readonly string[], show: boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: root,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function runChecks(): Promise<Counts> {
  const failed = await Promise.all(
    Object.entries(checks).map(async ([name, [tool, ...args]]) => {
      const started = Date.now();
      const { code, output } = await run(program(tool), args, false);
      console.log(`${code === 0 ? '✓' : '✗'} ${name.padEnd(7)} ${seconds(Date.now() - started)}`);
      if (code !== 0) console.log(`${output.trim()}\n`);
      return code !== 0;
    }),
  );
  const count = failed.filter(Boolean).length;
  return { passed: failed.length - count, failed: count, skipped: 0 };
}

async function runTests(args: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'sendense-report-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { code } = await run(program('vitest'), ['run', ...reporters, ...args], true);
    const report = readReport(file);
    if (!report) return { passed: 0, failed: 1, skipped: 0 };
    printSlowest(report);
    // A file that does not load, or something left behind, fails without a failed test.
    const failed = Math.max(report.numFailedTests + brokenFiles(report), code === 0 ? 0 : 1);
    return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return null;
  }
}

const brokenFiles = (report: Report): number =>
  report.testResults.filter((result) => result.status === 'failed' && result.assertionResults.length === 0).length;

function printSlowest(report: Report): void {
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  const slowest = tests.toSorted((a, b) => (b.duration ?? 0) - (a.duration ?? 0)).slice(0, 10);
  console.log('\nSlowest tests:');
  for (const test of slowest) console.log(`  ${seconds(test.duration ?? 0).padStart(7)}  ${test.fullName}`);
}

const checked = await runChecks();
const tested = await runTests(process.argv.slice(2));
const failed = checked.failed + tested.failed;
const skipped = tested.skipped > 0 ? `, ${tested.skipped} skipped` : '';
console.log(`\n${checked.passed + tested.passed} passed, ${failed} failed${skipped}`);
// In CI nothing may be skipped: what cannot be tested there is tested nowhere.
process.exitCode = failed > 0 || (process.env['CI'] && tested.skipped > 0) ? 1 : 0;
