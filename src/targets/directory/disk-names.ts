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
}

export function claimOf(to: ToOf<'directory'>, disks: readonly RestoredDisk[], facts: ClaimFacts): DirectoryClaim {
  const directory = resolve(facts.planFolder, to.directory);
  const parts = partsOf(directory, facts);
  const { extension } = formatOf(to);
  return {
    directory,
    parts,
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
export const partNames = ({ targets }: DirectoryClaim): string[] => targets.map(({ temporary }) => basename(temporary));
