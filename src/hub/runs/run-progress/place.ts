import { dirname, join } from 'node:path';

/** The folder with how far runs are, beside the state database. */
export const progressFolder = (statePath: string): string => join(dirname(statePath), 'progress');

/** How far a run is: `progress/20261121T013000Z-4f3a9c.json`. */
export const progressFile = (statePath: string, runId: string): string =>
  join(progressFolder(statePath), `${runId}.json`);
