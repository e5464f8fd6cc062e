import { SendenseError } from '../errors/sendense-error.ts';
import { describeErrors, validatorOf } from '../schemas/validator.ts';

/** Checks what goes into a step and what comes out. */
export interface StepValidator {
  /** Fills in defaults in place. @throws SendenseError `plan.invalid` */
  input(uses: string, value: unknown): void;
  /** @throws SendenseError `step.output` */
  output(uses: string, value: unknown): void;
}

/** By `schemas/steps/<uses>.json`. */
export const schemaValidator: StepValidator = {
  input(uses, value) {
    const faults = faultsOf(uses, 'input', value);
    if (faults !== null) throw new SendenseError('plan.invalid', `the inputs of ${uses} are wrong: ${faults}`);
  },
  output(uses, value) {
    const faults = faultsOf(uses, 'output', value);
    if (faults !== null)
      throw new SendenseError('step.output', `${uses} returned what its schema does not allow: ${faults}`);
  },
};

function faultsOf(uses: string, part: 'input' | 'output', value: unknown): string | null {
  const validate = validatorOf(`steps/${uses}.json#/properties/${part}`);
  return validate(value) ? null : describeErrors(validate.errors);
}
