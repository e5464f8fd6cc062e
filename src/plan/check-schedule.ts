import { Cron } from 'croner';
import { diagnosticOf, type Diagnostic, type Finding } from './diagnostic.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Path, PlanDocument } from './document.ts';
import { shown } from './words.ts';

/** Cron expression and time zone of a plan. `schedule` may be anything: what the schema refuses is passed over. */
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
  return diagnostics;
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
    const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', timezone: 'UTC' });
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

function isZone(name: string): boolean {
  let known = zones.get(name);
  if (known === undefined) zones.set(name, (known = canFormat(name)));
  return known;
}

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
