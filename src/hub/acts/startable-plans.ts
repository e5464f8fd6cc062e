import { SendenseError } from '../../errors/sendense-error.ts';
import { isBackupKind } from '../../plan/backup-kinds.ts';
import type { State } from '../../state/database/open-state.ts';
import { listRuns, type RunRecord } from '../../state/runs/runs.ts';
import { findSchedule, listSchedules, type ScheduleRecord } from '../../state/schedules/schedules.ts';
import { watchedPlans } from '../../state/schedules/plan-health.ts';
import type { Acts, StartablePlan } from './acts.ts';

/** Plans that the hub has seen: scheduled ones, and those that were run from a file. */
export const startablePlans = (state: State): Pick<Acts, 'plan' | 'planOfVm'> => ({
  plan(name) {
    const found = scheduled(findSchedule(state, name)) ?? ran(lastRun(state, name));
    if (found) return found;
    throw new SendenseError('plan.unknown', `the hub knows no plan ${name}`, { details: { field: 'plan' } });
  },

  planOfVm(vm, repository) {
    const known = backupPlans(state).filter((plan) => plan.vm === vm);
    const fitting = known.filter((plan) => repository === undefined || plan.repository === repository);
    const [plan, other] = fitting;
    if (plan && !other) return plan;
    if (plan)
      throw new SendenseError(
        'request.invalid',
        `several plans back up ${vm}: ${fitting.map((one) => one.plan).join(', ')}`,
        {
          remedy: 'Name one of them: `policy_id`.',
          details: { field: 'policy_id' },
        },
      );
    throw known.length > 0
      ? new SendenseError('plan.unknown', `no plan backs up ${vm} into repository ${repository}`, {
          remedy: `${known.map((one) => `${one.plan} backs it up into ${one.repository}`).join('; ')}. Leave out \`repository_id\`, or write a plan.`,
          details: { field: 'repository_id' },
        })
      : new SendenseError('plan.unknown', `no plan that the hub knows backs up ${vm}`, {
          remedy: 'Write a plan (`sendense-run discover SOURCE --write`), and run it once or let the daemon read it.',
          details: { field: 'vm_name' },
        });
  },
});

function backupPlans(state: State): StartablePlan[] {
  const plans = new Map<string, StartablePlan>();
  for (const { plan, kind, vm, repository, file } of watchedPlans(state))
    plans.set(plan, { plan, kind, vm, repository, file, scheduled: false });
  for (const record of listSchedules(state)) {
    const plan = scheduled(record);
    if (plan) plans.set(plan.plan, plan);
  }
  return [...plans.values()].filter(({ kind }) => isBackupKind(kind));
}

function scheduled(record: ScheduleRecord | undefined): StartablePlan | undefined {
  if (!record?.facts || record.removed !== null) return undefined;
  const { kind, vm, repository } = record.facts;
  return { plan: record.plan, kind, vm, repository, file: record.file, scheduled: true };
}

/** What a command made of its options is no plan of a file, and neither is what a group made of its own for one of its VMs. */
const lastRun = (state: State, plan: string): RunRecord | undefined =>
  listRuns(state, { plan, limit: 50 }).find(
    ({ trigger, parentRun }) => trigger !== 'command' && trigger !== 'group' && parentRun === null,
  );

const ran = (run: RunRecord | undefined): StartablePlan | undefined =>
  run && {
    plan: run.plan,
    kind: run.kind,
    vm: run.vm,
    repository: run.repository,
    file: run.planFile,
    scheduled: false,
  };
