import type { Path } from '../../errors/findings/finding.ts';
import { ruleNames } from '../../schemas/retention-rules.ts';
import { checkSchedule } from './check-schedule.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { wordOf } from '../../errors/findings/words.ts';

/** Whether a retention has no rule that keeps a restore point, so that nobody can mean it: one point would be left. */
export const keepsNothing = (retention: Readonly<Record<string, unknown>>): boolean =>
  ruleNames.every((rule) => (retention[rule] ?? 0) === 0) &&
  /^0*(h|d|w|mo|y)?$/.test(wordOf(retention['minAge'] ?? ''));

/** A retention that keeps nothing, and its time zone. It may be anything: what the schema refuses is passed over. */
export function checkRetention(document: PlanDocument, retention: unknown, path: Path = ['retention']): Diagnostic[] {
  if (typeof retention !== 'object' || retention === null || Array.isArray(retention)) return [];
  const rules = retention as Readonly<Record<string, unknown>>;
  const zone = checkSchedule(document, { timezone: rules['timezone'] }, path);
  if (Object.keys(rules).length === 0 || !keepsNothing(rules)) return zone;
  const message = 'no rule of this retention keeps a restore point';
  return [...zone, diagnosticOf(document, { rule: 'retention/keeps-nothing', at: { path }, message })];
}
