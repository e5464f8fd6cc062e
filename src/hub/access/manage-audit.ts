import { cursorOf, pageOf, type PageRequest, type Place } from '../../api/paging.ts';
import { shownName } from '../../files/shown.ts';
import type { AuditEntry, AuditOutput } from '../../schemas/types.ts';
import {
  auditRows,
  beginAct,
  type AuditedAct,
  type AuditedEnd,
  type AuditFilter,
  type AuditRow,
  type RowsAfter,
} from '../../state/access/audit.ts';
import type { State } from '../../state/database/open-state.ts';
import { readsForAudit, type ReadRow } from '../../state/files/file-reads.ts';

/** What was asked of the hub that changes something, who logged in, who read which files, and who could not. */
export interface Audit {
  /** Writes down that something begins. @returns what writes down how it ended */
  begin(act: AuditedAct): (end?: AuditedEnd) => void;
  /** A page of it, the newest first. */
  list(filter: AuditFilter, page: PageRequest): AuditOutput;
}

interface Listed {
  readonly entry: AuditEntry;
  readonly place: readonly [at: number, source: number, id: number];
}

/** Where entries come from; of two with the same time, the one of the later source comes first. */
const sources: readonly ((
  state: State,
  filter: AuditFilter,
  after: RowsAfter | null,
  limit: number,
) => readonly { readonly id: number; readonly entry: AuditEntry }[])[] = [
  (...asked) => auditRows(...asked).map((row) => ({ id: row.id, entry: entryOfAct(row) })),
  (...asked) => readsForAudit(...asked).map((row) => ({ id: row.id, entry: entryOfRead(row) })),
];

export const manageAudit = (state: State): Audit => ({
  begin: (act) => beginAct(state, act),
  list(filter, page) {
    const { limit, after } = page;
    const { entries, next } = pageOf(found(state, filter, { limit: limit + 1, after }), limit, ({ place }) => place);
    return { version: 1, entries: entries.map(({ entry }) => entry), next_cursor: cursorOf(next, page) };
  },
});

const found = (state: State, filter: AuditFilter, { limit, after }: PageRequest): Listed[] =>
  sources
    .flatMap((rowsOf, source) =>
      rowsOf(state, filter, startOf(after, source), limit).map(({ id, entry }): Listed => ({
        entry,
        place: [entry.at, source, id],
      })),
    )
    .toSorted(({ place: a }, { place: b }) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]);

/** Where the rows of a source begin after a place of the whole list. */
function startOf(after: Place | null, source: number): RowsAfter | null {
  if (!after) return null;
  const [at = 0, lastSource = 0, id = 0] = after as readonly number[];
  if (source === lastSource) return { at, below: id };
  return { at, below: source < lastSource ? Number.MAX_SAFE_INTEGER : 0 };
}

const entryOfAct = ({ id, facts, ...row }: AuditRow): AuditEntry => ({
  id: `a${id}`,
  at: row.at,
  ended: row.ended,
  who: row.who,
  caller: row.caller,
  address: row.address,
  action: row.action,
  facts: JSON.parse(facts) as Record<string, string>,
  status: row.status,
  error: row.error,
});

const entryOfRead = ({ id, path, ...row }: ReadRow): AuditEntry => ({
  id: `f${id}`,
  at: row.at,
  ended: row.ended,
  who: row.who,
  caller: 'files',
  address: row.address,
  action: row.action,
  facts: {
    vm: row.context,
    repository: row.repository,
    backup_id: row.backup_id,
    ...(row.volume !== null && { volume: row.volume }),
    ...(path !== null && { path: `/${shownName(Buffer.from(path))}` }),
    ...(row.bytes !== null && { bytes: String(row.bytes) }),
  },
  status: null,
  error: row.error,
});
