import { nextSlot, type SlotPattern } from './slots.ts';

interface Known {
  /** Asked then; the answer holds until the slot comes. */
  readonly asked: number;
  readonly slot: number | null;
}

const most = 4096;
const known = new Map<string, Known>();

/** {@link nextSlot} of now, remembered until that slot comes: screens ask for the same plans again and again. */
export function upcomingSlot({ cron, timezone }: SlotPattern, now: number): number | null {
  const key = `${timezone} ${cron}`;
  const last = known.get(key);
  // A clock that was set back asks anew.
  if (last && now >= last.asked && (last.slot === null || now < last.slot)) return last.slot;
  if (known.size >= most) known.clear();
  const slot = nextSlot({ cron, timezone }, now);
  known.set(key, { asked: now, slot });
  return slot;
}
