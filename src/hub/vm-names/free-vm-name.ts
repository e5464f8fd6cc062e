import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { conflictingPlans } from '../../plan/checks/conflicting-plans.ts';
import { loadPlanFile, loadPlanText } from '../../plan/load-plan.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';

/** A plan that is to be written. */
export interface PlanText {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/**
 * Whether another plan of the folder backs up another VM under the same name into the same repository: with two vCenters,
 * each may have a VM of that name.
 */
export function isNameTaken({ path, text }: PlanText, settings: LoadedSettings): boolean {
  const conflicts = conflictingPlans();
  for (const file of plansBeside(path)) conflicts(loadPlanFile(file), settings);
  return conflicts(loadPlanText({ file: path, text }), settings).some(({ rule }) => rule === 'plan/same-vm');
}

function plansBeside(path: string): string[] {
  const folder = dirname(path);
  try {
    const names = readdirSync(folder, { withFileTypes: true });
    return names
      .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name) && entry.name !== 'sendense.yaml')
      .map(({ name }) => join(folder, name))
      .toSorted();
  } catch {
    return [];
  }
}
