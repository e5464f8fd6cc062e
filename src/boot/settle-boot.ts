import { isRunning } from '../host/programs/process-identity.ts';
import { listBoots, ownerOf, type BootRow } from '../state/boots/boots.ts';
import { placeOf, withBoot } from './claim.ts';
import { removeBoot, type BootAccess } from './remove-boot.ts';
import { settleUsedMarks } from './used-mark.ts';

/** Whether a process works on it at this moment. */
export function isWorkedOn(row: BootRow): boolean {
  const owner = ownerOf(row);
  return owner !== null && isRunning(owner);
}

/** What a process that died was about to do: a VM that never ran goes, and so does one that was to go. @throws SendenseError as `removeBoot` */
export async function settleBoot(access: BootAccess, row: BootRow): Promise<void> {
  if (placeOf(row) === 'elsewhere' || isWorkedOn(row)) return;
  if (row.state !== 'starting' && row.state !== 'stopping') return;
  await withBoot(access.state, row.id, () => removeBoot(access, row.id), { waitMs: 0, anyMove: true });
}

/** {@link settleBoot} of all, and their marks. One that cannot be removed stays in the list, and is in nobody's way. */
export async function settleBoots(access: BootAccess): Promise<void> {
  for (const row of listBoots(access.state)) await settleBoot(access, row).catch(() => undefined);
  await settleUsedMarks(access);
}
