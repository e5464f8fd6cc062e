import { toSendenseError, type SendenseError } from '../errors/sendense-error.ts';

export type Settled<T> =
  | { readonly ok: true; readonly value: T }
  /** `stuck`: the work did not end; it may still be going on. */
  | { readonly ok: false; readonly error: SendenseError; readonly stuck: boolean };

/**
 * Waits for work that was given `signal`. Once that aborts, the abort's reason is the error to end with, whatever the
 * work throws (a killed program says less than why it was killed), and after `graceMs` more nobody waits any longer.
 * Work that ends well in spite of the abort has ended well.
 */
export async function settle<T>(work: () => Promise<T>, signal: AbortSignal, graceMs: number): Promise<Settled<T>> {
  if (signal.aborted) return { ok: false, error: toSendenseError(signal.reason), stuck: false };
  const { promise: tooLong, resolve } = Promise.withResolvers<Settled<T>>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    const stuck = { ok: false, error: toSendenseError(signal.reason), stuck: true } as const;
    timer = setTimeout(() => resolve(stuck), graceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([outcomeOf(work, signal), tooLong]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

async function outcomeOf<T>(work: () => Promise<T>, signal: AbortSignal): Promise<Settled<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: toSendenseError(signal.aborted ? signal.reason : error), stuck: false };
  }
}
