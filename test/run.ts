/**
 * `npm test`: types, linter, format, unused code, and the tests. Arguments go to vitest (`npm test -- test/plan`), but for these:
 *
 *   --all            everything at full length (`npm run test:all`)
 *   --changed[=REF]  the tests that a change since REF can affect; default: what is not committed yet
 *   --costs          what each file cost, not only the costliest
 *   --record         keeps how long each file took, for the order of the next runs (`test/runner/timings.json`)
 *
 * The last line is `N passed, N failed`; a check counts as one.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { testsOfChange } from './runner/affected.ts';
import { runChecks } from './runner/checks.ts';
import { printCosts, printExceeded, printMachine } from './runner/print-costs.ts';
import { recordTimings } from './runner/timings.ts';
import { runTests } from './runner/run-tests.ts';

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);
const changed = words.find((word) => /^--changed(=|$)/.test(word));
const [all, everyFile, record] = ['--all', '--costs', '--record'].map((word) => words.includes(word));
const forVitest = words.filter((word) => word !== changed && !['--all', '--costs', '--record'].includes(word));

const seed = Number(process.env['SEED'] ?? randomInt(1, 2 ** 31));
if (!Number.isSafeInteger(seed)) throw new Error(`SEED=${process.env['SEED']} is no whole number`);
const again = `SEED=${seed} ${['npm', 'test', ...(words.length > 0 ? ['--', ...words] : [])].join(' ')}`;

const began = performance.now();
const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)} min`;

console.log(`random tests: SEED=${seed}`);
const files = changed === undefined ? [] : filesOfChange(changed.split('=')[1] ?? 'HEAD');
// Side by side: tests wait much of their time.
const checking = runChecks(root);
const tested =
  files === null ? null : await runTests({ root, args: [...forVitest, ...files], seed, all: all === true });
const checked = await checking;

if (tested) {
  printCosts(tested.costs, { everyFile: everyFile === true });
  printMachine(tested.costs, tested.machine);
  console.log('\nSlowest tests, in seconds:');
  for (const { name, ms } of tested.slowest.slice(0, 10)) console.log(`${(ms / 1000).toFixed(1).padStart(7)}  ${name}`);
  const whole = forVitest.length === 0 && changed === undefined;
  if (whole && !all) printExceeded(tested.costs);
  if (record) recordTimings(tested.costs);
  const ran = all ? 'everything at full length' : whole ? 'everything, repetitions shortened' : 'a part of the tests';
  console.log(
    `\nRan ${ran}: ${tested.costs.length} files in ${minutes(tested.wallMs)}, with the checks ${minutes(performance.now() - began)}.`,
  );
}
const failed = checked.failed.length + (tested?.failed ?? 0);
const skipped = tested?.skipped ?? 0;
// Once more, because whoever reads only the end of a long output wants these first.
if (failed > 0) {
  const what = [...checked.failed.map((name) => `the check ${name}`), ...(tested?.failures ?? [])];
  console.log(`\nWhat failed:\n${what.map((line) => `  ${line}`).join('\n')}`);
}
if (failed > 0) console.log(`\nThe same random tests again: ${again}`);
console.log(
  `\n${checked.passed + (tested?.passed ?? 0)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
// In CI nothing may be skipped: what cannot be tested there is tested nowhere.
process.exitCode = failed > 0 || (process.env['CI'] && skipped > 0) ? 1 : 0;

/** Test files to run; none: all of them; null: there is nothing to test. */
function filesOfChange(commit: string): string[] | null {
  const { changed: paths, tests } = testsOfChange(root, commit);
  console.log(
    `${paths.length} files differ from ${commit}: ${tests === 'all' ? 'all tests' : `${tests.length} test files`} can be affected`,
  );
  return tests === 'all' ? [] : tests.length === 0 ? null : tests;
}
