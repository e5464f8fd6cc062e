import type { SendenseError } from '../../errors/sendense-error.ts';
import { loadPlanText } from '../../plan/load-plan.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import { completePlan } from '../../plan/expand/prepare-plan.ts';
import { readDocument } from '../../plan/yaml/read-document.ts';
import { scheduleWarnings } from '../../plan/checks/schedule-warnings.ts';
import type { Plan, Schedule } from '../../schemas/types.ts';
import type { ScheduledPlan } from '../../state/schedules/schedules.ts';
import { invalidPlan } from '../runs/load-pipeline.ts';
import { runLock } from '../runs/run-lock.ts';

/** What a plan file is to the daemon. */
export type ReadPlan =
  /** None of its business: a plan without a schedule, or no plan. */
  | { readonly type: 'none' }
  | {
      readonly type: 'plan';
      readonly name: string;
      readonly text: string;
      readonly facts: ScheduledPlan;
      readonly plan: Plan;
      /** What is allowed, and hardly meant. */
      readonly warnings: readonly string[];
    }
  /** The name is null where not even that can be read. `unread`: that can change although the file does not. */
  | { readonly type: 'invalid'; readonly name: string | null; readonly error: SendenseError; readonly unread?: true };

/**
 * Reads a plan file and checks it as `run` does.
 * @param scheduled whether its plan is on the schedule: then only a valid plan without a schedule takes it off, and no file
 * that was emptied or cut off
 */
export function readPlan(file: string, settings: LoadedSettings, scheduled = false): ReadPlan {
  const read = readDocument(file);
  if ('diagnostic' in read)
    return { type: 'invalid', name: null, error: invalidPlan([read.diagnostic], ''), unread: true };
  // Quick, and true for whatever way a schedule gets into a plan.
  if (!scheduled && !read.text.includes('schedule')) return { type: 'none' };
  const loaded = loadPlanText({ file, text: read.text });
  const value = loaded.document.value as { name?: unknown; kind?: unknown; schedule?: unknown } | null;
  const { pipeline, diagnostics } = completePlan(loaded, settings);
  if (!pipeline) {
    const name = typeof value?.name === 'string' && value.name !== '' ? value.name : null;
    return { type: 'invalid', name, error: invalidPlan(diagnostics, read.text) };
  }
  const { schedule, node, repository } = pipeline.plan as { schedule?: Schedule; node?: unknown; repository?: unknown };
  if (!schedule) return { type: 'none' };
  const facts: ScheduledPlan = {
    kind: pipeline.kind,
    vm: pipeline.vm,
    node: typeof node === 'string' ? node : null,
    repository: typeof repository === 'string' ? repository : null,
    lock: runLock({ kind: pipeline.kind, name: pipeline.name, repository, vm: pipeline.vm }),
    schedule,
  };
  const plan = pipeline.plan as unknown as Plan;
  const warnings = scheduleWarnings(loaded.document, plan).map(({ message }) => message);
  return { type: 'plan', name: pipeline.name, text: read.text, facts, plan, warnings };
}
