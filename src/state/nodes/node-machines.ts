import type { Machine, Machines } from './machines.ts';
import type { NodeRecord } from './nodes.ts';
import type { State } from '../database/open-state.ts';

/** For so long a machine that does not come any more is shown, ms. */
const shownMs = 3_600_000;
/** ms between two entries that it still comes. */
const seenEveryMs = 60_000;

/** The other machine, as long as it comes. */
export function otherMachine({ machines }: Pick<NodeRecord, 'machines'>, now = Date.now()): Machines['other'] {
  const other = machines?.other ?? null;
  return other !== null && now - other.seen < shownMs ? other : null;
}

/**
 * A machine shows the key of a node. A start of a machine that comes again after another one lives at the same time as that: two machines have
 * one key, and the one that came second is refused from then on.
 */
export function machineComes(
  state: State,
  nodeId: string,
  machine: Machine,
  now = Date.now(),
): { readonly refused: boolean; readonly found: Machine | null } {
  return state.transaction(() => {
    const row = state.first(state.query.selectFrom('nodes').select('machines').where('id', '=', nodeId));
    const known = row?.machines ? (JSON.parse(row.machines) as Machines) : null;
    const write = (machines: Machines): void =>
      void state.run(
        state.query
          .updateTable('nodes')
          .set({ machines: JSON.stringify(machines) })
          .where('id', '=', nodeId),
      );
    if (known === null) {
      write({ current: machine, before: null, other: null });
      return { refused: false, found: null };
    }
    const { current, before, other } = known;
    if (other !== null && other.bootId === machine.bootId) {
      if (now - other.seen >= seenEveryMs) write({ ...known, other: { ...machine, seen: now } });
      return { refused: true, found: null };
    }
    if (current.bootId === machine.bootId) return { refused: false, found: null };
    if (before?.bootId === machine.bootId) {
      write({ current: machine, before: null, other: { ...current, seen: now } });
      return { refused: false, found: current };
    }
    write({ current: machine, before: current, other });
    return { refused: false, found: null };
  });
}
