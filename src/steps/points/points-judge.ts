import { SendenseError } from '../../errors/sendense-error.ts';
import type { PointsJudgeInput, PointsJudgeOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';

/** So many problems are named in the error; all of them are in the results. */
const named = 3;

/** The files of the restore points are sound: what failed was something else. */
const bootRemedy =
  'The files are as they were backed up; only a boot failed. Look at what the guest printed, and at `boot` of the plan (`serial`, `timeout`, `firmware`, `accel`). Then verify again.';
const filesRemedy =
  'The restore point is as it was backed up; the file system in it is damaged, or a file is not as the plan expects it. `sendense-run files POINT` shows what can be read. Look at the guest, and at `files` of the plan.';

export const pointsJudge = defineStep<PointsJudgeInput, null, PointsJudgeOutput>({
  uses: 'points.judge',
  title: 'Judge',
  claim: () => null,
  plan: async () => ({ effects: [] }),

  async run(_context, { problems, boot = [], files = [] }) {
    const all = [...problems, ...boot, ...files];
    if (all.length === 0) return {};
    const more = all.length > named ? `; and ${all.length - named} more` : '';
    throw new SendenseError(
      'verify.failed',
      `${all.slice(0, named).join('; ')}${more}`,
      problems.length === 0 ? { remedy: boot.length > 0 ? bootRemedy : filesRemedy } : {},
    );
  },
});
