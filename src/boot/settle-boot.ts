import { isRunning } from '../host/programs/process-identity.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { ownerOf, type BootRow } from '../state/boots/boots.ts';
import { placeOf, withBoot } from './claim.ts';
import { removeBoot } from './remove-boot.ts';

/** Whether a process works on it at this moment. */
export function isWorkedOn(row: BootRow): boolean {
  const owner = ownerOf(row);
  return owner !== null && isRunning(owner);
}

/** What a process that died was about to do: a VM that never ran goes, and so does one that was to go. */
export async function settleBoot(access: Pick<RepositoryAccess, 'state'>, row: BootRow): Promise<void> {
  if (placeOf(row) === 'elsewhere' || isWorkedOn(row)) return;
  if (row.state !== 'starting' && row.state !== 'stopping') return;
  await withBoot(access.state, row.id, () => removeBoot(access.state, row.id), { waitMs: 0 });
}
