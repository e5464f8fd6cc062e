import type { Path } from '../../errors/findings/finding.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { durationMs, longestDuration } from '../../time/duration.ts';
import { shown } from '../../errors/findings/words.ts';

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
