import type { IndexStore } from '../blocks/index-pages.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { BackupStartRequest } from '../schemas/types.ts';
import { parseNbdList } from '../host/nbd/nbd-list.ts';

/** full: everything; areas: what the source says changed; digest: blocks whose digest differs from the previous index. */
export type Method = 'full' | 'areas' | 'digest';

/** What to do for one disk. */
export interface DiskJob {
  readonly key: string;
  /** NBD URI to write to. */
  readonly target: string;
  readonly method: Method;
  readonly previousChangeId: string | null;
  /** SHA-256 (hex) of the previous block index. */
  readonly previousIndex: string | null;
  /** How its new index is stored. */
  readonly store: IndexStore;
}

/** Change ids of disks without a tracker: the root digest of the block index. */
export const digestChangeId = (root: string): string => `digest:${root}`;

/**
 * What a start request asks for, disk by disk, or why it makes no sense. A full copy skips zeros and an incremental must
 * not, so a mode and a method that contradict each other are refused rather than read kindly.
 * @throws SendenseError `request.invalid`, with the field in `details.field`
 */
export function diskJobsOf(request: BackupStartRequest): DiskJob[] {
  const targets = parseNbdList(request.nbd_targets);
  const disks = request.disks ?? [...targets.keys()].map((key) => implied(key, request));
  const seen = new Set<string>();
  const jobs = disks.map((disk, number): DiskJob => {
    const field = `/disks/${number}`;
    const target = targets.get(disk.key);
    if (seen.has(disk.key)) throw bad(`${field}/key`, `disk ${disk.key} is listed twice`);
    seen.add(disk.key);
    if (target === undefined) throw bad(`${field}/key`, `disk ${disk.key} has no target in nbd_targets`);
    if ((disk.mode === 'full') !== (disk.method === 'full'))
      throw bad(`${field}/method`, `disk ${disk.key}: mode ${disk.mode} with method ${disk.method}`);
    if (disk.mode === 'incremental' && request.backup_type === 'full')
      throw bad(`${field}/mode`, `disk ${disk.key} is incremental in a full backup`);
    if (disk.mode === 'incremental' && disk.previous_change_id === null) {
      throw bad(`${field}/previous_change_id`, `disk ${disk.key}: an incremental needs the previous change id`);
    }
    if (disk.method === 'digest' && disk.previous_index === null) {
      throw bad(`${field}/previous_index`, `disk ${disk.key}: method digest needs the previous block index`);
    }
    return {
      key: disk.key,
      target,
      method: disk.method,
      previousChangeId: disk.previous_change_id,
      previousIndex: disk.previous_index,
      store: disk.index ?? { format: 1, parent: null },
    };
  });
  const extra = [...targets.keys()].find((key) => !seen.has(key));
  if (extra !== undefined) throw bad('/nbd_targets', `disk ${extra} has a target but is not in disks`);
  return jobs;
}

type RequestDisk = NonNullable<BackupStartRequest['disks']>[number];

/** Without `disks` the whole job is of one type; an incremental then counts on the source's own change tracking. */
const implied = (key: string, request: BackupStartRequest): RequestDisk => ({
  key,
  mode: request.backup_type,
  method: request.backup_type === 'full' ? 'full' : 'areas',
  previous_change_id: request.previous_change_id ?? null,
  previous_index: null,
});

const bad = (field: string, message: string): SendenseError =>
  new SendenseError('request.invalid', message, { details: { field } });
