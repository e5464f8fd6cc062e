import { withBoot } from '../../boot/claim.ts';
import { removeBoot, type BootAccess } from '../../boot/remove-boot.ts';
import { findBoot } from '../../state/boots/boots.ts';

/** Ends VMs and throws away what their guests wrote; those that are not there are done. All are tried. @throws SendenseError of the first that stays */
export async function endBoots(access: BootAccess, ids: readonly string[]): Promise<void> {
  const ended = await Promise.allSettled(
    ids
      .filter((id) => findBoot(access.state, id))
      .map((id) => withBoot(access.state, id, () => removeBoot(access, id), { anyMove: true })),
  );
  const failed = ended.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
