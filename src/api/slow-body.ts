import { PassThrough, type Readable } from 'node:stream';
import type { ApiLimits } from './limits.ts';
import { httpError } from './error-answer.ts';

const graceMs = 1000;

/**
 * The body of a request, which fails with status 408 where it takes too long: JSON as a whole, bytes that stream in when
 * they pause. The server's own limit for requests cannot tell the two apart.
 */
export function impatient(body: Readable, streams: boolean, limits: ApiLimits): Readable {
  const ms = streams ? limits.uploadSilenceMs : limits.bodyMs;
  const late = (): void =>
    void through.destroy(
      httpError(408, `the body ${streams ? 'paused for' : 'was not complete after'} ${ms / 1000} s`),
    );
  const through = new PassThrough();
  let last: NodeJS.Timeout | undefined;
  // A process that was itself held up has bytes waiting that it has not looked at yet.
  const timer = setTimeout(() => (last = setTimeout(late, graceMs).unref()), ms).unref();
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(last);
  };
  // Silence is the sender's: who reads may be slow itself.
  if (streams)
    body.on('data', () => {
      clearTimeout(last);
      timer.refresh();
    });
  body.on('end', stop).on('error', (error) => through.destroy(error));
  body.on('close', () => {
    stop();
    if (!body.readableEnded) through.destroy(httpError(400, 'the connection ended in the middle of the body'));
  });
  // A request that was refused has nobody who reads its body, or hears how it ended.
  through.on('error', () => {}).on('close', stop);
  return body.pipe(through);
}
