import type { Blackout } from '../../schemas/types.ts';

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const dayMs = 86_400_000;

/**
 * Whether a weekly window covers a time on the wall (ms since the epoch, read as UTC). By that clock, so that a window is as
 * long as it says also where the clock changes.
 */
export function coversWall({ from = '00:00', to = '24:00', days }: Blackout, wall: number): boolean {
  const begin = timeOfDay(from);
  const end = timeOfDay(to);
  const time = ((wall % dayMs) + dayMs) % dayMs;
  const on = (at: number): boolean => !days || days.includes(dayNames[new Date(at).getUTCDay()] ?? 'sun');
  if (begin < end) return time >= begin && time < end && on(wall);
  return (time >= begin && on(wall)) || (time < end && on(wall - dayMs));
}

const timeOfDay = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
};
