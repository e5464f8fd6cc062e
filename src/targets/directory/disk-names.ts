import { basename, join, resolve } from 'node:path';
import { formatOf } from './formats.ts';
import type { ClaimFacts, RestoredDisk, ToOf } from '../target-kind.ts';

export interface DiskNames {
  readonly disk: string;
  /** Absolute; bears the run's id, so that it is ours. */
  readonly temporary: string;
  readonly file: string;
}

export interface DirectoryClaim {
  readonly directory: string;
  /** Absolute, in `directory`: others may be able to write there, and only this user can write here. Not in claims of earlier versions. */
  readonly parts?: string;
  readonly targets: readonly DiskNames[];
  /** Run folder of the servers that disks are read by, where the format needs one. Not in claims of earlier versions. */
  readonly folderId?: string;
  /** What is written beside the disks, by a kind of target that does so. */
  readonly others?: readonly DiskNames[];
}

/** The run folder of a run's servers for writing disks: apart from those that it reads them back by. */
export const writeFolderId = (runId: string): string => `${runId}-write`;

export function claimOf(to: ToOf<'directory'>, disks: readonly RestoredDisk[], facts: ClaimFacts): DirectoryClaim {
  const directory = resolve(facts.planFolder, to.directory);
  const parts = partsOf(directory, facts);
  const { extension, isStream = false } = formatOf(to);
  return {
    directory,
    parts,
    ...(isStream ? { folderId: writeFolderId(facts.runId) } : {}),
    targets: disks.map(({ disk }) => ({
      disk,
      temporary: join(parts, `${disk}.${facts.runId}.sendense-part`),
      file: join(directory, `${disk}.${extension}`),
    })),
  };
}

/** The folder in which the files are written until they are proven. */
export const partsOf = (directory: string, { runId, stepId }: Pick<ClaimFacts, 'runId' | 'stepId'>): string =>
  join(directory, `.${runId}.${stepId}.sendense-part`);

/** Names of the files in {@link partsOf}. */
export const partNames = ({ targets, others = [] }: DirectoryClaim): string[] =>
  [...targets, ...others].map(({ temporary }) => basename(temporary));
