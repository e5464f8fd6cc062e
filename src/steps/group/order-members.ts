import type { GroupPlan } from '../../schemas/types.ts';

export interface Ordered {
  readonly name: string;
  readonly priority: number;
  /** Bytes; null: not known. */
  readonly capacity: number | null;
  /** When its newest restore point was created; null: it has none. */
  readonly newest: number | null;
}

/** Higher priority first, then as the plan says, then by name. */
export const compareMembers =
  (order: GroupPlan['order']) =>
  (a: Ordered, b: Ordered): number =>
    b.priority - a.priority || by[order](a, b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const by: Readonly<Record<GroupPlan['order'], (a: Ordered, b: Ordered) => number>> = {
  'name': () => 0,
  'oldest-backup': (a, b) => (a.newest ?? -Infinity) - (b.newest ?? -Infinity) || 0,
  'smallest': (a, b) => (a.capacity ?? 0) - (b.capacity ?? 0),
  'largest': (a, b) => (b.capacity ?? 0) - (a.capacity ?? 0),
};
