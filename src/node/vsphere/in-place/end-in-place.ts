import { changeVm, lookAtVm, type SeenVm } from '../new-vm/marked-vm.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import {
  inPlaceMarkIn,
  inPlaceNoteIn,
  noMark,
  noteOptionOf,
  withoutInPlaceLines,
  type InPlaceMark,
  type InPlaceNote,
} from './in-place-mark.ts';

/** How a VM is that is or was restored in place. */
export interface InPlaceState {
  readonly seen: SeenVm;
  readonly mark: InPlaceMark | null;
  /** The restore that wrote its disks last. */
  readonly note: InPlaceNote | null;
}

/** @returns null: there is no such VM */
export async function inPlaceState(
  vsphere: Vsphere,
  object: Moref,
  signal?: AbortSignal,
): Promise<InPlaceState | null> {
  const seen = await lookAtVm(vsphere, object, signal);
  return seen && stateOf(seen);
}

const stateOf = (seen: SeenVm): InPlaceState => {
  const extra = seen.values.get('config.extraConfig');
  return { seen, mark: inPlaceMarkIn(extra), note: inPlaceNoteIn(extra) };
};

/**
 * Takes the mark of a run away, and notes down that its disks were restored: backups do not trust lists of changes over that.
 * Nothing happens where another mark is there.
 */
export const finishInPlace = (
  vsphere: Vsphere,
  object: Moref,
  { run, point }: Pick<InPlaceNote, 'run' | 'point'>,
  signal?: AbortSignal,
) => unmark(vsphere, object, { run, note: { run, point, isWhole: true } }, signal);

/** Takes the mark of a run away that has written nothing. Nothing happens where another mark is there. */
export const releaseInPlace = (vsphere: Vsphere, object: Moref, run: string, signal?: AbortSignal) =>
  unmark(vsphere, object, { run, note: null }, signal);

async function unmark(
  vsphere: Vsphere,
  object: Moref,
  { run, note }: { readonly run: string; readonly note: InPlaceNote | null },
  signal: AbortSignal | undefined,
): Promise<void> {
  // A mark may have become torn since it was looked at: only the end of the restore takes that away.
  const isOurs = (seen: SeenVm): boolean => {
    const { mark } = stateOf(seen);
    return mark?.run === run && (note !== null || !mark.isTorn);
  };
  await emptyNotes(vsphere, object, isOurs, signal);
  await changeVm(
    vsphere,
    object,
    (seen) =>
      isOurs(seen)
        ? [
            ['annotation', seen.annotation === '' ? undefined : withoutInPlaceLines(seen.annotation) || noNotes],
            ['extraConfig', [noMark(), ...(note ? [noteOptionOf(note)] : [])]],
          ]
        : [],
    signal,
  );
}

/** Of a VM that had none, at a server that does not empty them. */
const noNotes = 'Sendense has ended its work on the disks of this VM.';

/**
 * Of a VM that had none. A change of its own: VMware does not say that an empty text empties them. vCenter does it (govmomi, pull request
 * 1254); if a server takes it for "as they are", the next change sees that, while the mark is still there.
 */
async function emptyNotes(
  vsphere: Vsphere,
  object: Moref,
  isOurs: (seen: SeenVm) => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const seen = await lookAtVm(vsphere, object, signal);
  if (seen && seen.annotation !== '' && withoutInPlaceLines(seen.annotation) === '')
    await changeVm(
      vsphere,
      object,
      (now) => (isOurs(now) && withoutInPlaceLines(now.annotation) === '' ? [['annotation', '']] : []),
      signal,
    );
}
