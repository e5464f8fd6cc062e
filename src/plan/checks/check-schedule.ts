import type { Finding, Path } from '../../errors/findings/finding.ts';
import { Cron } from 'croner';
import { checkDuration } from './check-duration.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { shown } from '../../errors/findings/words.ts';

/** What a schema cannot say about a plan's schedule, which may be anything: what the schema refuses is passed over. */
export function checkSchedule(document: PlanDocument, schedule: unknown, path: Path = ['schedule']): Diagnostic[] {
  if (typeof schedule !== 'object' || schedule === null) return [];
  const { cron, timezone } = schedule as { cron?: unknown; timezone?: unknown };
  const diagnostics: Diagnostic[] = [];
  if (typeof timezone === 'string' && timezone !== '' && !isZone(timezone)) {
    diagnostics.push(
      diagnosticOf(document, {
        rule: 'schedule/timezone',
        at: { path: [...path, 'timezone'], part: 'value' },
        message: `${shown(timezone)} is not a time zone`,
        suggestion: zoneMeantBy(timezone),
      }),
    );
  }
  if (typeof cron === 'string' && cron !== '') diagnostics.push(...checkCron(document, cron, [...path, 'cron']));
  return [...diagnostics, ...checkSpans(document, schedule, path), ...checkBlackouts(document, schedule, path)];
}

function checkSpans(document: PlanDocument, schedule: object, path: Path): Diagnostic[] {
  const { jitter, catchUpWindow } = schedule as { jitter?: unknown; catchUpWindow?: unknown };
  return [
    ...checkDuration(document, jitter, [...path, 'jitter'], 0),
    ...checkDuration(document, catchUpWindow, [...path, 'catchUpWindow'], 0),
  ];
}

function checkBlackouts(document: PlanDocument, schedule: object, path: Path): Diagnostic[] {
  const { blackout } = schedule as { blackout?: unknown };
  if (!Array.isArray(blackout)) return [];
  return blackout.flatMap((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const finding = blackoutFinding(entry as Blackout, [...path, 'blackout', index]);
    return finding ? [diagnosticOf(document, { rule: 'schedule/blackout', ...finding })] : [];
  });
}

type Blackout = Readonly<Partial<Record<'from' | 'to' | 'days' | 'start' | 'end', unknown>>>;

/** The first thing that is wrong with one. */
function blackoutFinding(entry: Blackout, path: Path): Omit<Finding, 'rule'> | null {
  const has = (key: keyof Blackout): boolean => entry[key] !== undefined;
  const at = (key: keyof Blackout) => ({ path: [...path, key], part: 'value' as const });
  const weekly = (['from', 'to', 'days'] as const).filter(has);
  const once = (['start', 'end'] as const).filter(has);
  if (weekly[0] !== undefined && once[0] !== undefined)
    return { at: { path: [...path, once[0]] }, message: `${once[0]} does not go with ${weekly[0]}` };
  for (const [one, other] of [
    ['from', 'to'],
    ['start', 'end'],
  ] as const)
    if (has(one) !== has(other))
      return { at: { path }, message: has(one) ? `${one} is without ${other}` : `${other} is without ${one}` };
  if (weekly.length === 0 && once.length === 0) return { at: { path }, message: 'a blackout needs a begin and an end' };
  if (!has('from') && !has('start')) return { at: at('days'), message: 'days are without from and to' };
  if (has('from') && entry.from === entry.to)
    return {
      at: at('to'),
      message: 'it begins and ends at the same time',
      remedy: 'A whole day is from "00:00" to "24:00".',
    };
  for (const key of once)
    if (typeof entry[key] === 'string' && Number.isNaN(timeOf(entry[key])))
      return { at: at(key), message: `${shown(entry[key])} is no date and time that exists` };
  if (typeof entry.start === 'string' && typeof entry.end === 'string' && timeOf(entry.end) <= timeOf(entry.start))
    return { at: at('end'), message: 'it ends before it begins' };
  return null;
}

/** As if in UTC where it names no zone: good enough to tell dates that are wrong, or the wrong way round. */
function timeOf(text: string): number {
  const written = text.replace(' ', 'T');
  const time = Date.parse(/(Z|[+-]\d{2}:\d{2})$/.test(written) ? written : `${written}Z`);
  const day = new Date(`${written.slice(0, 10)}T00:00:00Z`);
  // JavaScript takes the 31st of February for the 3rd of March.
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== written.slice(0, 10) ? NaN : time;
}

function checkCron(document: PlanDocument, cron: string, path: Path): Diagnostic[] {
  let verdict = verdicts.get(cron);
  if (verdict === undefined) verdicts.set(cron, (verdict = judge(cron)));
  return verdict ? [diagnosticOf(document, { ...verdict, at: { path, part: 'value' } })] : [];
}

type Verdict = Omit<Finding, 'at'> | null;

/** By expression: many plans share one. */
const verdicts = new Map<string, Verdict>();

function judge(cron: string): Verdict {
  const nickname = cron.trim().startsWith('@');
  try {
    const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', utcOffset: 0 });
    // Whether a date ever comes does not depend on the zone.
    return job.nextRun() ? null : { rule: 'schedule/never', message: `${shown(cron)} names a date that never comes` };
  } catch (error) {
    const fields = cron.trim().split(/\s+/).length;
    const count = `it has ${fields} ${fields === 1 ? 'field' : 'fields'}, and five or six are wanted`;
    const why = nickname ? 'there is no such nickname' : fields < 5 || fields > 6 ? count : reasonIn(error);
    return {
      rule: 'schedule/cron',
      message: `${shown(cron)} is not a cron expression: ${why}`,
      suggestion: nickname ? didYouMean(cron.trim(), nicknames) : null,
      allowed: nickname ? nicknames : [],
    };
  }
}

const nicknames = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly'];

/** croner's reason without its prefix and without the expression, which the message holds already. */
const reasonIn = (error: unknown): string => {
  const text = (error as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
};

const zones = new Map<string, boolean>();

/** Most zones are in the list; a first formatter takes ICU ten times as long. */
function isZone(name: string): boolean {
  let known = zones.get(name);
  if (known === undefined)
    zones.set(name, (known = Intl.supportedValuesOf('timeZone').includes(name) || canFormat(name)));
  return known;
}

/** Names that are not in the list: UTC, links such as US/Eastern. */
function canFormat(name: string): boolean {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    // Offsets like +01:00 are accepted by Intl, but they know no summer time: not what a schedule should be.
    return !/^[+-]/.test(timeZone);
  } catch {
    return false;
  }
}

function zoneMeantBy(name: string): string | null {
  const all = Intl.supportedValuesOf('timeZone');
  const city = name.toLowerCase().replaceAll(' ', '_');
  return didYouMean(name, all) ?? all.find((zone) => zone.toLowerCase().endsWith(`/${city}`)) ?? null;
}
