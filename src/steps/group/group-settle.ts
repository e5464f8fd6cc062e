import { SendenseError } from '../../errors/sendense-error.ts';
import type { GroupedRun, GroupSettleInput, GroupSettleOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';

/** So many failed VMs are named in the error; all of them stand in the result. */
const named = 5;

export const groupSettle = defineStep<GroupSettleInput, null, GroupSettleOutput>({
  uses: 'group.settle',
  title: 'Judge the runs of the group',
  claim: () => null,
  plan: async () => ({ effects: [], output: { succeeded: 0, warnings: 0 } }),

  async run(context, { runs }) {
    const failed = runs.filter(({ status }) => status !== 'succeeded');
    for (const run of runs) for (const warning of run.warnings) context.warn(`${run.vm}: ${warning}`);
    if (failed.length > 0) throw failure(runs, failed);
    return { succeeded: runs.length, warnings: runs.filter(({ warnings }) => warnings.length > 0).length };
  },
});

function failure(runs: readonly GroupedRun[], failed: readonly GroupedRun[]): SendenseError {
  const names = failed.slice(0, named).map(({ vm, message, status }) => `${vm} (${message ?? status})`);
  const more = failed.length > named ? `, and ${failed.length - named} more` : '';
  return new SendenseError(
    'group.failed',
    `${failed.length} of ${runs.length} VMs failed: ${names.join('; ')}${more}`,
    {
      details: { failed: failed.map(({ vm, run_id, message }) => ({ vm, run_id, message })) },
    },
  );
}
