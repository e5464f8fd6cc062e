import { readRegular } from '../../host/files/regular-file.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';

/**
 * Who took the lock of a VM, and with which fence: the file of that number in the VM's folder of locks. Written once, never changed.
 * The lock is held as long as the folder `work` is there.
 */
export interface LockRecord {
  readonly format: typeof lockFormat;
  /** Grows with each holder, and stays the highest number when the lock is given back. */
  readonly fence: number;
  /** Name of the holder's folder, beside the record; no two holders ever have the same. */
  readonly work: string;
  /** Id of the hub's state database. */
  readonly hub: string;
  /** Name of the host, for people. */
  readonly host: string;
  /** What tells the host from others, if it has such an id. */
  readonly machine: string | null;
  /** Where `process` can be judged: see `thisPlace`. */
  readonly place: string;
  readonly process: ProcessIdentity;
  /** The run, or what else works on the VM. */
  readonly run: string;
  /** ISO 8601. */
  readonly taken: string;
  /** A holder that has given no sign of life for so long may be overtaken by somebody who cannot see its process, ms. */
  readonly silent_after_ms: number;
}

export const lockFormat = 'sendense-vm-lock/1';

/** Bytes. */
const mostBytes = 64 * 1024;

/** Of a VM's folder of locks. */
export const recordName = (fence: number): string => `${String(fence).padStart(12, '0')}.json`;

/** The fence that a file name is of; null: it is no record. */
export const fenceOf = (name: string): number | null =>
  /^[0-9]{12}\.json$/.test(name) ? Number(name.slice(0, 12)) : null;

export const workPattern = /^work-[0-9a-f-]{36}$/;

/** Null: there is none; `foreign`: it cannot be understood. */
export async function readRecord(path: string): Promise<LockRecord | 'foreign' | null> {
  try {
    const value = parseJson((await readRegular(path, mostBytes)).toString('utf8')) as Partial<LockRecord> | null;
    if (value === null) return 'foreign';
    const { format, fence, work, hub, host, place, process, run, silent_after_ms: silent } = value;
    const texts = [work, hub, host, place, run, process?.start_time, process?.boot_id];
    if (format !== lockFormat || !texts.every((text) => typeof text === 'string')) return 'foreign';
    if (![fence, process?.pid, silent].every(Number.isSafeInteger) || !workPattern.test(work ?? '')) return 'foreign';
    return value as LockRecord;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'EFBIG') return 'foreign';
    if (code === 'ENOENT' || code === 'ESTALE') return null;
    throw error;
  }
}
