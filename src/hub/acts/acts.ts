import type {
  BackupProgressOutput,
  ChangeIdsOutput,
  HubRestore,
  HubRestoreRequest,
  HubRestoreTargets,
} from '../../schemas/types.ts';
import type { MadePlan } from './restore-plan.ts';

/** A plan that the hub has seen, and how `sendense-run` begins it. */
export interface StartablePlan {
  readonly plan: string;
  readonly kind: string;
  /** `*` where it is about several. */
  readonly vm: string;
  readonly repository: string | null;
  /** Absolute. */
  readonly file: string;
  /** The text that its schedule has in force is run, which may be older than the file. */
  readonly scheduled: boolean;
}

export type CancelAnswer = 'asked' | 'ended';

/** What is asked of the hub that begins or ends something, and is no command of its own. */
export interface Acts {
  /** @throws SendenseError `plan.unknown` */
  plan(name: string): StartablePlan;
  /**
   * The plan that backs a VM up.
   * @throws SendenseError `plan.unknown`; `request.invalid` where there are several
   */
  planOfVm(vm: string, repository: string | undefined): StartablePlan;
  /**
   * Asks a run to stop and clean up. Again is fine.
   * @param who asks, for the record
   * @throws SendenseError `run.unknown`, `run.elsewhere`
   */
  cancelRun(id: string, who: string): CancelAnswer;
  /** Writes down who has begun a run. */
  begunBy(runId: string, who: string): void;
  /** How far a backup has come, disk by disk. Undefined: there is no such run. */
  progress(runId: string): BackupProgressOutput | undefined;
  /** The run that made a restore point, or makes it; undefined: none that is known. */
  runOfBackup(backupId: string): string | undefined;
  /** What the next incremental backup of a VM asks the hypervisor for. Undefined: it has no restore point. */
  changeIds(vm: string, repository: string | undefined): ChangeIdsOutput | undefined;
  /** The plan that a request for a restore stands for. @throws SendenseError `request.invalid`, `point.unknown`, `target.not-allowed` */
  restorePlan(request: HubRestoreRequest): Promise<MadePlan>;
  /** A folder or file of the hub that a request names. @throws SendenseError `request.invalid`, `target.not-allowed` */
  assertPlace(field: string, path: unknown): Promise<void>;
  restoreTargets(): Promise<HubRestoreTargets>;
  /** How far a restore is, and what it has made. Undefined: there is no such restore. */
  restore(runId: string): HubRestore | undefined;
}
