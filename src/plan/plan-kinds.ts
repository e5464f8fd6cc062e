import type { BackupPlan, IncrementalPlan, Plan } from '../schemas/types.ts';

/** Plans that make a restore point of one VM. */
export const isBackup = (plan: Plan): plan is BackupPlan | IncrementalPlan =>
  plan.kind === 'backup' || plan.kind === 'incremental';

/** The VM that a plan is about; `*` where it is about several. */
export const vmOf = (plan: Plan): string =>
  isBackup(plan) || plan.kind === 'restore' || plan.kind === 'keep' ? plan.vm.name : '*';
