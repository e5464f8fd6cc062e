import { isEveryHour, nextWall } from './cron-walls.ts';
import { changeBetween, instantOf, offsetAt, wallAt } from '../../time/zone-clock.ts';

/** When a schedule is due: a cron expression on the clock of a zone. */
export interface SlotPattern {
  readonly cron: string;
  readonly timezone: string;
}

/**
 * The first slot after an instant, ms since the epoch; null: none ever comes.
 *
 * Where the clock changes (docs/schedules.md has the table):
 * - An expression that names every hour goes by time that passes: nothing falls out and nothing comes twice, the
 *   skipped hour has no slots, and the repeated hour has them both times.
 * - Every other one goes by the clock on the wall, and each time on it comes once: one that is skipped comes at the moment
 *   of the change, one that is repeated the first time.
 *
 * croner alone runs what has several times in an hour twice in the repeated hour, and drops it in the skipped one.
 */
export function nextSlot(pattern: SlotPattern, after: number): number | null {
  return isEveryHour(pattern.cron) ? nextByTime(pattern, after) : nextByWall(pattern, after);
}

function nextByWall({ cron, timezone }: SlotPattern, after: number): number | null {
  // In the repeated hour the wall shows what it has shown before, and those slots are past already.
  let wall: number | null = Math.floor(wallAt(timezone, after) / 1000) * 1000 - 1000;
  while ((wall = nextWall(cron, wall)) !== null) {
    const slot = instantOf(timezone, wall);
    if (slot > after) return slot;
  }
  return null;
}

function nextByTime({ cron, timezone }: SlotPattern, after: number): number | null {
  let from = after;
  let offset = offsetAt(timezone, from);
  let wall = Math.floor((from + offset) / 1000) * 1000;
  for (;;) {
    const next = nextWall(cron, wall);
    if (next === null) return null;
    const slot = next - offset;
    if (offsetAt(timezone, slot) === offset) return slot;
    // The clock changes before: from there on with what it shows then.
    from = changeBetween(timezone, from, slot);
    offset = offsetAt(timezone, from);
    wall = from + offset - 1000;
  }
}

/** Slots after `from` until `to`, `to` included, oldest first. */
export function* slotsBetween(pattern: SlotPattern, from: number, to: number): Generator<number> {
  for (let slot = nextSlot(pattern, from); slot !== null && slot <= to; slot = nextSlot(pattern, slot)) yield slot;
}

const day = 86_400_000;
/** How far back the past is looked at, step by step, ms: hours for what is due every minute, years for a 29th of February. */
const reaches: readonly number[] = [day / 24, day, 8 * day, 32 * day, 367 * day, 8 * 366 * day];

/** The newest slots after `from` until `to`, oldest first, at most `count` of them. */
export function newestSlots(pattern: SlotPattern, from: number, to: number, count: number): number[] {
  let slots: number[] = [];
  for (const reach of reaches) {
    const start = Math.max(from, to - reach);
    slots = [...slotsBetween(pattern, start, to)];
    if (slots.length >= count || start === from) break;
  }
  return slots.slice(-count);
}

/** The last slot that has come; undefined: none did in eight years. */
export const slotBefore = (pattern: SlotPattern, now: number): number | undefined =>
  newestSlots(pattern, -Infinity, now, 1)[0];

/** A slot as logs show it. */
export const slotTime = (slot: number): string => new Date(slot).toISOString();
