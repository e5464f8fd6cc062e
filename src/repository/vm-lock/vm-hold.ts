/**
 * The lock of one VM in one repository, held by this process. It is a fence and no promise: whoever overtakes it removes
 * `folder` first, and looks at the VM afterwards. So a change that has to go through `folder` (`fenced.ts`) was either made before
 * the successor looked, or it fails; however long this process was stopped in between, and whatever clocks and caches say.
 */
export interface VmHold {
  /** Of the repository, absolute. */
  readonly root: string;
  /** The VM's folder in it. */
  readonly context: string;
  readonly fence: number;
  /** Absolute path; belongs to this holder alone. */
  readonly folder: string;
}
