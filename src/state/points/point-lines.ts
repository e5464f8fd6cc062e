import type { State } from '../database/open-state.ts';
import { byAge, pointQueries, type PointFilter } from './point-queries.ts';
import type { KeptFrom } from '../../schemas/types.ts';
import type { BackupsTable } from '../database/tables.ts';

/** What a line of a list shows of a restore point. */
export interface PointLine {
  readonly repository: string;
  readonly context: string;
  readonly vm: string;
  /** vSphere's; null: it had none. */
  readonly vm_instance_uuid: string | null;
  readonly backup_id: string;
  readonly kind: BackupsTable['kind'];
  readonly created: number;
  /** `boot keep` made it; null: a backup made it. */
  readonly kept: KeptFrom | null;
  /** It is the safety backup before a restore in place of that restore point; null or missing: it is none. */
  readonly before_restore?: string | null;
  /** Size of its files. */
  readonly file_bytes: number;
  /** Files in the longest chain of its disks. */
  readonly chain_length: number;
  /** Number of them. */
  readonly disks: { readonly length: number };
}

const pointColumns = [
  'backups.repository',
  'backups.context',
  'vm_contexts.vm_name as vm',
  'backups.backup_id',
  'backups.kind',
  'backups.created',
  'backups.sequence',
  'backups.vm_instance_uuid',
  'backups.kept',
  'backups.before_restore',
] as const;

const diskColumns = ['repository', 'context', 'backup_id', 'number', 'parent', 'file_bytes'] as const;

/** A line for each restore point, oldest first. Reads no more than it shows: there may be ten thousand. */
export const pointLines = (state: State, filter: PointFilter = {}): PointLine[] =>
  state.reading(() => {
    const queries = pointQueries(state, filter);
    const found = disksByPoint(state.all(queries.disks.select(diskColumns)));
    const points = state.all(queries.points.select(pointColumns)).sort(byAge);
    // Oldest first, so that a parent is counted before what is built on it.
    return points.map(({ sequence: _place, kept, ...point }) => {
      const siblings = found.get(contextOf(point));
      const own = siblings?.get(point.backup_id);
      let bytes = 0;
      let longest = 1;
      for (const { number, parent, file_bytes: size } of own?.parts ?? []) {
        const length = 1 + (parent === null ? 0 : (siblings?.get(parent)?.lengths[number] ?? 0));
        if (own) own.lengths[number] = length;
        longest = Math.max(longest, length);
        bytes += size;
      }
      const from = kept === null ? null : (JSON.parse(kept) as KeptFrom);
      return {
        ...point,
        kept: from,
        file_bytes: bytes,
        chain_length: longest,
        disks: { length: own?.parts.length ?? 0 },
      };
    });
  });

interface DiskPart {
  readonly repository: string;
  readonly context: string;
  readonly backup_id: string;
  readonly number: number;
  readonly parent: string | null;
  readonly file_bytes: number;
}

interface PointDisks {
  readonly parts: DiskPart[];
  /** Of the chain of each disk, by its number; once they are counted. */
  readonly lengths: number[];
}

/** By VM, then by restore point. A key of all three for each disk would take longer than reading them. */
function disksByPoint(rows: readonly DiskPart[]): Map<string, Map<string, PointDisks>> {
  const found = new Map<string, Map<string, PointDisks>>();
  let points = new Map<string, PointDisks>();
  let disks: PointDisks = { parts: [], lengths: [] };
  let last: DiskPart | undefined;
  for (const row of rows) {
    const sameVm = last?.context === row.context && last.repository === row.repository;
    if (!sameVm) found.set(contextOf(row), (points = new Map()));
    if (!sameVm || last?.backup_id !== row.backup_id) points.set(row.backup_id, (disks = { parts: [], lengths: [] }));
    disks.parts.push(row);
    last = row;
  }
  return found;
}

const contextOf = ({ repository, context }: { repository: string; context: string }): string =>
  `${repository}\n${context}`;
