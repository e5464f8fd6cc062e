import { signal } from '@preact/signals';
import { formatAge } from '../../view/format-age.ts';
import { formatTime } from '../../view/format.ts';

/** The time now, ms since the epoch; moves on every five seconds while somebody looks. */
export const now = signal(Date.now());

window.setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 5000);

const day = 86_400_000;

/** How long ago, or how soon, as people say it: `just now`, `45m ago`, `in 3h`. */
export function relative(time: number, at: number): string {
  const span = Math.abs(at - time);
  // `now` is up to five seconds old.
  if (span < 60_000) return time - at > 6000 ? 'in a moment' : 'just now';
  return time > at ? `in ${formatAge(span)}` : `${formatAge(span)} ago`;
}

/** What stands beside: `01:30` today, `Mon 01:30` this week, `21 Nov 01:30` this year; in the reader's zone. */
export function absolute(time: number, at: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(at).toDateString()) return clock;
  if (Math.abs(at - time) < 6 * day) return `${date.toLocaleDateString('en-GB', { weekday: 'short' })} ${clock}`;
  const sameYear = date.getFullYear() === new Date(at).getFullYear();
  const options = { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' as const }) } as const;
  return `${date.toLocaleDateString('en-GB', options)}, ${clock}`;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** All of it, with the zone that it is told in. */
export const exact = (time: number): string => `${formatTime(time)} ${zone}`;

/** `Tuesday, 24 November` */
export const dayName = (time: number): string =>
  new Date(time).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
