/**
 * Runs a plan with one fault: `node faulty-run.ts PLAN STEP before|after throw|kill|cancel`.
 * `throw`: the step fails; `kill`: the process kills itself with SIGKILL; `cancel`: it sends itself SIGTERM.
 * Prints the run.finished event, if there is one.
 */
import { dirname } from 'node:path';
import type { AnyStep } from '../../src/engine/step.ts';
import { installSignals } from '../../src/engine/install-signals.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import type { Services } from '../../src/steps/services.ts';

const [plan = '', stepUses = '', when = '', how = ''] = process.argv.slice(2);

async function fault(signal: AbortSignal): Promise<void> {
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  if (how === 'throw') throw new SendenseError('tool.failed', `fault ${when} ${stepUses}`);
  process.kill(process.pid, 'SIGTERM');
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  await promise;
}

function withFault(step: AnyStep<Services>): AnyStep<Services> {
  if (step.uses !== stepUses) return step;
  return {
    ...step,
    async run(context, input, claim) {
      if (when === 'before') await fault(context.signal);
      const output: unknown = await step.run(context, input, claim);
      if (when === 'after') await fault(context.signal);
      return output;
    },
  };
}

using signals = installSignals();
await using hub = await openHub({
  startFolder: dirname(plan),
  embeddedNode: startNode,
  steps: new Map(builtInSteps.map((step) => [step.uses, withFault(step)])),
});
const finished = await hub.run({ file: plan, cancel: signals });
console.log(JSON.stringify(finished));
process.exitCode = finished.exit_code;
