import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { breakOf, openNbdConnection, type NbdConnection, type NbdOptions } from './nbd-connection.ts';
import { waysTo, type ExportFacts } from './nbd-protocol.ts';
import { parseNbdUri } from './nbd-uri.ts';

/** How to hold on to a server: plain data, so that it can be given to a thread. */
export interface LinkOptions {
  /** How long a break of the network may last, ms. Default 0: every break is the end. */
  readonly reconnectMs?: number | undefined;
  /**
   * No sign of life for so long is a break, ms; doubled as long as nothing is answered after it. Default 20 000; where every break is
   * the end 120 000, and never for a server at a Unix socket.
   */
  readonly silenceMs?: number | undefined;
  /** Time limit of one attempt to connect, ms. Default 10 000 where breaks are outlived, else 30 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The pre-shared key of an `nbds:` address, hex. A secret. */
  readonly psk?: string | null | undefined;
  /**
   * Other hosts at which the server answers, with the port of its URI. They are tried in turn with that of the
   * URI, as soon as it is known what the server says of itself: that tells it from others.
   */
  readonly addresses?: readonly string[] | undefined;
  /** For a connection beside a first one: the server as that found it, and with which of the hosts to begin (0: that of the URI). */
  readonly beside?: { readonly server: ExportFacts; readonly nth: number } | undefined;
  /** After how long at another host the first one is tried again, ms. Default 60 000. */
  readonly homeMs?: number | undefined;
}

export interface LastingOptions extends NbdOptions, LinkOptions {
  /** Told when the connection breaks, and when it is there again. */
  readonly onLink?: ((event: LinkEvent) => void) | undefined;
}

export type LinkEvent = { readonly state: 'lost'; readonly why: string } | { readonly state: 'back' };

const attemptMs = 10_000;
const pauses = { first: 100, last: 2000 };
/** A slow server gets no second chance there, so it gets more time. */
const silenceAtOnceMs = 120_000;
/** How many times the silence a server may be silent that makes connections and answers nothing over them. */
const mostPatience = 32;

/** No line is in between at a Unix socket. */
const silenceWithoutReconnect = (uri: string): number | undefined =>
  parseNbdUri(uri)?.kind === 'unix' ? undefined : silenceAtOnceMs;

/**
 * A connection that outlives breaks: it is made again within `reconnectMs`, and what was not answered is asked again. That
 * is right for all that we ask: reads and block status change nothing, and a write or zeros that the server did perform
 * may be performed again, because no place is written to twice with different bytes. A write that was answered lies
 * with the server, which must be the same process as before: its size, its flags, and its description, which must have
 * words that no other process has (`nbd.serve` gives them); without a description a break is the end. One flush then
 * covers what went over the broken connection, too: qemu-nbd has one cache for all of its clients. What the broken
 * connection still has under way may arrive late, with the bytes that are there already, as long as nobody writes others.
 * @throws SendenseError as `openNbdConnection`; `nbd.lost` when the time is over, or the server is not known to be the same
 */
