import { SendenseError } from '../../errors/sendense-error.ts';
import { distrustOf } from '../../host/trust/distrust-of.ts';

/** Why a plan file that was found in a folder does not count; null where only root and this user could have written it. */
export function distrustedPlan(file: string): SendenseError | null {
  const distrust = distrustOf(file);
  return distrust
    ? new SendenseError('plan.untrusted', `${file}: others could have written this plan: ${distrust.message}`, {
        remedy: distrust.remedy,
      })
    : null;
}
