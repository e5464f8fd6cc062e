import type { Call } from '../../../api/route.ts';
import { toSendenseError } from '../../../errors/sendense-error.ts';
import type { StartablePlan } from '../../acts/acts.ts';
import type { HubParts } from '../route.ts';

/**
 * A plan that has run or is scheduled, or, where plans are edited over HTTP, that a valid file of their folder has.
 * @throws SendenseError `plan.unknown`
 */
export async function startablePlan(
  { hub }: Pick<Call<HubParts>['parts'], 'hub'>,
  name: string,
): Promise<StartablePlan> {
  try {
    return hub.acts.plan(name);
  } catch (error) {
    const { editable, planNamed } = hub.planFiles;
    const isUnknown = toSendenseError(error).code === 'plan.unknown';
    const found = isUnknown && editable ? await planNamed(name) : undefined;
    if (found) return found;
    throw error;
  }
}
