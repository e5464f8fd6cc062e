import type { BackupPlan, IncrementalPlan, Plan } from '../schemas/types.ts';

/** Plans that make a restore point of one VM. */
export const isBackup = (plan: Plan): plan is BackupPlan | IncrementalPlan =>
  plan.kind === 'backup' || plan.kind === 'incremental';

/** The VM that a plan is about; `*` where it is about several. */
export function vmOf(plan: Plan): string {
  if (isBackup(plan) || plan.kind === 'restore' || plan.kind === 'keep') return plan.vm.name;
  const [vm = '*', ...others] = plan.kind === 'verify' ? (plan.vms ?? []) : [];
  return others.length === 0 && !isVmPattern(vm) ? vm : '*';
}

/** Whether a name of a VM stands for several: `*` is any characters, `?` is one. */
export const isVmPattern = (vm: string): boolean => /[*?]/.test(vm);
