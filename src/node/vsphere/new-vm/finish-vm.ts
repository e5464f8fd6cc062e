import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SoapObject } from '../encode-soap.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { noDiskNotes } from './disk-notes.ts';
import { markedAnnotation, readRestoreMark, withoutMark, type RestoreMark } from './restore-mark.ts';

/** How a VM is that a restore has made. */
export interface RestoredState {
  readonly name: string;
  readonly isOn: boolean;
  readonly annotation: string;
  /** null: it is not, or no longer, marked as unfinished. */
  readonly mark: RestoreMark | null;
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
  const paths = ['name', 'config.annotation', 'config.extraConfig', 'runtime.powerState'];
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  if (!shown) return null;
  const annotation = optionalText(shown.values.get('config.annotation')) ?? '';
  const note = list(shown.values.get('config.extraConfig'), 'OptionValue').find(
    (one) => optionalText(one, 'key') === option,
  );
  return {
    name: optionalText(shown.values.get('name')) ?? object.value,
    isOn: optionalText(shown.values.get('runtime.powerState')) !== 'poweredOff',
    annotation,
    mark: readRestoreMark(annotation),
    finishedBy: note ? readNote(optionalText(note, 'value') ?? '') : null,
  };
}

/**
 * The last step: from now on the VM is not ours to remove. Its configuration remembers which restore made it.
 * @throws SendenseError `vsphere.*`
 */
export async function finishVm(
  vsphere: Vsphere,
  object: Moref,
  { annotation }: { readonly annotation: string },
  mark: RestoreMark,
  signal?: AbortSignal,
): Promise<void> {
  const then = annotation.trim() === '' ? `Restored by Sendense from ${mark.point}.` : annotation;
  const options = [noDiskNotes(), noteOf(`run=${mark.run} point=${mark.point}`)];
  await reconfigure(vsphere, object, then, options, signal);
}

/**
 * Undoes {@link finishVm}: the VM is marked again.
 * @throws SendenseError `vsphere.busy` where it runs: somebody uses it
 */
export async function reopenVm(
  vsphere: Vsphere,
  object: Moref,
  { name, isOn, annotation }: RestoredState,
  mark: RestoreMark,
  signal?: AbortSignal,
): Promise<void> {
  if (isOn)
    throw new SendenseError('vsphere.busy', `the VM ${name} (${object.value}) runs, so it stays`, {
      remedy: 'It is restored whole. Stop it, and delete it in vSphere if nobody needs it.',
    });
  await reconfigure(vsphere, object, markedAnnotation(mark, withoutMark(annotation)), [noteOf('')], signal);
}

async function reconfigure(
  vsphere: Vsphere,
  object: Moref,
  annotation: string,
  extraConfig: SoapObject[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const spec: SoapObject = {
    fields: [
      ['annotation', annotation],
      ['extraConfig', extraConfig],
    ],
  };
  await vsphere.task('ReconfigVM_Task', object, [['spec', spec]], signal ? { signal } : {});
}

function readNote(value: string): RestoreMark | null {
  const [, run, point] = /^run=([A-Za-z0-9._-]{1,100}) point=([A-Za-z0-9._-]{1,100})$/.exec(value) ?? [];
  return run !== undefined && point !== undefined ? { run, point } : null;
}

/** An empty value removes it. */
const noteOf = (value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', option],
    ['value', { string: value }],
  ],
});
