import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** What is looked at without running it. */
const checks: Readonly<Record<string, readonly [string, ...string[]]>> = {
  // Several checkers work out the same types, each for itself: two cores gain nothing, and it takes twice the processor time.
  types: ['tsc', '--noEmit', '--singleThreaded'],
  page: ['tsc', '--noEmit', '-p', 'src/web'],
  lint: ['oxlint', '--deny-warnings'],
  format: ['oxfmt', '--check'],
  unused: ['knip', '--no-progress', '--no-config-hints'],
};

/** Says of each check how it went as soon as it ends. @returns names of those that failed, and how many passed */
export async function runChecks(root: string): Promise<{ passed: number; failed: string[] }> {
  const failed: string[] = [];
  await Promise.all(
    Object.entries(checks).map(async ([name, [tool, ...args]]) => {
      const began = performance.now();
      const { code, output } = await runProgram(join(root, 'node_modules/.bin', tool), args, { cwd: root });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${code === 0 ? '✓' : '✗'} ${name.padEnd(7)} ${seconds} s`);
      if (code === 0) return;
      console.log(`${output.trim()}\n`);
      failed.push(name);
    }),
  );
  return { passed: Object.keys(checks).length - failed.length, failed };
}
