import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export interface JobLog extends AsyncDisposable {
  /** One line of what happens. Never secrets. */
  write(level: 'info' | 'warn' | 'error', message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** JSON lines with `time` (milliseconds since the epoch), `level`, `message`. A log that cannot be written stops nothing. */
export function openJobLog(file: string): JobLog {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  stream.on('error', () => {});
  return {
    write: (level, message, facts = {}) =>
      void (stream.writable && stream.write(`${JSON.stringify({ time: Date.now(), level, message, ...facts })}\n`)),
    [Symbol.asyncDispose]: async () => {
      stream.end();
      await finished(stream).catch(() => {});
    },
  };
}
