import { SendenseError } from '../../errors/sendense-error.ts';
import type { BootJudgeInput, BootJudgeOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';

/** So many problems are named in the error; all of them are in the report. */
const named = 3;

export const bootJudge = defineStep<BootJudgeInput, null, BootJudgeOutput>({
  uses: 'boot.judge',
  title: 'Judge',
  // What came up goes on, if the plan says so.
  afterPublish: 'failure',
  claim: () => null,
  plan: async () => ({ effects: [] }),

  async run(_context, { problems }) {
    if (problems.length === 0) return {};
    const more = problems.length > named ? `; and ${problems.length - named} more` : '';
    throw new SendenseError('boot.drill', `${problems.slice(0, named).join('; ')}${more}`);
  },
});
