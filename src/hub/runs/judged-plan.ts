import { isBackupKind } from '../../plan/backup-kinds.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

/** A plan as the hub has judged who may run it. */
export interface JudgedPlan {
  readonly plan: string;
  readonly kind: string;
  readonly vm: string;
}

const variable = 'SENDENSE_JUDGED_PLAN';

/** What tells a process of its own that it may run a plan only as it was judged. */
export const judgedEnvironment = (judged: JudgedPlan | undefined): Readonly<Record<string, string>> =>
  judged === undefined ? {} : { [variable]: JSON.stringify(judged) };

/** The mode of a run makes an incremental of a backup, and the other way round. */
const isAlike = (one: string, other: string): boolean => one === other || (isBackupKind(one) && isBackupKind(other));

/** The plan that this process may run; undefined: any. What it starts is not bound by that. */
export function takeJudged(): JudgedPlan | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  Reflect.deleteProperty(process.env, variable);
  return JSON.parse(text) as JudgedPlan;
}

/**
 * The file of a plan is read when it runs, and somebody may have changed it since it was judged: then it is none that the caller may run.
 * @throws SendenseError `plan.unknown`
 */
export function assertAsJudged(file: string, judged: JudgedPlan, now: JudgedPlan): void {
  if (judged.plan === now.plan && isAlike(judged.kind, now.kind) && judged.vm === now.vm) return;
  throw new SendenseError(
    'plan.unknown',
    `${file} has been changed: it is not the plan any more that the hub knows as ${judged.plan}`,
    { details: { field: 'plan' }, remedy: 'Run it once at the hub: `sendense-run FILE`, or let the daemon read it.' },
  );
}
