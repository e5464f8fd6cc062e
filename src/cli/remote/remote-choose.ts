import type { ChooseFilter } from '../../hub/hub.ts';
import type { HubPointChosen } from '../../schemas/types.ts';
import { pointChoice } from '../point-option.ts';
import type { HubConnection } from './hub-connection.ts';

type Wanted = Pick<ChooseFilter, 'vm' | 'identity' | 'choice'> & { readonly repository?: string | undefined };

/** Which restore point is meant. @throws SendenseError `point.unknown`, and what else the hub says */
export const chooseAt = (hub: HubConnection, { vm, repository, choice, identity }: Wanted): Promise<HubPointChosen> =>
  hub.ask<HubPointChosen>('/api/v1/backups/choose', {
    method: 'POST',
    body: { vm_name: vm, repository, point: choice, identity },
  });

/**
 * A word that means the same at the hub: a time without a zone is one of this machine.
 * @throws SendenseError `usage`, `point.unknown`
 */
export async function pointForHub(hub: HubConnection, words: string, wanted: Omit<Wanted, 'choice'>): Promise<string> {
  const choice = pointChoice(words);
  return typeof choice === 'string' ? choice : (await chooseAt(hub, { ...wanted, choice })).backup_id;
}

/** Words that mean the same at the hub, as far as words can: a day stays a day of the hub. @throws SendenseError `usage` */
export function absolute(words: string): string {
  const choice = pointChoice(words);
  if (typeof choice === 'string') return choice;
  if ('at' in choice) return choice.at;
  return choice.from === undefined ? `before ${choice.before}` : words;
}
