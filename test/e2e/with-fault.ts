import type { AnyStep } from '../../src/engine/step.ts';
import type { Services } from '../../src/steps/services.ts';

/** The step with a fault `before` or `after` its effect. */
export const withFault = (
  step: AnyStep<Services>,
  when: string,
  fault: (signal: AbortSignal) => Promise<void>,
): AnyStep<Services> => ({
  ...step,
  async run(context, input, claim) {
    if (when === 'before') await fault(context.signal);
    const output: unknown = await step.run(context, input, claim);
    if (when === 'after') await fault(context.signal);
    return output;
  },
});
