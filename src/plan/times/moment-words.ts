import { instantsOf, offsetAt, instantOf, wallAt } from '../../time/zone-clock.ts';

export interface WordsContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Name of the time zone in which a time without a zone is meant. Only asked for where it counts: it takes a while to find out. */
  readonly zone: () => string;
}

/** A day or a time, in ISO 8601 with the offset of its zone. */
export type Moment =
  | { readonly kind: 'day'; readonly from: string; readonly until: string }
  | { readonly kind: 'time'; readonly from: string };

/** What a text was meant as, or why it is none though it looks like one. */
export type MomentFound =
  | Moment
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly why: string; readonly wayOut?: string };

const date = String.raw`(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})|(?<word>today|yesterday)`;
const clock = String.raw`(?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?`;
const offset = String.raw`Z|[+-]\d{2}(?::?\d{2})?`;
const zoneName = String.raw`[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*`;
const form = new RegExp(
  String.raw`^(?:${date})(?:(?:T|\s+)${clock})?(?:\s*(?<offset>${offset})|\s+(?<zone>${zoneName})|\[(?<inBrackets>${zoneName})\])?$`,
  'i',
);

const day = 86_400_000;
const minute = 60_000;

/** `2026-11-22`, `yesterday`, either with a time of the day, with an offset, or with the name of a zone. */
export function momentIn(text: string, { now, zone: local }: WordsContext): MomentFound {
  const parts = form.exec(text)?.groups;
  if (!parts) return looksLikeTime(text) ? { kind: 'wrong', why: 'that is not a day or a time' } : { kind: 'none' };
  const named = parts['zone'] ?? parts['inBrackets'];
  const zone = parts['offset'] === undefined ? zoneOf(named ?? local()) : offsetZone(parts['offset']);
  if (zone === null) return { kind: 'wrong', why: `there is no time zone ${named ?? parts['offset']}` };
  const midnight = parts['word'] === undefined ? dateOf(parts) : wordOf(parts['word'], zone, now);
  if (midnight === null) return { kind: 'wrong', why: 'the calendar has no such day' };
  if (parts['hour'] === undefined)
    return {
      kind: 'day',
      from: isoIn(zone, instantOf(zone, midnight)),
      until: isoIn(zone, instantOf(zone, midnight + day)),
    };
  const time = clockOf(parts);
  if (time === null) return { kind: 'wrong', why: 'the clock has no such time' };
  return timeOf(zone, midnight + time);
}

/** Somebody meant a time who begins like this, whatever stands behind it. */
const looksLikeTime = (text: string): boolean => /^(?:\d{4}[-/.]\d|\d{1,2}[:.]\d|(?:today|yesterday)\b)/i.test(text);

type Parts = Readonly<Record<string, string | undefined>>;

/** Midnight of the day, as a wall; null: the calendar has no such day. */
function dateOf(parts: Parts): number | null {
  const [year, month, dayOfMonth] = [Number(parts['year']), Number(parts['month']), Number(parts['day'])];
  const wall = Date.UTC(year, month - 1, dayOfMonth);
  const found = new Date(wall);
  const same =
    found.getUTCFullYear() === year && found.getUTCMonth() === month - 1 && found.getUTCDate() === dayOfMonth;
  return same && year >= 1970 ? wall : null;
}

function wordOf(word: string, zone: string, now: number): number {
  const today = Math.floor(wallAt(zone, now) / day) * day;
  return word.toLowerCase() === 'today' ? today : today - day;
}

/** Since midnight, ms; null: no clock shows it. */
function clockOf(parts: Parts): number | null {
  const [hour, minutes, seconds] = [Number(parts['hour']), Number(parts['minute']), Number(parts['second'] ?? 0)];
  if (hour > 23 || minutes > 59 || seconds > 59) return null;
  const fraction = parts['fraction'];
  const ms = Number((fraction ?? '').padEnd(3, '0').slice(0, 3));
  return hour * 60 * minute + minutes * minute + seconds * 1000 + ms;
}

/** In a zone whose clock is put forward or back, a time may not be there, or be there twice. */
function timeOf(zone: string, wall: number): MomentFound {
  const instants = instantsOf(zone, wall);
  const [first, second] = instants;
  if (first === undefined) {
    const change = instantOf(zone, wall);
    return {
      kind: 'wrong',
      why: `the clocks of ${zone} never showed that time: they went from ${clockText(wallAt(zone, change - 1) + 1)} to ${clockText(wallAt(zone, change))}`,
      wayOut: `Say the time with an offset: ${isoIn(zone, change)} is the moment of the change.`,
    };
  }
  if (second !== undefined)
    return {
      kind: 'wrong',
      why: `the clocks of ${zone} showed that time twice`,
      wayOut: `Say which: ${isoIn(zone, first)} or ${isoIn(zone, second)}.`,
    };
  return { kind: 'time', from: isoIn(zone, first) };
}

const clockText = (wall: number): string => new Date(wall).toISOString().slice(11, 16);

/** The zone of a fixed offset, as Intl names it: `+01:00`; null: no zone is so far from UTC. */
function offsetZone(text: string): string | null {
  if (/^z$/i.test(text)) return 'UTC';
  const [, sign = '+', hours = '00', minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(text) ?? [];
  if (Number(hours) > 14 || Number(minutes) > 59) return null;
  return zoneOf(`${sign}${hours}:${minutes}`);
}

/** Null where there is no such zone. */
function zoneOf(name: string): string | null {
  try {
    offsetAt(name, 0);
    return name;
  } catch {
    return null;
  }
}

/** ISO 8601 with the offset that the zone has at that instant; whole seconds where it is one. */
export function isoIn(zone: string, instant: number): string {
  const ms = offsetAt(zone, instant);
  const text = new Date(instant + ms).toISOString().replace(/(?:\.000)?Z$/, '');
  if (ms === 0) return `${text}Z`;
  const minutes = Math.abs(ms) / minute;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${text}${ms < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
