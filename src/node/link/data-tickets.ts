import { SendenseError } from '../../errors/sendense-error.ts';
import { dialData } from '../../host/ssh/dial-data.ts';
import type { SshServer } from '../../host/ssh/tunnel.ts';
import { where, type Dialled } from '../../host/ssh/tunnel-options.ts';
import type { DataAnswer, LinkRequest } from '../../schemas/types.ts';
import { answerIn } from './hub-answers.ts';

type Ticket = Extract<DataAnswer, { user: string }>;

/** Gets tickets for data connections from the hub, through the session of the link, and makes the connections. */
export interface TicketOffice {
  /** The link is up, or has broken. */
  open(isOpen: boolean): void;
  isOpen(): boolean;
  /** Takes a line of the session; false where it is about something else. */
  take(line: string): boolean;
  /** Makes the connection of that slot. Waits for the link to be up. @throws SendenseError; on abort the signal's reason */
  dial(slot: number, signal: AbortSignal): Promise<Dialled>;
}

const answerMs = 10_000;

/** @param options.say writes a line into the session */
export function ticketOffice({
  server,
  say,
}: {
  readonly server: SshServer;
  readonly say: (line: string) => void;
}): TicketOffice {
  let isOpen = false;
  let opened = Promise.withResolvers<void>();
  /** In the order of the answers; those that nobody waits for any more too. */
  const asked: PromiseWithResolvers<DataAnswer>[] = [];
  const lost = (why: string): SendenseError =>
    new SendenseError('ssh.lost', `${where(server)}, ticket for a data connection: ${why}`);
  const next = async (slot: number, signal: AbortSignal): Promise<Ticket> => {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await Promise.race([opened.promise, aborted.promise]);
      const coming = Promise.withResolvers<DataAnswer>();
      coming.promise.catch(() => {});
      asked.push(coming);
      const limit = setTimeout(() => coming.reject(lost(`no answer within ${answerMs / 1000} s`)), answerMs);
      say(JSON.stringify({ data: 'ticket', slot } satisfies LinkRequest));
      const answer = await Promise.race([coming.promise, aborted.promise]).finally(() => clearTimeout(limit));
      if (answer.ticket === null) throw lost(`the hub gives none: ${answer.reason}`);
      return answer as Ticket;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
  return {
    isOpen: () => isOpen,
    open: (now) => {
      if (now) opened.resolve();
      else if (isOpen) opened = Promise.withResolvers();
      if (!now) for (const { reject } of asked.splice(0)) reject(lost('the link broke'));
      isOpen = now;
    },
    take: (line) => {
      if (!line.startsWith('{"ticket":')) return false;
      const waiting = asked.shift();
      try {
        waiting?.resolve(answerIn<DataAnswer>('link/data-answer.json', line, where(server)));
      } catch (error) {
        waiting?.reject(error);
      }
      return true;
    },
    dial: async (slot, signal) => {
      const { ticket, user } = await next(slot, signal);
      return { socket: await dialData(server, ticket, signal), user };
    },
  };
}