export async function openLastingConnection(uri: string, who: string, options: LastingOptions): Promise<NbdConnection> {
  const {
    reconnectMs = 0,
    onLink,
    silenceMs = 20_000,
    signal,
    addresses = [],
    beside,
    homeMs = 60_000,
    ...rest
  } = options;
  if (reconnectMs === 0)
    return openNbdConnection(uri, who, {
      ...rest,
      signal,
      silenceMs: options.silenceMs ?? silenceWithoutReconnect(uri),
    });

  const disposed = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, disposed.signal]) : disposed.signal;
  /** Undefined: that of the URI. */
  const hosts = [undefined, ...addresses];
  /** How many times `silenceMs`. */
  let patience = 1;
  /** Since when nothing was answered, for all the attempts; null: the last thing that came was an answer. */
  let lostAt: number | null = null;
  let attempts = 0;
  let server: ExportFacts | null = beside?.server ?? null;
  const ways = (): number => waysTo(server, addresses);
  const home = (): number => (beside?.nth ?? 0) % ways();
  let wasThere = false;
  /** That the first connection could not be made. */
  let told = false;

  const attempt = async (way: number, connectTimeoutMs: number): Promise<Used> => {
    const host = hosts[way];
    const limits = { connectTimeoutMs, silenceMs, patience: () => patience };
    const connection = await openNbdConnection(uri, who, { ...rest, ...limits, host, signal: stopped });
    if (server === null || isSame(server, connection.facts))
      return { connection, way, since: performance.now(), busy: 0, onIdle: () => {} };
    await connection[Symbol.asyncDispose]();
    throw otherServer(who);
  };

  const dial = async (): Promise<Used> => {
    lostAt ??= performance.now();
    for (let last: unknown = null; ;) {
      const left = lostAt + reconnectMs - performance.now();
      if (left <= 0) throw tooLong(who, reconnectMs, last);
      const way = (home() + attempts) % ways();
      const round = Math.floor(attempts / ways());
      if (round > 0 && attempts % ways() === 0)
        await pause(Math.min(left, pauses.last, pauses.first * 2 ** (round - 1)), stopped);
      attempts++;
      try {
        return await attempt(way, Math.min(rest.connectTimeoutMs ?? attemptMs, Math.max(left, 1000)));
      } catch (error) {
        stopped.throwIfAborted();
        if (way > 0) {
          // Whatever answers there.
          last ??= error;
          continue;
        }
        // In the midst of a break even the agreement on the encryption can break off.
        if (breakOf(error) === null && !(wasThere && isEncryption(error))) throw error;
        if (!wasThere && !told) {
          told = true;
          onLink?.({ state: 'lost', why: (error as Error).message });
        }
        last = error;
      }
    }
  };

  let current = await dial();
  if (told) onLink?.({ state: 'back' });
  const { facts } = current.connection;
  [server, wasThere] = [facts, true];
  [lostAt, attempts] = [null, 0];
  /** One dials for all requests that wait; once in vain is for ever. */
  let dialing: Promise<void> | null = null;
  let returning: Promise<void> | null = null;
  let closed = false;

  const dialAgain = async (why: unknown): Promise<void> => {
    if (facts.description === null) throw nameless(who, why);
    onLink?.({ state: 'lost', why: (why as Error).message });
    if (breakOf(why) === 'silent') {
      // It had answered the handshake: the network was there, and the time counts from now.
      lostAt = null;
      patience *= 2;
      if (patience > mostPatience) throw why;
    }
    current = await dial();
    dialing = null;
    onLink?.({ state: 'back' });
  };

  /** What broke together must not stay together at the host that was there first. What is under way ends where it began. */
  const goHome = async (): Promise<void> => {
    const away = current;
    try {
      const back = await attempt(home(), attemptMs);
      // Where it broke meanwhile, that has been mended, or is being mended.
      if (current !== away || dialing !== null || closed) return await back.connection[Symbol.asyncDispose]();
      current = back;
      if (away.busy > 0) await new Promise<void>((resolve) => (away.onIdle = resolve));
      await away.connection[Symbol.asyncDispose]();
    } catch {
      away.since = performance.now();
    } finally {
      returning = null;
    }
  };

  return {
    facts,
    failure: current.connection.failure,
    async request(...what) {
      for (;;) {
        if (dialing !== null) await dialing;
        const used = current;
        const asked = performance.now();
        if (used.way !== home() && asked - used.since > homeMs) returning ??= goHome();
        used.busy++;
        try {
          const answer = await used.connection.request(...what);
          // What is left behind says nothing of the one that is being made.
          if (used === current) [lostAt, attempts] = [null, 0];
          // A server that was only slow is left the time that it needs; after a break of the network that is over.
          patience = Math.max(1, Math.min(patience, (2 * (performance.now() - asked)) / silenceMs));
          return answer;
        } catch (error) {
          if (breakOf(error) === null || stopped.aborted || closed) throw error;
          if (current === used) dialing ??= quietly(dialAgain(error));
        } finally {
          if (--used.busy === 0) used.onIdle();
        }
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      if (dialing !== null || returning !== null)
        disposed.abort(new SendenseError('nbd.lost', `${who}: the connection is closed`));
      await dialing?.catch(() => {});
      await returning;
      await current.connection[Symbol.asyncDispose]();
    },
  };
}

interface Used {
  readonly connection: NbdConnection;
  /** Which of the hosts it goes to. */
  readonly way: number;
  /** When it was made, or the way home was tried last, ms. */
  since: number;
  /** Requests that are not answered. */
  busy: number;
  onIdle(): void;
}

/** Whoever waits for it hears of its failure. */
function quietly(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Many connections break at once, and need not come back at once.
  await delay(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted());
}

const isEncryption = (error: unknown): boolean => error instanceof SendenseError && error.code === 'nbd.encryption';

const isSame = (a: ExportFacts, b: ExportFacts): boolean =>
  a.size === b.size && a.flags === b.flags && a.description === b.description && a.maxRequest === b.maxRequest;

const tooLong = (who: string, reconnectMs: number, last: unknown): SendenseError => {
  const why = last instanceof Error ? `: ${last.message.replace(`${who}: `, '')}` : '';
  return new SendenseError(
    'nbd.lost',
    `${who}: the connection broke and did not come back within ${reconnectMs / 1000} s${why}`,
    {
      cause: last,
    },
  );
};

const nameless = (who: string, why: unknown): SendenseError =>
  new SendenseError(
    'nbd.lost',
    `${(why as Error).message}; ${who} has no description, by which it could be told from one that was started anew`,
    { cause: why },
  );

const otherServer = (who: string): SendenseError =>
  new SendenseError(
    'nbd.lost',
    `${who}: after a break another server answered; what the first one had not stored yet is missing`,
  );
