import type { State } from './open-state.ts';
import type { BackupsTable } from './tables.ts';

/** What a line of a list shows of a restore point. */
export interface PointLine {
  readonly repository: string;
  readonly context: string;
  readonly vm: string;
  readonly backup_id: string;
  readonly kind: BackupsTable['kind'];
  readonly created: number;
  /** Size of its files. */
  readonly file_bytes: number;
  /** Files in the longest chain of its disks. */
  readonly chain_length: number;
  /** Number of them. */
  readonly disks: { readonly length: number };
}

export interface PointLineFilter {
  readonly repository?: string | undefined;
  readonly vm?: string | undefined;
}

/** A line for each restore point, oldest first. Reads no more than it shows: there may be ten thousand. */
export const pointLines = (state: State, filter: PointLineFilter = {}): PointLine[] =>
  state.reading(() => {
    let query = state.query
      .selectFrom('backups')
      .innerJoin('vm_contexts', (join) =>
        join
          .onRef('vm_contexts.repository', '=', 'backups.repository')
          .onRef('vm_contexts.context', '=', 'backups.context'),
      )
      .select([
        'backups.repository',
        'backups.context',
        'vm_contexts.vm_name as vm',
        'backups.backup_id',
        'backups.kind',
        'backups.created',
      ]);
    // In the order of the primary key, which costs no sorting: the disks of one point, and the points of one VM, stand together.
    let parts = state.query
      .selectFrom('backup_disks')
      .select(['repository', 'context', 'backup_id', 'number', 'parent', 'file_bytes'])
      .orderBy('repository')
      .orderBy('context')
      .orderBy('backup_id')
      .orderBy('number');
    const { repository, vm } = filter;
    if (repository !== undefined) {
      query = query.where('backups.repository', '=', repository);
      parts = parts.where('repository', '=', repository);
    }
    if (vm !== undefined) {
      query = query.where('vm_contexts.vm_name', '=', vm);
      const own = state.query.selectFrom('vm_contexts').select(['repository', 'context']).where('vm_name', '=', vm);
      parts = parts.where(({ eb, refTuple }) =>
        eb(refTuple('repository', 'context'), 'in', own.$asTuple('repository', 'context')),
      );
    }
    const found = disksByPoint(state.all(parts));
    const points = state
      .all(query)
      .sort((a, b) => a.created - b.created || (a.backup_id < b.backup_id ? -1 : a.backup_id > b.backup_id ? 1 : 0));
    // Oldest first, so that a parent is counted before what is built on it.
    return points.map((point) => {
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
      return { ...point, file_bytes: bytes, chain_length: longest, disks: { length: own?.parts.length ?? 0 } };
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
