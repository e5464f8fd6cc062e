/** A day's letter in `days` of a VM: how its backups went. */
export type DayLetter = 's' | 'w' | 'f' | 'c' | 'r' | '.';

interface DayKind {
  readonly letter: DayLetter;
  readonly word: string;
  /** Class of its colour. */
  readonly name: string;
  readonly hollow: boolean;
  /** Its shape in a square of 12 at x, as a path. */
  shape(x: number): string;
}

/** What a day can be; each has a shape of its own. */
export const dayKinds: readonly DayKind[] = [
  { letter: 's', word: 'backed up', name: 'day-s', hollow: false, shape: (x) => `M${x} 2h12v12h-12z` },
  { letter: 'w', word: 'with warnings', name: 'day-w', hollow: false, shape: (x) => `M${x + 6} 1.5l6.5 12.5h-13z` },
  {
    letter: 'f',
    word: 'failed',
    name: 'day-f',
    hollow: false,
    shape: (x) => `M${x} 4l2-2 4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4z`,
  },
  {
    letter: 'c',
    word: 'cancelled',
    name: 'day-c',
    hollow: true,
    shape: (x) => `M${x + 1} 3h10v10h-10zM${x + 1} 13l10-10`,
  },
  { letter: 'r', word: 'running', name: 'day-r', hollow: true, shape: (x) => `M${x + 1} 3h10v10h-10zM${x + 4} 8h4` },
  { letter: '.', word: 'no backup', name: 'day-none', hollow: false, shape: (x) => `M${x + 4.5} 7h3v3h-3z` },
];

/** Width of a day, in the units of its drawing. */
export const dayWidth = 16;

/** `2026-11-21`, some days later. */
export function dayAfter(first: string, days: number): string {
  return new Date(Date.parse(`${first}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** `21 Nov` */
export const shortDay = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** The runs of a day, which begins where the reader is. */
export function runsOfDay(vm: string, day: string): string {
  return `/runs?${new URLSearchParams({ vm, day }).toString()}`;
}

/** The days of a VM in words: `26 days backed up, 2 failed (20 Nov, 21 Nov), 2 no backup`. */
export function daysInWords(days: string, first: string): string {
  return dayKinds
    .flatMap(({ letter, word }) => {
      const those = [...days].flatMap((one, index) => (one === letter ? [shortDay(dayAfter(first, index))] : []));
      if (those.length === 0) return [];
      const named = letter === 's' || letter === '.' || those.length > 5 ? '' : ` (${those.join(', ')})`;
      return [`${those.length} ${word}${named}`];
    })
    .join(', ');
}
