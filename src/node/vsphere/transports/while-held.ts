import { setTimeout as delay } from 'node:timers/promises';

/** For how long a disk may stay held that nobody writes to, ms. */
const heldMs = 15_000;
const againMs = 500;
/** The refusal comes by a socket, the reason by a pipe: for so long the reason may come later, ms. */
const reasonMs = 250;

/**
 * The connection that looked whether the disk opens may hold its lock for a while after it has ended: VMware's library closes a disk when it
 * likes. Tried again only where no byte was written.
 * @param isHeld whether that is why it failed
 */
export async function whileHeld<T>(
  act: () => Promise<T>,
  isHeld: () => boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  const until = performance.now() + heldMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      await pause(reasonMs, signal);
      if (!isHeld() || performance.now() > until) throw error;
    }
    await pause(againMs, signal);
  }
}

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  delay(ms, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
