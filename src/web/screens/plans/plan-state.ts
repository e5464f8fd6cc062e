import type { HubPlan } from '../../../schemas/types.ts';
import { planLooks } from '../../design/looks.ts';
import type { Look } from '../../design/status-mark.tsx';

/** How it goes with a plan; null: the hub has only seen its file. */
export function planLook(plan: HubPlan | null): Look {
  if (plan === null) return planLooks.new;
  if (plan.schedule?.error) return planLooks.invalid;
  if (plan.schedule?.paused) return planLooks.paused;
  return planLooks[plan.health?.state ?? 'new'];
}
