import type { ImageKeys } from '../../repository/image-keys.ts';
import type { CheckOutput, Manifest } from '../../schemas/types.ts';
import type { LookedAt } from '../../restore-points/verify/looked-at.ts';

export type Finding = CheckOutput['findings'][number];

export interface CheckOptions {
  /** Absolute path. */
  readonly root: string;
  /** Only this VM, only this restore point (and what it is built on). */
  readonly context?: string | undefined;
  readonly point?: string | undefined;
  /** Reads every byte and compares it with the block index; otherwise names, sizes, times and qcow2 structure. */
  readonly deep: boolean;
  /** Of the repository; default: none. */
  readonly keys?: ImageKeys | undefined;
  /** Checksum of the manifest by backup id, as the database has it now, by context: of this one, or of all. */
  known(context?: string): ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Files that a living run is making now, relative to the root: not ours to judge. */
  claimed(): ReadonlySet<string>;
  /** Directories of VMs of which restore points are being removed now. Default: none. */
  merging?(): ReadonlySet<string>;
  /** Whether a restore point that the database knows is gone with all its files, as a removal leaves it. Default: nobody knows. */
  isRemoved?(context: string, id: string, manifests: Iterable<Manifest>): Promise<boolean>;
  /** What makes the database forget what was removed elsewhere. */
  readonly forget?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string, done: number, total: number) => void) | undefined;
}

/** What the check of one VM acts with, and what it has found so far. */
export interface Walk {
  readonly options: CheckOptions;
  readonly findings: Finding[];
  /** A folder of its own for sockets. */
  readonly id: string;
  lookedAt?: LookedAt | undefined;
  checked: number;
  bytesRead: number;
}

export const remedies = {
  chain: 'Do not build on it: run a full backup. Restore points that do not depend on it are sound.',
  time: 'Run `sendense-run check` without --quick: it compares the content.',
  key: 'Name the key under `encryption.keys` of the repository in sendense.yaml.',
  database: 'Run `sendense-run repo import NAME`.',
  unowned:
    'See `sendense-run repo gc --dry-run`: what Sendense made it can remove. Remove all else if nobody needs it.',
  leftover:
    'Run `sendense-run recover`. If the file is still there, `sendense-run repo gc` removes it an hour after it was written.',
  marks:
    'Remove the file, and protect the restore point again if it was protected; the disks are not affected, and `verify` finds what is broken.',
  config: 'Restore the file from a copy of the repository; the disks are not affected.',
  broken:
    'Copy the damaged file back from a copy of the repository, then run `sendense-run verify` at level digests: it takes the mark off. Without a copy, run a backup: it makes a full.',
  mended: 'Run `sendense-run verify` at level digests: it takes the mark off.',
  merge: 'Run `sendense-run recover`: it finishes the removal. All restore points that stay are readable meanwhile.',
} as const;

export function report(
  walk: Walk,
  severity: Finding['severity'],
  code: Finding['code'],
  backupId: string | null,
  path: string,
  message: string,
  remedy: string,
): void {
  walk.findings.push({ severity, code, backup_id: backupId, path, message: `${path} ${message}`, remedy });
}
