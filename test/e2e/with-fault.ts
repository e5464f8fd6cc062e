import type { AnyStep } from '../../src/engine/step.ts';
import type { Services } from '../../src/steps/services.ts';

/** The step with a fault `before` or `after` its effect, or as soon as it `says: WORDS` in its log. */
export const withFault = (
  step: AnyStep<Services>,
  when: string,
  fault: (signal: AbortSignal) => Promise<void>,
): AnyStep<Services> => ({
  ...step,
  async run(context, input, claim) {
    if (when === 'before') await fault(context.signal);
    const log = (message: string): void => {
      if (when === `says: ${message}`) void fault(context.signal);
      context.log(message);
    };
    const output: unknown = await step.run({ ...context, log }, input, claim);
    if (when === 'after') await fault(context.signal);
    return output;
  },
});
