import type { Signs } from '../restore-points/verify/watch-guest.ts';
import type { StartCheck } from '../schemas/types.ts';
import { parseDuration } from '../time/duration.ts';

/** By what a guest counts as up: what is named, else its picture. */
export function signsOf({ serial, agent, picture }: Pick<StartCheck, 'serial' | 'agent' | 'picture'>): Signs {
  const mark = serial?.mark ?? null;
  const wantsPicture = picture !== undefined || (mark === null && !agent);
  return { serial: mark, agent, stillMs: wantsPicture ? parseDuration(picture?.still ?? '20s') : null };
}
