/** What says that a snapshot is ours, and whose: decided before the snapshot is made, so that it can be found by this alone. */
export interface SnapshotMark {
  readonly job: string;
  /** Backup id; null where the job has none yet. */
  readonly backup: string | null;
  /** Id of the node that works with the snapshot. */
  readonly node: string;
  /** Milliseconds since the epoch, in the node's clock. */
  readonly time: number;
}

const prefix = 'sendense-';
const form = 'sendense-snapshot/1';
/** vSphere's clients show and accept 80 characters. */
const longestName = 80;

/** Names need not be unique in vSphere: a snapshot is found by its description and removed by its moref. */
export const snapshotName = (mark: SnapshotMark): string => (prefix + (mark.backup ?? mark.job)).slice(0, longestName);

/** `sendense-snapshot/1 job=… backup=… node=… time=…`, one line. */
export function snapshotDescription({ job, backup, node, time }: SnapshotMark): string {
  const fields = { job, ...(backup === null ? {} : { backup }), node, time: new Date(time).toISOString() };
  return [form, ...Object.entries(fields).map(([name, value]) => `${name}=${encoded(value)}`)].join(' ');
}

/**
 * The mark of a snapshot; null where the snapshot is not ours: other products and people may call theirs `sendense-…` too,
 * and one of ours that somebody renamed or described anew is theirs from then on.
 */
export function readMark(name: string, description: string): SnapshotMark | null {
  const [head, ...words] = description.trim().split(' ');
  if (head !== form) return null;
  const fields = new Map<string, string>();
  for (const word of words) {
    const [, key = '', value = ''] = /^([a-z]+)=(\S+)$/.exec(word) ?? [];
    if (key === '' || fields.has(key)) return null;
    fields.set(key, decoded(value));
  }
  const job = fields.get('job');
  const node = fields.get('node');
  const time = Date.parse(fields.get('time') ?? '');
  if (!job || !node || Number.isNaN(time)) return null;
  const mark: SnapshotMark = { job, backup: fields.get('backup') ?? null, node, time };
  return name === snapshotName(mark) ? mark : null;
}

/** Colons are kept, so that the time can be read. */
const encoded = (value: string): string => encodeURIComponent(value).replaceAll('%3A', ':');

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}
