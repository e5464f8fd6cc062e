import { Transform, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * What comes from another program is told to be of so many bytes at most, and to come within so long once it has begun, and at a
 * least rate.
 */
export interface AnswerLimits {
  readonly what: string;
  readonly mostBytes: number;
  readonly mostMs: number;
  /** So many bytes in each such time, for as long as we wait for more; default {@link leastRate}. */
  readonly least?: LeastRate;
}

export interface LeastRate {
  readonly bytes: number;
  readonly inMs: number;
}

/** Nine kbit/s: no line over which a backup is possible is as slow. */
export const leastRate: LeastRate = { bytes: 64 * 1024, inMs: 60_000 };

/**
 * Reads a text that another program sends.
 * @throws SendenseError `node.protocol` for one that is longer, `node.unreachable` for one that takes longer or drips
 */
export async function boundedText(from: Readable, limits: AnswerLimits): Promise<string> {
  const limited = bounded(limits);
  const [body] = await Promise.all([text(limited), pipeline(from, limited)]);
  return body;
}

/** Reads a text of so many bytes at most, however long it takes. @param tooLong the error for a longer one */
export async function shortText(from: Readable, mostBytes: number, tooLong: () => Error): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of from as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBytes) throw tooLong();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Hands on what comes, and fails as {@link boundedText} does. */
export function bounded({ what, mostBytes, mostMs, least = leastRate }: AnswerLimits): Transform {
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= mostBytes) return done(null, chunk);
      const message = `${what}: the answer has more than ${mostBytes} bytes, which none can have`;
      done(new SendenseError('node.protocol', message));
    },
  });
  const late = setTimeout(() => {
    const message = `${what}: the answer was not complete after ${mostMs / 1000} s`;
    stream.destroy(new SendenseError('node.unreachable', message));
  }, mostMs);
  late.unref();
  const watch = watchRate(stream, () => bytes, what, least);
  return stream.once('close', () => {
    clearTimeout(late);
    clearInterval(watch);
  });
}

/** How often in the time of a least rate we look who waits for whom. */
const looks = 12;

/** Whether who reads has not taken yet what came: it is in our buffer, or a pipe holds it back. */
const isWaitedFor = (stream: Transform): boolean =>
  stream.readableLength > 0 || (stream.readableFlowing === false && stream.listenerCount('readable') === 0);

/** Ends a stream that gets less than the least rate. While our own side has not taken what came, nobody is late. */
function watchRate(stream: Transform, bytesNow: () => number, what: string, least: LeastRate): NodeJS.Timeout {
  let [before, waited] = [0, 0];
  const look = (): void => {
    const bytes = bytesNow();
    if (isWaitedFor(stream) || bytes - before >= least.bytes) {
      [before, waited] = [bytes, 0];
      return;
    }
    if (++waited < looks) return;
    const message = `${what}: the answer comes too slowly: ${bytes - before} bytes in the last ${least.inMs / 1000} s`;
    stream.destroy(new SendenseError('node.unreachable', message));
  };
  return setInterval(look, least.inMs / looks).unref();
}
