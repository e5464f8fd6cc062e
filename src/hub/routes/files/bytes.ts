import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';

/**
 * What a request to the reader streams, as a stream: the reader waits while nobody takes it.
 * @param ask makes the request; its bytes go to what it is handed
 */
export function streamOf(
  ask: (onBytes: (bytes: Buffer) => Promise<void>, signal: AbortSignal) => Promise<unknown>,
): Readable {
  const gone = new AbortController();
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  stream.once('close', () => gone.abort());
  const onBytes = async (bytes: Buffer): Promise<void> => {
    if (!stream.write(bytes)) await once(stream, 'drain', { signal: gone.signal });
  };
  ask(onBytes, gone.signal).then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return stream;
}
