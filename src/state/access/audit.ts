import type { State } from '../database/open-state.ts';
import type { AuditTable } from '../database/tables.ts';

/** Somebody asks for something. */
export interface AuditedAct {
  /** Name of the user or token; empty: nobody that is known. */
  readonly who: string;
  /** How it is known who that is. */
  readonly caller: string;
  readonly address: string | null;
  /** Id of the route, or what a command does. */
  readonly action: string;
  /** What it is about. */
  readonly facts: Readonly<Record<string, string>>;
}

/** How it ended. */
export interface AuditedEnd {
  /** Of HTTP. */
  readonly status?: number | null;
  /** Code of what went wrong. */
  readonly error?: string | null;
}

export type AuditRow = Readonly<Omit<AuditTable, 'id'>> & { readonly id: number };

/** Writes down that it begins, so that nothing is missing whose process died. @returns what writes down its end */
export function beginAct(state: State, act: AuditedAct): (end?: AuditedEnd) => void {
  const { facts, ...named } = act;
  const row = state.transaction(() => {
    const values = { ...named, facts: JSON.stringify(facts), at: Date.now(), ended: null, status: null, error: null };
    state.run(state.query.insertInto('audit').values(values));
    return state.first(state.query.selectFrom('audit').select('id').orderBy('id', 'desc').limit(1));
  }, 'process');
  return ({ status = null, error = null } = {}) => {
    if (!row) return;
    const query = state.query.updateTable('audit').set({ ended: Date.now(), status, error });
    state.transaction(() => state.run(query.where('id', '=', row.id)), 'process');
  };
}

export interface AuditFilter {
  /** Only of this user or token. */
  readonly who?: string | undefined;
  readonly action?: string | undefined;
  /** Only what went wrong. */
  readonly failed?: boolean | undefined;
  /** Begun then or later, ms since the epoch. */
  readonly since?: number | undefined;
}

/** Rows that come after a place of a list that has the newest first: begun before `at`, or at it and with an `id` below `below`. */
export interface RowsAfter {
  readonly at: number;
  readonly below: number;
}

/** Some rows, the newest first. */
export function auditRows(state: State, filter: AuditFilter, after: RowsAfter | null, limit: number): AuditRow[] {
  const { who, action, failed, since } = filter;
  let rows = state.query.selectFrom('audit').selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(limit);
  if (who !== undefined) rows = rows.where('who', '=', who);
  if (action !== undefined) rows = rows.where('action', '=', action);
  if (failed === true) rows = rows.where(({ eb, or }) => or([eb('error', 'is not', null), eb('status', '>=', 400)]));
  if (since !== undefined) rows = rows.where('at', '>=', since);
  if (after)
    rows = rows.where(({ eb, refTuple, tuple }) => eb(refTuple('at', 'id'), '<', tuple(after.at, after.below)));
  return state.all(rows);
}

/** Forgets those that began before. @returns how many */
export const forgetAudit = (state: State, before: number): number =>
  state.run(state.query.deleteFrom('audit').where('at', '<', before));
