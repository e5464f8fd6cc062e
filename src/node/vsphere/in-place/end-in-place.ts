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
  await emptyNotes(vsphere, object, run, note === null, signal);
  await changeVm(
    vsphere,
    object,
    (seen) =>
      isMarkedBy(seen, run) && (note !== null || !isTorn(seen))
        ? [
            ['annotation', seen.annotation === '' ? undefined : withoutInPlaceLines(seen.annotation) || noNotes],
            ['extraConfig', [noMark(), ...(note ? [noteOptionOf(note)] : [])]],
          ]
        : [],
    signal,
  );
}

const isTorn = (seen: SeenVm): boolean => stateOf(seen).mark?.isTorn === true;

const isMarkedBy = (seen: SeenVm, run: string): boolean => stateOf(seen).mark?.run === run;

/** Of a VM that had none, at a server that does not empty them. */
const noNotes = 'Sendense has ended its work on the disks of this VM.';

/**
 * Of a VM that had none. A change of its own: VMware does not say that an empty text empties them. vCenter does it (govmomi, pull request
 * 1254); if a server takes it for "as they are", the next change sees that, while the mark is still there.
 */
async function emptyNotes(
  vsphere: Vsphere,
  object: Moref,
  run: string,
  onlyWhole: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const seen = await lookAtVm(vsphere, object, signal);
  const isToEmpty = (now: SeenVm): boolean => isMarkedBy(now, run) && !(onlyWhole && isTorn(now));
  if (seen && seen.annotation !== '' && withoutInPlaceLines(seen.annotation) === '')
    await changeVm(
      vsphere,
      object,
      (now) => (isToEmpty(now) && withoutInPlaceLines(now.annotation) === '' ? [['annotation', '']] : []),
      signal,
    );
}
