import { setTimeout as delay } from 'node:timers/promises';
import { toSendenseError } from '../../../errors/sendense-error.ts';
import type { FilesClient } from '../../../files/client/files-client.ts';
import { bounded, type Bounds } from './bounded.ts';

/** A program that reads a mounted file waits so long at most, ms; it is asked again so often, ms. */
export const patience = { mostMs: 60_000, betweenMs: 100 };

/** What a mounted tree asks. */
export type MountedFiles = Pick<FilesClient, 'show' | 'list' | 'stat' | 'content'>;

/** More files are read than `files: downloads` allows; the hub starts again, or the line is down. */
const passing: ReadonlySet<string> = new Set(['files.busy', 'remote.unreachable']);

/** Asks again for a while where what is in the way may pass: a program that reads a file knows no more than an error. */
export function patientFiles(client: MountedFiles, bounds: Bounds, { mostMs, betweenMs } = patience): MountedFiles {
  const patiently = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    for (const until = performance.now() + mostMs; ; await delay(betweenMs, undefined, { signal: bounds.signal })) {
      try {
        return await bounded(bounds, ask);
      } catch (error) {
        if (bounds.signal.aborted || !passing.has(toSendenseError(error).code) || performance.now() > until)
          throw error;
      }
    }
  };
  return {
    show: (session, options) => patiently((signal) => client.show(session, { ...options, signal })),
    list: (place, page) => patiently(() => client.list(place, page)),
    stat: (place, follow, attributes) => patiently(() => client.stat(place, follow, attributes)),
    content: (place, options) => patiently((signal) => client.content(place, { ...options, signal })),
  };
}
