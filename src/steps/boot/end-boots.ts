import { withBoot } from '../../boot/claim.ts';
import { removeBoot } from '../../boot/remove-boot.ts';
import { findBoot } from '../../state/boots/boots.ts';
import type { State } from '../../state/database/open-state.ts';

/** Ends VMs and throws away what their guests wrote; those that are not there are done. All are tried. @throws SendenseError of the first that stays */
export async function endBoots(state: State, ids: readonly string[]): Promise<void> {
  const ended = await Promise.allSettled(
    ids.filter((id) => findBoot(state, id)).map((id) => withBoot(state, id, () => removeBoot(state, id))),
  );
  const failed = ended.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
