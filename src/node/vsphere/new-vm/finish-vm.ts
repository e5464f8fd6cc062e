import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SoapObject } from '../encode-soap.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { noDiskNotes, notesOption, notesText, readNotes, type DiskNotes } from './disk-notes.ts';
import { changeVm, lookAtVm, type SeenVm } from './marked-vm.ts';
import { markedAnnotation, withoutMark, type RestoreMark } from './restore-mark.ts';
import { touchedBy } from './untouched.ts';

/** How a VM is that a restore has made. */
export interface RestoredState extends SeenVm {
  /** The restore that finished it; null: none did. */
  readonly finishedBy: RestoreMark | null;
}

const option = 'sendense.restored';

/** @returns null: there is no such VM */
export async function restoredState(
  vsphere: Vsphere,
  object: Moref,
  signal?: AbortSignal,
): Promise<RestoredState | null> {
  const vm = await lookAtVm(vsphere, object, signal);
  return vm && { ...vm, finishedBy: noteIn(vm)?.mark ?? null };
}

/**
 * The last step: from now on the VM is not ours to remove. Its configuration remembers which restore made it. Its notes are what stands
 * below the mark at that moment.
 * @throws SendenseError `vsphere.*`
 */
export async function finishVm(
  vsphere: Vsphere,
  object: Moref,
  mark: RestoreMark,
  signal?: AbortSignal,
): Promise<void> {
  await changeVm(
    vsphere,
    object,
    (vm) => {
      const { notes } = vm;
      // Another run may have taken over since it was looked at: its mark stays. And what is finished stays as its users have it.
      if (vm.mark?.run !== mark.run) return [];
      const note = `run=${mark.run} point=${mark.point}${notes ? ` ${notesText(notes)}` : ''}`;
      return [
        ['annotation', notesWithout(vm, mark)],
        ['extraConfig', [noDiskNotes(), noteOf(note)]],
      ];
    },
    signal,
  );
}

/** The notes of a VM that a restore made are saved by its backups, and the sentence in them is about that restore. */
function notesWithout({ annotation }: SeenVm, { point }: RestoreMark): string {
  const notes = withoutMark(annotation);
  const isBare = notes.trim() === '' || /^Restored by Sendense from \S+\.$/.test(notes.trim());
  return isBare ? `Restored by Sendense from ${point}.` : notes;
}

/**
 * Undoes {@link finishVm}: the VM is marked again.
 * @throws SendenseError `vsphere.busy` where somebody uses it, or has used it
 */
export async function reopenVm(
  vsphere: Vsphere,
  object: Moref,
  mark: RestoreMark,
  signal?: AbortSignal,
): Promise<void> {
  await changeVm(
    vsphere,
    object,
    async (vm) => {
      const notes = noteIn(vm)?.notes ?? null;
      const touched = await touchedBy(vsphere, { ...vm, mark, notes }, signal);
      if (touched)
        throw new SendenseError('vsphere.busy', `the VM ${vm.name} (${object.value}) stays: ${touched.why}`, {
          remedy: 'It is restored whole. Stop it, and delete it in vSphere if nobody needs it.',
        });
      return [
        ['annotation', markedAnnotation(mark, withoutMark(vm.annotation))],
        ['extraConfig', [noteOf(''), ...(notes ? [notesOption(notes)] : [])]],
      ];
    },
    signal,
  );
}

/** What {@link finishVm} wrote. */
function noteIn({ values }: SeenVm): { readonly mark: RestoreMark; readonly notes: DiskNotes | null } | null {
  const note = list(values.get('config.extraConfig'), 'OptionValue').find((one) => optionalText(one, 'key') === option);
  const text = note ? (optionalText(note, 'value') ?? '') : '';
  const [, run, point, rest = ''] =
    /^run=([A-Za-z0-9._-]{1,100}) point=([A-Za-z0-9._-]{1,100})(?: (.*))?$/.exec(text) ?? [];
  return run !== undefined && point !== undefined ? { mark: { run, point }, notes: readNotes(rest) } : null;
}

/** An empty value removes it. */
const noteOf = (value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', option],
    ['value', { string: value }],
  ],
});
