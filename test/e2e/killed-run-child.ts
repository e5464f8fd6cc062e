/** Runs a plan and sends itself a signal (default: SIGKILL) before or after a step's effect, or when it says something: `node killed-run-child.js PLAN STEP before|after|"says: WORDS" [SIGNAL]`. */
import { flushCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { withFault } from './with-fault.ts';

const [plan = '', uses = '', when = '', signal = 'SIGKILL'] = process.argv.slice(2);
const kill = async (): Promise<void> => {
  // Who is killed does not keep what it has compiled for the next one.
  flushCompileCache();
  process.kill(process.pid, signal);
};
const steps = builtInSteps.map((step) => (step.uses === uses ? withFault(step, when, kill) : step));

await using hub = await openHub({
  startFolder: dirname(plan),
  embeddedNode: startNode,
  steps: new Map(steps.map((step) => [step.uses, step])),
});
const { exit_code: exitCode, error, undo_errors: more } = await hub.run({ file: plan });
for (const one of error ? [error, ...more] : more) process.stderr.write(`${one.code}: ${one.message}\n`);
process.exitCode = exitCode;
