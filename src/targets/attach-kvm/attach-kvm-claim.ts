import { join } from 'node:path';
import { claimOf as directoryClaim, type DirectoryClaim, type DiskNames } from '../directory/disk-names.ts';
import type { ClaimFacts, RestoredDisk, RestoreRequest, ToOf } from '../target-kind.ts';
import { markFile } from './attached-mark.ts';

/** Durable before anything is made. */
export interface AttachKvmClaim extends DirectoryClaim {
  /** The mark. */
  readonly others: readonly DiskNames[];
  readonly runId: string;
}

/** The disks of a run have a folder of their own, which goes with them. */
export const folderName = (runId: string): string => `sendense-${runId}`;

const diskTo = ({ folder }: ToOf<'attachKvm'>, runId: string): ToOf<'directory'> => ({
  directory: join(folder, folderName(runId)),
  format: 'qcow2',
  subformat: 'monolithicSparse',
  thin: false,
});

export const diskRequest = (
  request: RestoreRequest<'attachKvm'>,
  { runId }: Pick<AttachKvmClaim, 'runId'>,
): RestoreRequest<'directory'> => ({ ...request, to: diskTo(request.to, runId) });

export function claimOf(to: ToOf<'attachKvm'>, disks: readonly RestoredDisk[], facts: ClaimFacts): AttachKvmClaim {
  const claim = directoryClaim(diskTo(to, facts.runId), disks, facts);
  return {
    ...claim,
    others: [
      {
        disk: markFile,
        temporary: join(claim.parts ?? claim.directory, `${markFile}.${facts.runId}.sendense-part`),
        file: join(claim.directory, markFile),
      },
    ],
    runId: facts.runId,
  };
}
