import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** For which link, and which of its data connections, a ticket is. */
export interface TicketHolder {
  readonly link: string;
  readonly slot: number;
}

/** Tickets for data connections: each is good once, for a short time, and for who has asked for it. */
export interface Tickets {
  /** The one before it, for the same connection, is void. */
  issue(link: string, slot: number): string;
  take(ticket: string): TicketHolder | { readonly refused: 'unknown' | 'expired' | 'of a link that has ended' };
  /** The link has ended: its tickets are void. */
  forget(link: string): void;
}

/** How long a ticket is good, ms: from the answer on one connection to the first line on another. */
const lifeMs = 20_000;

interface Issued extends TicketHolder {
  readonly digest: Buffer;
  readonly until: number;
  readonly ended: boolean;
}

export function openTickets(now: () => number = () => performance.now()): Tickets {
  let issued: readonly Issued[] = [];
  return {
    issue: (link, slot) => {
      const ticket = randomBytes(32).toString('base64url');
      const kept = issued.filter(
        (old) => (old.link !== link || old.slot !== slot) && (!old.ended || now() < old.until),
      );
      issued = [...kept, { link, slot, digest: digestOf(ticket), until: now() + lifeMs, ended: false }];
      return ticket;
    },
    take: (ticket) => {
      const digest = digestOf(ticket);
      // All are compared, each in constant time.
      const [found] = issued.filter((entry) => timingSafeEqual(entry.digest, digest));
      if (!found) return { refused: 'unknown' };
      issued = issued.filter((entry) => entry !== found);
      const { link, slot, until, ended } = found;
      if (ended) return { refused: 'of a link that has ended' };
      return now() < until ? { link, slot } : { refused: 'expired' };
    },
    // Known for a while: who comes with one late is no stranger.
    forget: (link) => void (issued = issued.map((entry) => (entry.link === link ? { ...entry, ended: true } : entry))),
  };
}

const digestOf = (ticket: string): Buffer => createHash('sha256').update(ticket).digest();
