import { ageMs } from '../../schemas/age-ms.ts';
import { vmOf } from '../../plan/plan-kinds.ts';
import type { Plan } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { healthOf, watchPlan } from '../../state/schedules/plan-health.ts';

/** From now on it is known whom to tell of a plan and how old its last success may be. @param file absolute */
export function watch(state: State, plan: Plan, file: string): void {
  // Who restores or keeps something by hand sees how it goes.
  if ((plan.kind === 'restore' || plan.kind === 'keep') && plan.notify === undefined && !healthOf(state, plan.name))
    return;
  watchPlan(state, {
    plan: plan.name,
    kind: plan.kind,
    vm: vmOf(plan),
    repository: 'repository' in plan ? plan.repository : null,
    file,
    notify: plan.notify,
    rpo: rpoOf(plan),
  });
}

/** ms; null: the plan has none. */
export const rpoOf = (plan: Plan): number | null => ('rpo' in plan && plan.rpo !== undefined ? ageMs(plan.rpo) : null);
