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
    let parts = state.query
      .selectFrom('backup_disks')
      .select(['repository', 'context', 'backup_id', 'number', 'parent', 'file_bytes']);
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
    const disks = new Map<string, DiskPart[]>();
    for (const part of state.all(parts)) {
      const key = keyOf(part, part.backup_id);
      const known = disks.get(key);
      if (known) known.push(part);
      else disks.set(key, [part]);
    }
    const points = state
      .all(query)
      .sort((a, b) => a.created - b.created || (a.backup_id < b.backup_id ? -1 : a.backup_id > b.backup_id ? 1 : 0));
    // Oldest first, so that a parent is counted before what is built on it.
    const lengths = new Map<string, number[]>();
    return points.map((point) => {
      const key = keyOf(point, point.backup_id);
      const ofDisk: number[] = [];
      let bytes = 0;
      let longest = 1;
      const own = disks.get(key) ?? [];
      for (const { number, parent, file_bytes: size } of own) {
        const length = 1 + (parent === null ? 0 : (lengths.get(keyOf(point, parent))?.[number] ?? 0));
        ofDisk[number] = length;
        longest = Math.max(longest, length);
        bytes += size;
      }
      lengths.set(key, ofDisk);
      return { ...point, file_bytes: bytes, chain_length: longest, disks: { length: own.length } };
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

const keyOf = ({ repository, context }: { repository: string; context: string }, id: string): string =>
  `${repository}\n${context}\n${id}`;
