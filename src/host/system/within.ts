import { setTimeout as delay } from 'node:timers/promises';

/** What work answers, if it does so in time, ms. It goes on. @returns null: it has not ended by then */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const over = new AbortController();
  try {
    return await Promise.race([work, delay(ms, null, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
