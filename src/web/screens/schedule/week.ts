import type { TimetablePlan } from '../../../schemas/types.ts';

/** A week in the reader's zone. */
export interface Week {
  /** Midnight of each of its days, and of the day after. */
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The week that begins on a day such as 2026-11-23; without one, or where there is no such day, the one in which `now` is. */
export function weekOf(monday: string | null, now: number): Week {
  const given = /^(\d{4})-(\d\d)-(\d\d)$/
    .exec(monday ?? '')
    ?.slice(1)
    .map(Number);
  const date = given ? new Date(given[0] ?? 0, (given[1] ?? 1) - 1, given[2]) : new Date(now);
  const first = date.getDate() - ((date.getDay() + 6) % 7);
  const days = Array.from({ length: 8 }, (_, index) =>
    new Date(date.getFullYear(), date.getMonth(), first + index).getTime(),
  );
  return { days, from: days[0] ?? 0, to: days[7] ?? 0 };
}

const two = (number: number): string => String(number).padStart(2, '0');

/** The Monday so many weeks later, as the address has it. */
export function mondayOf({ from }: Week, weeks: number): string {
  const date = new Date(from);
  date.setDate(date.getDate() + 7 * weeks);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export type Outcome = TimetablePlan['past'][number]['state'] | 'coming' | 'hindered';

/** When a plan began, begins, or may not. */
export interface Entry {
  readonly at: number;
  readonly outcome: Outcome;
  readonly run: string | null;
}

/** All of a plan, in order. */
export const entriesOf = ({ past, coming, hindered }: TimetablePlan): readonly Entry[] =>
  [
    ...past.map(({ at, state, run = null }): Entry => ({ at, outcome: state, run })),
    ...coming.map((at): Entry => ({ at, outcome: 'coming', run: null })),
    ...hindered.map((at): Entry => ({ at, outcome: 'hindered', run: null })),
  ].toSorted((a, b) => a.at - b.at);

export const wentWrong = (outcome: Outcome): boolean => ['failed', 'crashed', 'missed'].includes(outcome);

/** Whether somebody should look at a plan. */
export const needsYou = (plan: TimetablePlan): boolean =>
  plan.error !== null || plan.paused !== null || plan.past.some(({ state }) => wentWrong(state));

/** `Mon 23` */
export const dayTitle = (day: number): string =>
  new Date(day).toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric' });

/** `01:30` */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `23 to 29 November 2026` */
export function weekTitle({ days }: Week): string {
  const [first, last] = [new Date(days[0] ?? 0), new Date(days[6] ?? 0)];
  const long = { day: 'numeric', month: 'long', year: 'numeric' } as const;
  const short = first.getMonth() === last.getMonth() ? ({ day: 'numeric' } as const) : long;
  return `${first.toLocaleDateString('en-GB', short)} to ${last.toLocaleDateString('en-GB', long)}`;
}
