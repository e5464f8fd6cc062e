import { limitPerMinute } from '../../host/net/limit-per-minute.ts';
import type { HubLog } from '../hub-log.ts';

/** Lines that one origin may cause in a minute: enough to see what goes on, too few to fill a disk. */
const linesPerMinute = 30;

/** Writes a warning that somebody else is the cause of. @param origin whoever it is: a node, or an address */
export type Warn = (log: Pick<HubLog, 'warn'>, origin: string, facts: object, message: string) => void;

/** Warnings beyond so many of one origin are not written; the figures count all. */
export function limitedWarnings(): Warn {
  const take = limitPerMinute(linesPerMinute);
  return (log, origin, facts, message) => {
    const { allowed, first, retrySeconds } = take(origin);
    if (allowed) log.warn(facts, message);
    else if (first)
      log.warn({ origin }, `the hub counts more of the same origin, and does not log it for ${retrySeconds} s`);
  };
}
