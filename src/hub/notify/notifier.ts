import { setTimeout as delay } from 'node:timers/promises';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import type { Settings } from '../../schemas/types.ts';
import { addDeliverer, removeDeliverer } from '../../state/notices/channels.ts';
import type { NoticeParts } from './notice-parts.ts';
import { checkRpo } from './check-rpo.ts';
import { deliver } from './deliver.ts';

export interface NotifierOptions extends Omit<NoticeParts, 'settings'> {
  /** Those in force now; undefined: none are. */
  settings(): Settings | undefined;
  warn(message: string): void;
  /** ms between two looks at what waits. Default: 2000. */
  readonly everyMs?: number;
}

/** ms between two looks at how old the last success of each plan is. */
const rpoEveryMs = 60_000;
/** How long its end takes at most to deliver what waits, ms. */
const lastMs = 10_000;

/** Delivers notices as long as it is not disposed of: folded, tried again, and plans without a success in time. For the daemon. */
export function startNotifier(options: NotifierOptions): AsyncDisposable {
  const { state, warn, everyMs = 2000 } = options;
  const stop = new AbortController();
  /** Ends attempts under way too; whether what they sent has arrived is not known then. */
  const atOnce = new AbortController();
  const owner = thisProcess();
  addDeliverer(state, owner);
  const attempt = async (last: boolean): Promise<void> => {
    try {
      const settings = options.settings();
      if (settings) await deliver({ ...options, settings, waitMs: 0, atOnce: last, signal: atOnce.signal, warn });
    } catch (error) {
      warn(`notices: ${toSendenseError(error).message}`);
    }
  };
  const done = (async () => {
    let lastRpo = -Infinity;
    while (!stop.signal.aborted) {
      if (performance.now() - lastRpo >= rpoEveryMs) {
        lastRpo = performance.now();
        lookAtRpo(options);
      }
      await attempt(false);
      await delay(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      const timer = setTimeout(() => atOnce.abort(), lastMs);
      await done;
      removeDeliverer(state, owner);
      // Nothing waits to be folded any more; what cannot be delivered in time is for the next daemon.
      await attempt(true);
      clearTimeout(timer);
    },
  };
}

function lookAtRpo({ state, warn }: NotifierOptions): void {
  try {
    checkRpo(state);
  } catch (error) {
    warn(`notices: ${toSendenseError(error).message}`);
  }
}
