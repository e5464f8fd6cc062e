import { toSendenseError } from '../errors/sendense-error.ts';
import type { Hub } from '../hub/hub.ts';
import { nameOfUser } from './name-of-user.ts';

/** Does what a command changes at the hub, and writes down in the audit log who did it and how it ended. */
export async function noted<T>(
  { audit }: Pick<Hub, 'audit'>,
  action: string,
  facts: Readonly<Record<string, string>>,
  act: () => Promise<T> | T,
): Promise<T> {
  const end = audit.begin({ who: nameOfUser(), caller: 'command', address: null, action, facts });
  try {
    const result = await act();
    end();
    return result;
  } catch (error) {
    end({ error: toSendenseError(error).code });
    throw error;
  }
}
