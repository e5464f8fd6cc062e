import type { StatusOutput } from '../schemas/types.ts';

const words = {
  'success': 'its last success',
  'slot': 'its schedule, which is decided until then,',
  'restore-point': 'its newest restore point',
} as const;

/** What is dated later than the clock, in a sentence. */
export function futureText({ what, plan, vm, repository, time }: StatusOutput['in_future'][number]): string {
  const name = plan ?? `${vm ?? '?'} in ${repository ?? '?'}`;
  return `${name}: ${words[what]} is dated ${new Date(time).toISOString()}, which is in the future: the clock was ahead, or is behind`;
}
