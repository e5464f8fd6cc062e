import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { lookAtVm, type SeenVm } from './marked-vm.ts';
import { assertOwnDisks } from './own-disks.ts';

const mostTries = 5;

/**
 * Deletes a VM with its disks, if nothing speaks against that as it is now. "Nothing there" is success.
 *
 * `Destroy_Task` takes no `changeVersion`: it cannot be told to delete only what was looked at. So the VM is looked at again after all
 * other questions, and must be as it was when it was judged. What remains is the time of one call: vSphere refuses to delete a VM that
 * was started in it, and deletes one that got a snapshot, other notes or another disk in it.
 * @param judge why it stays; null: nothing speaks against it
 * @returns what `judge` said; null: it is gone
 * @throws SendenseError `vsphere.busy` where it has disks of other VMs, or is changed all the time, `vsphere.*`
 */
export async function destroyJudged<T>(
  vsphere: Vsphere,
  object: Moref,
  judge: (seen: SeenVm) => Promise<T | null> | T | null,
  signal?: AbortSignal,
): Promise<T | null> {
  let seen = await lookAtVm(vsphere, object, signal);
  for (let tries = 1; seen !== null; tries++) {
    const why = await judge(seen);
    if (why !== null) return why;
    await assertOwnDisks(vsphere, seen, signal);
    const again = await lookAtVm(vsphere, object, signal);
    if (again !== null && isSame(seen, again)) {
      await vsphere.task('Destroy_Task', object, [], signal ? { signal } : {});
      return null;
    }
    if (again !== null && tries === mostTries)
      throw new SendenseError(
        'vsphere.busy',
        `the VM ${seen.name} (${object.value}) stays: somebody changes it all the time`,
        {
          remedy: 'Wait until nobody works on it in vSphere, then run `sendense-run recover`.',
        },
      );
    seen = again;
  }
  return null;
}

/** Not every server has a `changeVersion`, and a start changes none. */
const isSame = (one: SeenVm, other: SeenVm): boolean =>
  (['changeVersion', 'isOn', 'hasSnapshot', 'isTemplate', 'annotation', 'hardware', 'starts'] as const).every(
    (fact) => one[fact] === other[fact],
  );
