import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Tickets for data connections: each is good once, for a short time, and for who has asked for it. */
export interface Tickets {
  /** The one that the holder had before is void. */
  issue(holder: string): string;
  take(ticket: string): { readonly holder: string } | { readonly refused: 'unknown' | 'expired' };
  /** Its ticket is void. */
  forget(holder: string): void;
}

/** How long a ticket is good, ms: from the answer on one connection to the first line on another. */
const lifeMs = 20_000;

export function openTickets(now: () => number = () => performance.now()): Tickets {
  const issued = new Map<string, { readonly digest: Buffer; readonly until: number }>();
  return {
    issue: (holder) => {
      const ticket = randomBytes(32).toString('base64url');
      issued.set(holder, { digest: digestOf(ticket), until: now() + lifeMs });
      return ticket;
    },
    take: (ticket) => {
      const digest = digestOf(ticket);
      // All are compared, each in constant time.
      const [found] = [...issued].filter((entry) => timingSafeEqual(entry[1].digest, digest));
      if (!found) return { refused: 'unknown' };
      const [holder, { until }] = found;
      issued.delete(holder);
      return now() < until ? { holder } : { refused: 'expired' };
    },
    forget: (holder) => void issued.delete(holder),
  };
}

const digestOf = (ticket: string): Buffer => createHash('sha256').update(ticket).digest();
