import { SendenseError } from '../../../errors/sendense-error.ts';
import type { PlanFiles } from '../../plan-files/plan-files.ts';

/** @throws SendenseError `plan.locked` */
export function assertEditable({ editable }: Pick<PlanFiles, 'editable'>): void {
  if (!editable) throw new SendenseError('plan.locked', 'the settings do not let plans be edited over HTTP');
}
