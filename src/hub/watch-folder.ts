import { basename, resolve } from 'node:path';
import { errorToJson, SendenseError } from '../errors/sendense-error.ts';
import { loadPlanFile, looksLikeNodeSettings, looksLikeSettings } from '../plan/load-plan.ts';
import type { State } from '../state/database/open-state.ts';
import { watch } from './notify/watch-plan.ts';
import type { PlanHealth } from './describe/plan-health.ts';
import { distrustedPlan } from './schedule/distrusted-plan.ts';
import { findPlanFiles } from './schedule/find-plan-files.ts';

export interface WatchedFolder {
  /** Names of its plans. */
  readonly plans: ReadonlySet<string>;
  /** Files that are no valid plan: what they protect, nobody knows. */
  readonly invalid: readonly PlanHealth[];
}

/**
 * Takes the plans of a folder, and those below it, among those that are watched.
 * @throws SendenseError `file.unreadable`
 */
export async function watchFolder(state: State, folder: string): Promise<WatchedFolder> {
  const found = await findPlanFiles(resolve(folder)).catch((error: Error) => {
    throw new SendenseError('file.unreadable', error.message, { cause: error });
  });
  const plans = new Set<string>();
  const invalid: PlanHealth[] = [];
  for (const { path } of found.files) {
    const distrusted = distrustedPlan(path);
    if (distrusted) {
      invalid.push(invalidPlan(path, distrusted));
      continue;
    }
    const { plan, document, diagnostics } = loadPlanFile(path);
    if (plan) {
      watch(state, plan, path);
      plans.add(plan.name);
    } else if (!looksLikeSettings(document.value) && !looksLikeNodeSettings(document)) {
      invalid.push(invalidPlan(path, new SendenseError('plan.invalid', diagnostics[0]?.message ?? 'invalid')));
    }
  }
  return { plans, invalid };
}

const invalidPlan = (file: string, error: SendenseError): PlanHealth => ({
  plan: basename(file).replace(/\.ya?ml$/, ''),
  kind: '',
  vm: '*',
  repository: null,
  file,
  state: 'failing',
  late: false,
  last_success: null,
  last_success_run: null,
  age_ms: null,
  rpo_ms: null,
  last_failure: null,
  last_failure_run: null,
  failing_since: null,
  failures: 0,
  error: errorToJson(error),
  missed_slots: 0,
  paused: null,
});
