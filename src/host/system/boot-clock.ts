import { readFileSync } from 'node:fs';
import { bootId } from '../programs/process-identity.ts';

/** What the clock on the wall shows, and how long ago the machine was started, sleep included: nobody sets that. */
export interface ClockLook {
  readonly bootId: string;
  /** ms */
  readonly sinceBoot: number;
  /** ms since the epoch. */
  readonly now: number;
}

export function lookAtClock(): ClockLook {
  // proc_uptime(5): seconds with two decimals. process.hrtime does not count the time that the machine sleeps.
  const [seconds = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ');
  return { bootId: bootId(), sinceBoot: Math.round(Number(seconds) * 1000), now: Date.now() };
}
