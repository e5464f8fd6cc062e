/**
 * What became of a slot. Open: `waiting` for others to end, `claimed` for a run that is about to begin, `running`. With a run: how it
 * ended; `failed` also where it could not begin. Without one: `missed` (nobody was there), `skipped`, `paused`, `blackout`, each with its
 * reason.
 */
export const slotStates = [
  'waiting',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'crashed',
  'missed',
  'skipped',
  'paused',
  'blackout',
] as const;

export type SlotState = (typeof slotStates)[number];
