import type { StartablePlan } from '../acts/acts.ts';
import type { HubPlanFiles } from '../../schemas/types.ts';

/** The text of a plan file, as it is. */
export interface PlanFileText {
  /** Relative to the folder of the plans. */
  readonly file: string;
  readonly text: string;
  /** An ETag of its bytes. */
  readonly version: string;
}

export interface PlanFileChange {
  /** What the reader of a file has seen of it: `If-Match` of a request, one or several ETags, or `*`. */
  readonly from: string;
}

/** Files of plans, for who edits them over HTTP. No call follows a link, and none leaves the folder of the plans. */
export interface PlanFiles {
  /** Absolute. */
  readonly folder: string;
  /** Whether the settings let files be read and written over HTTP (`hub: editPlans`). */
  readonly editable: boolean;
  /** Every plan file, by name. @throws SendenseError `file.unreadable` */
  list(): Promise<HubPlanFiles['files']>;
  /** The plan of a valid file that is named so, where there is one such file. @throws SendenseError `file.unreadable`, `plan.invalid` */
  planNamed(plan: string): Promise<StartablePlan | undefined>;
  /** Absolute path of a file that is there, or may be made. @throws SendenseError `plan.file` */
  pathOf(file: string): string;
  /** The name of the file at an absolute path; null where it is none of these. */
  nameOf(path: string): string | null;
  /** @throws SendenseError `plan.file`, `file.unreadable` */
  read(file: string): PlanFileText;
  /** @throws SendenseError `plan.file`, `file.exists`, `plan.unwritable`, `disk.full` */
  create(file: string, text: string): PlanFileText;
  /** Replaces a file, durably: after a crash the old or the new text is there. @throws SendenseError as `read`, `plan.changed`, `plan.unwritable`, `disk.full` */
  replace(file: string, text: string, change: PlanFileChange): PlanFileText;
  /** @throws SendenseError as `read`, `plan.changed`, `plan.unwritable` */
  remove(file: string, change: PlanFileChange): void;
}
