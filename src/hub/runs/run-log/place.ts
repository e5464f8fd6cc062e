import { dirname, join } from 'node:path';

/** The folder of all logs, beside the state database. */
export const logFolder = (statePath: string): string => join(dirname(statePath), 'logs');

/** The log of a run: `logs/2026-11/20261121T013000Z-4f3a9c.jsonl`. */
export const runLogFile = (statePath: string, runId: string): string =>
  join(logFolder(statePath), monthOf(runId), `${runId}.jsonl`);

/** Names of the folders of months. */
export const monthFolder = /^[0-9]{4}-[0-9]{2}$/;

const monthOf = (runId: string): string => {
  const [, year, month] = /^([0-9]{4})([0-9]{2})[0-9]{2}T/.exec(runId) ?? [];
  return year !== undefined && month !== undefined ? `${year}-${month}` : '0000-00';
};
