import { checkBlackout } from './check-blackout.ts';
import { checkRpo } from './check-rpo.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';

/** What is allowed in the schedule of a valid plan, and hardly meant. */
export const scheduleWarnings = (document: PlanDocument, plan: object): Diagnostic[] => [
  ...checkRpo(document, plan),
  ...checkBlackout(document, plan),
];
