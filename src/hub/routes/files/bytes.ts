import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';

/**
 * What a request to the reader streams, as a stream: the reader waits while nobody takes it.
 * @param ask makes the request; its bytes go to what it is handed
 * @param over.slot left when the request has ended
 * @param over.closed ends the stream, also where nobody takes from it
 */
export function streamOf(
  ask: (onBytes: (bytes: Buffer) => Promise<void>, signal: AbortSignal) => Promise<unknown>,
  { slot, closed }: { readonly slot: Disposable; readonly closed: AbortSignal },
): Readable {
  const gone = new AbortController();
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const close = (): void => void stream.destroy(closed.reason as Error);
  closed.addEventListener('abort', close, { once: true });
  stream.once('close', () => {
    closed.removeEventListener('abort', close);
    gone.abort();
  });
  const onBytes = async (bytes: Buffer): Promise<void> => {
    if (!stream.write(bytes)) await once(stream, 'drain', { signal: gone.signal });
  };
  const work = async (): Promise<void> => {
    using _slot = slot;
    await ask(onBytes, gone.signal);
  };
  work().then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return stream;
}

/** Of an answer whose head is all that is wanted. */
export const noBytes = (): Readable => Readable.from([]);

/** A JSON line. */
export const lineOf = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
