import { diagnosticOf, type Diagnostic } from './diagnostic.ts';
import type { Path, PlanDocument } from './document.ts';
import { durationMs, longestDuration } from './duration-ms.ts';
import { shown } from './words.ts';

/** @param least ms */
export function checkDuration(document: PlanDocument, value: unknown, path: Path, least: number): Diagnostic[] {
  const duration = durationMs(value);
  if (duration === undefined || (duration >= least && duration <= longestDuration)) return [];
  const message =
    duration < least
      ? `${String(path.at(-1))} of ${shown(value)} would end it at once`
      : `${String(path.at(-1))} of ${shown(value)} is longer than 24 days`;
  return [diagnosticOf(document, { rule: 'duration/range', at: { path, part: 'value' }, message })];
}
