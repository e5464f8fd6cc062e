import type { StepDefinition } from '../engine/step.ts';
import type { Services } from './services.ts';

/** Names the types of a built-in step once. Input and output are those of `schemas/steps/<uses>.json`. */
export const defineStep = <I, C, O>(step: StepDefinition<Services, I, C, O>): StepDefinition<Services, I, C, O> => step;
