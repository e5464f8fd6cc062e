import type { Socket } from 'node:net';

export interface OpeningOptions {
  readonly withinMs: number;
  /** The error when that time is over. */
  readonly late: () => Error;
  readonly signal: AbortSignal | undefined;
}

/** A socket once `open` resolves. Where that rejects, takes too long or is aborted (with the signal's reason), it is destroyed. */
export async function untilOpen(
  socket: Socket,
  open: Pick<PromiseWithResolvers<void>, 'promise' | 'reject'>,
  { withinMs, late, signal }: OpeningOptions,
): Promise<Socket> {
  const abort = (): void => open.reject(signal?.reason);
  const limit = setTimeout(() => open.reject(late()), withinMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await open.promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', abort);
  }
}
