import { Transform, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { SendenseError } from '../../errors/sendense-error.ts';

/** What comes from another program is told to be of so many bytes at most, and to come within so long once it has begun. */
export interface AnswerLimits {
  readonly what: string;
  readonly mostBytes: number;
  readonly mostMs: number;
}

/**
 * Reads a text that another program sends.
 * @throws SendenseError `node.protocol` for one that is longer, `node.unreachable` for one that takes longer
 */
export async function boundedText(from: Readable, limits: AnswerLimits): Promise<string> {
  const limited = bounded(limits);
  const [body] = await Promise.all([text(limited), pipeline(from, limited)]);
  return body;
}

/** Hands on what comes, and fails as {@link boundedText} does. */
export function bounded({ what, mostBytes, mostMs }: AnswerLimits): Transform {
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
  return stream.once('close', () => clearTimeout(late));
}
