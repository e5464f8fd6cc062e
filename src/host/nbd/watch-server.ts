import { setTimeout as delay } from 'node:timers/promises';
import { connectNbd, type NbdClient } from './nbd-client.ts';
import { parseNbdUri } from './nbd-uri.ts';

export interface WatchedServer extends AsyncDisposable {
  /** Aborts with `nbd.lost`. */
  readonly lost: AbortSignal;
}

export interface WatchOptions {
  /** Its pre-shared key; null: it has none. */
  readonly psk: string | null;
  /** A number that grows as long as the program gets on. */
  readonly moved: () => number;
  readonly signal?: AbortSignal | undefined;
  /** How often the server is asked, ms. Default 10 000. */
  readonly everyMs?: number;
  /** How long it may be silent, ms, and then for how long the program may stand still. Default 60 000. */
  readonly silenceMs?: number;
}

/**
 * Watches a server that a program reads from which would wait for it without end, as nbdcopy does: libnbd sets no TCP keep-alive, and
 * has no time limit. A connection of our own asks the server again and again. Where it is lost, that of the program may live on, so the
 * program has time to get on. No line is in between at a Unix socket, so nothing is watched there.
 * @throws SendenseError `nbd.lost`
 */
export async function watchServer(uri: string, options: WatchOptions): Promise<WatchedServer> {
  const { psk, moved, everyMs = 10_000, silenceMs = 60_000 } = options;
  const [ended, lost] = [new AbortController(), new AbortController()];
  if (parseNbdUri(uri)?.kind === 'unix') return { lost: lost.signal, [Symbol.asyncDispose]: async () => {} };
  const signal = AbortSignal.any([ended.signal, ...(options.signal ? [options.signal] : [])]);
  const connect = (): Promise<NbdClient> => connectNbd(uri, { psk, silenceMs, signal });
  let client: NbdClient | null = await connect();
  const watch = async (): Promise<void> => {
    for (;;) {
      await delay(everyMs, undefined, { signal });
      try {
        client ??= await connect();
        await client.read(0, Buffer.alloc(Math.min(512, client.size)));
      } catch (why) {
        await client?.[Symbol.asyncDispose]();
        client = null;
        const before = moved();
        await delay(silenceMs, undefined, { signal });
        if (moved() === before) return lost.abort(why);
      }
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!signal.aborted) lost.abort(error);
  });
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await watching;
      await client?.[Symbol.asyncDispose]();
    },
  };
}
