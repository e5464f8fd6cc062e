import type { InPlaceChecked, InPlaceEnded } from '../../schemas/types.ts';

export const givenUpText = ({ name }: InPlaceChecked, { run, point }: NonNullable<InPlaceChecked['torn_by']>): string =>
  `run ${run} has restored the VM ${name} in part, from ${point}, and somebody has removed the mark that said so: what was on its disks before this restore was not whole`;

/**
 * What stays behind.
 * @param hasBegun whether it is known that something was written; where the VM is gone nobody can say that nothing was
 */
export function tornText(which: string, state: InPlaceEnded['state'], hasBegun: boolean): string | null {
  if (state === 'torn')
    return `${which} is restored in part: its disks are not whole, and its notes say so. Do not start it. Run the same restore again: it goes on`;
  if (state === 'gone')
    return `${which} is not there any more: somebody has deleted or unregistered it. ${hasBegun ? 'Its disks are restored in part' : 'Nobody knows whether its disks are restored in part'}: if you register it again, do not start it before the same restore has gone on to its end`;
  return state === 'unmarked'
    ? `${which} is restored in part, and somebody has removed the mark that said so: its disks are not whole. Do not start it. Run the same restore again, with --compare-all`
    : null;
}
