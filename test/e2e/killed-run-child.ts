/** Runs a plan and kills itself with SIGKILL before or after a step's effect: `node killed-run-child.js PLAN STEP before|after`. */
import { dirname } from 'node:path';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { withFault } from './with-fault.ts';

const [plan = '', uses = '', when = ''] = process.argv.slice(2);
const kill = async (): Promise<void> => void process.kill(process.pid, 'SIGKILL');
const steps = builtInSteps.map((step) => (step.uses === uses ? withFault(step, when, kill) : step));

await using hub = await openHub({
  startFolder: dirname(plan),
  embeddedNode: startNode,
  steps: new Map(steps.map((step) => [step.uses, step])),
});
await hub.run({ file: plan });
