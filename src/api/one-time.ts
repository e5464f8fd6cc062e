import { createHash, randomBytes } from 'node:crypto';

export interface OneTimeOptions {
  /** How long a ticket is good that nobody uses, ms. */
  readonly validMs: number;
  /** Tickets that are good at a time; one more makes the oldest void. */
  readonly most: number;
}

/**
 * Tickets, each good for one call of one route, instead of the API's token: for a caller that is to do this and nothing else.
 * They live in memory only, and none outlives its process.
 */
export interface OneTimeTickets {
  /** A new one. @param route its id */
  issue(route: string): string;
  /** Uses a ticket up, whatever it was for. False: it is not good for this route, or no more. */
  take(ticket: string, route: string): boolean;
}

export function oneTimeTickets(
  { validMs, most }: OneTimeOptions,
  now: () => number = () => performance.now(),
): OneTimeTickets {
  /** By digest, so that how long a look takes says nothing of a ticket; the oldest first. */
  const good = new Map<string, { readonly route: string; readonly until: number }>();
  return {
    issue: (route) => {
      const ticket = randomBytes(32).toString('base64url');
      const [oldest] = good.keys();
      if (good.size >= most && oldest !== undefined) good.delete(oldest);
      good.set(digest(ticket), { route, until: now() + validMs });
      return ticket;
    },
    take: (ticket, route) => {
      const key = digest(ticket);
      const found = good.get(key);
      good.delete(key);
      return found !== undefined && found.route === route && now() < found.until;
    },
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
