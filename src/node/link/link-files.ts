import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../../host/files/files.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { LinkStatus } from '../../schemas/types.ts';
import { validatorOf } from '../../schemas/validator.ts';
import { linkFolder } from './enrolment-files.ts';

const statusFile = (stateDir: string): string => join(linkFolder(stateDir), 'status.json');

/**
 * What the process that keeps the link last said; `stopped` where that process is gone. Null where there never was one, or
 * the file is not whole.
 */
export async function readLinkStatus(stateDir: string): Promise<LinkStatus | null> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(statusFile(stateDir), 'utf8'));
  } catch {
    return null;
  }
  if (!validatorOf('link/status.json')(value)) return null;
  const status = value as LinkStatus;
  return isRunning(status.process) ? status : { ...status, state: 'stopped', connected_since: null, retry_at: null };
}

export interface StatusWriter {
  /** Writes this one, or a later one where several come at once. */
  write(status: LinkStatus): void;
  /** Resolves when the last one is written. */
  settled(): Promise<void>;
}

/** @param onError a status that cannot be written does not end the link */
export function statusWriter(stateDir: string, onError: (error: unknown) => void): StatusWriter {
  let next: LinkStatus | undefined;
  let written = Promise.resolve();
  const writeNext = async (): Promise<void> => {
    const status = next;
    next = undefined;
    if (status) await writeFileDurably(statusFile(stateDir), `${JSON.stringify(status)}\n`, 0o600).catch(onError);
  };
  return {
    write: (status) => {
      next = status;
      written = written.then(writeNext);
    },
    settled: () => written,
  };
}
