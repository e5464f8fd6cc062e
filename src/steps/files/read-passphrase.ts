import { SendenseError } from '../../errors/sendense-error.ts';
import type { StepContext } from '../../engine/step.ts';
import type { Secret } from '../../schemas/types.ts';
import type { Services } from '../services.ts';

/** The passphrase that a plan names; null where it names none. @throws SendenseError `secret.unreadable` */
export async function readPassphrase(
  { services, planFolder, signal }: Pick<StepContext<Services>, 'services' | 'planFolder' | 'signal'>,
  reference: object | null | undefined,
): Promise<string | null> {
  if (!reference) return null;
  const words = await services.readSecret(reference as Secret, planFolder, signal);
  if (words !== '') return words;
  throw new SendenseError('secret.unreadable', 'passphrase: the secret is empty', {
    remedy: 'Write the passphrase of the LUKS volume into the secret that the plan names.',
  });
}
