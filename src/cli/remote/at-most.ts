import { SendenseError } from '../../errors/sendense-error.ts';

/** What a hub answers at once. Fewer than were asked for would look like all. @throws SendenseError `usage` */
export function atMost(most: number, option: string, wanted: number): number {
  if (wanted <= most) return wanted;
  throw new SendenseError('usage', `${option} is ${wanted}, and with --hub ${most} are the most`, {
    remedy: 'Ask for fewer, or call the command at the hub.',
  });
}
