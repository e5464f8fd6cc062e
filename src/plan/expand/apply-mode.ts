import { SendenseError } from '../../errors/sendense-error.ts';
import type { BackupPlan, IncrementalPlan, Plan } from '../../schemas/types.ts';
import { isBackup } from '../plan-kinds.ts';

export type Mode = 'auto' | 'full' | 'incremental';

/** `--mode` of the command line: the plan as if it had been written with that mode. A copy; usage error for a kind that makes no backup. */
export function applyMode(plan: Plan, mode: Mode): Plan {
  if (!isBackup(plan)) {
    throw new SendenseError('usage', `--mode ${mode} has no meaning for the ${plan.kind} plan ${plan.name}`, {
      remedy: 'Remove --mode.',
    });
  }
  if (mode === 'incremental') {
    if (plan.kind === 'incremental') return { ...plan };
    const { mode: _mode, ...rest } = plan;
    return { ...rest, kind: 'incremental', onNoParent: 'refuse' } as IncrementalPlan;
  }
  if (plan.kind === 'backup') return { ...plan, mode };
  const { onNoParent: _onNoParent, ...rest } = plan;
  return { ...rest, kind: 'backup', mode } as BackupPlan;
}
