import { wasStarted } from '../new-vm/untouched.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { inPlaceNoteIn } from './in-place-mark.ts';
import type { InPlaceVm } from './in-place-vm.ts';

/** A disk that is written to, with what is known of the restore point of the present state; null: there is none. */
interface Based {
  readonly base: { readonly restoredInPlace: string | null } | null;
}

interface Looked {
  readonly back: Based;
  readonly disk: { readonly label: string };
  /** It has been written to since the safety backup. */
  readonly isChanged: boolean;
}

interface Restore {
  readonly vm: Moref;
  readonly disks: readonly Based[];
  /** Of the restore that is about to write. */
  readonly mark: { readonly safety: string | null };
}

/** The state that is overwritten is not the one of the safety backup, where somebody has come in between. @returns null: it is */
export function lostBy(
  marked: InPlaceVm,
  { disks, mark }: Pick<Restore, 'disks' | 'mark'>,
  found: readonly Looked[],
): string | null {
  const backup = mark.safety === null ? 'the backup before this restore' : `the backup ${mark.safety}`;
  const stale = disks.find((disk) => staleBy(disk, marked) !== null);
  if (stale)
    return `run ${staleBy(stale, marked)} has restored the VM ${marked.seen.name} in place after ${backup}: what was on its disks since is in no restore point`;
  const without = mark.safety === null ? [] : found.filter(({ back }) => back.base === null);
  if (without.length > 0)
    return `${backup} does not have ${without.map(({ disk }) => disk.label).join(' and ')} of the VM ${marked.seen.name}: what was on it is in no restore point`;
  if (found.some(({ isChanged }) => isChanged))
    return `the disks of the VM ${marked.seen.name} were written to after ${backup}: what was written is in no restore point`;
  return null;
}

export const missingText = ({ seen, mark, missing }: InPlaceVm): string =>
  `run ${mark?.run} writes to disks that the VM ${seen.name} does not have any more (device ${missing.map(({ key }) => key).join(', ')}): they may be torn. If they come back, restore them before anybody uses them`;

/** Of a VM that an earlier restore has torn: what was written since its backup was made. @returns null: nothing that shows */
export async function lostOverTorn(
  vsphere: Vsphere,
  { seen, mark, untouched }: InPlaceVm,
  { vm, mark: { safety } }: Pick<Restore, 'vm' | 'mark'>,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  if (mark === null) return null;
  const backup = safety === null ? 'the backup before that' : `the backup ${safety}`;
  const { since } = mark;
  const isStarted =
    since !== null && (since.starts !== seen.starts || (await wasStarted(vsphere, vm, signal, since.at)));
  if (isStarted)
    return `somebody has started the VM ${seen.name} since run ${mark.run} has restored it in part: what was written since is in no restore point`;
  return untouched.length === 0
    ? null
    : `run ${mark.run} does not write to ${untouched.join(' and ')} of the VM ${seen.name}: what was written there after ${backup} is in no restore point`;
}

/** The run that has written to the disks since the safety backup: neither its index nor the list of changes tells what is on them then. */
export function staleBy({ base }: Based, { seen }: InPlaceVm): string | null {
  const note = inPlaceNoteIn(seen.values.get('config.extraConfig'));
  return base === null || (note?.run ?? null) === base.restoredInPlace ? null : (note?.run ?? 'unknown');
}
