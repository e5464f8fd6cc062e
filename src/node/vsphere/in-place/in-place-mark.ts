import { inPlaceLines, withoutLinesAnywhere } from '../../../machines/lines-in-notes.ts';
import type { SoapObject } from '../encode-soap.ts';
import { list, optionalText, type XmlValue } from '../xml.ts';

/** What says that a VM is being restored in place: in its configuration, from before the first byte until it is whole. */
export interface InPlaceMark {
  readonly run: string;
  readonly point: string;
  /** Whether a byte may have been written: from then on its disks are neither what they were nor what they are to be. */
  readonly isTorn: boolean;
  /** Id of the backup that was made before; null: none was. */
  readonly safety: string | null;
  /** The disks that it writes to; null: that cannot be read, so any of them. */
  readonly disks: readonly MarkedDisk[] | null;
  /** How it is told later whether somebody has started the VM; null: an older version marked it. */
  readonly since: MarkedSince | null;
}

export interface MarkedSince {
  /** What starts had left in the VM (`startsDigest`). */
  readonly starts: string;
  /** When the restore looked at it, ms since the epoch by the server's clock. */
  readonly at: number;
}

export interface MarkedDisk {
  readonly key: number;
  /** See `identityOf`: a disk keeps it where it gets another place. Null: an older version marked the VM. */
  readonly id: string | null;
}

/** Which restore wrote its disks last: the hypervisor's lists of changes do not lead over it. */
export interface InPlaceNote extends Pick<InPlaceMark, 'run' | 'point'> {
  /** Whether it came to its end. */
  readonly isWhole: boolean;
}

const markOption = 'sendense.in-place';
const noteOption = 'sendense.restored-in-place';
const word = '[A-Za-z0-9._-]{1,100}';
const markForm = new RegExp(
  `^run=(${word}) point=(${word}) torn=(yes|no) safety=(${word})? disks=([0-9,]*)(?: ids=([A-Za-z0-9,-]*))?(?: starts=([0-9a-f]{64}) at=(\\d{1,15}))?$`,
);
const noteForm = new RegExp(`^run=(${word}) point=(${word})( torn)?$`);

/**
 * @returns null: it has none. One that cannot be read counts as torn: what wrote it is not known.
 */
export function inPlaceMarkIn(extraConfig: XmlValue | undefined): InPlaceMark | null {
  const text = valueOf(extraConfig, markOption);
  if (text === null) return null;
  const [, run, point, torn, safety = null, keys = '', ids = '', starts, at] = markForm.exec(text) ?? [];
  if (run === undefined || point === undefined)
    return { run: 'unknown', point: 'unknown', isTorn: true, safety: null, disks: null, since: null };
  const known = ids.split(',');
  const disks = keys
    .split(',')
    .filter(Boolean)
    .map((key, index) => ({ key: Number(key), id: known[index] || null }));
  return {
    run,
    point,
    isTorn: torn === 'yes',
    safety,
    disks,
    since: starts === undefined ? null : { starts, at: Number(at) },
  };
}

/** @returns null: no restore in place has written to it */
export function inPlaceNoteIn(extraConfig: XmlValue | undefined): InPlaceNote | null {
  const [, run, point, torn] = noteForm.exec(valueOf(extraConfig, noteOption) ?? '') ?? [];
  return run !== undefined && point !== undefined ? { run, point, isWhole: torn === undefined } : null;
}

export function markOptionOf({ run, point, isTorn, safety, disks, since }: InPlaceMark): SoapObject {
  const keys = (disks ?? []).map(({ key }) => key).join(',');
  const ids = (disks ?? []).map(({ id }) => id ?? '').join(',');
  const facts = `run=${run} point=${point} torn=${isTorn ? 'yes' : 'no'} safety=${safety ?? ''}`;
  return optionOf(
    markOption,
    `${facts} disks=${keys} ids=${ids}${since === null ? '' : ` starts=${since.starts} at=${since.at}`}`,
  );
}

/** An empty value removes the key (vSphere API reference, VirtualMachineConfigSpec.extraConfig). */
export const noMark = (): SoapObject => optionOf(markOption, '');

export const noteOptionOf = ({ run, point, isWhole }: InPlaceNote): SoapObject =>
  optionOf(noteOption, `run=${run} point=${point}${isWhole ? '' : ' torn'}`);

/** The run that restores a VM in place or has done so last, where it is another one; null: there is none. */
export function otherInPlace(extraConfig: XmlValue | undefined, run: string): string | null {
  const last = inPlaceMarkIn(extraConfig) ?? inPlaceNoteIn(extraConfig);
  return last === null || last.run === run ? null : last.run;
}

const [looking, torn] = inPlaceLines.sentences;

/** The notes of the VM as people see them meanwhile; what they were stands below. */
export function markedNotes({ run, point, isTorn }: InPlaceMark, annotation: string): string {
  const head = `${inPlaceLines.head} run=${run} point=${point}`;
  const rest = withoutInPlaceLines(annotation);
  return `${head}\n${isTorn ? torn : looking}${rest === '' ? '' : `\n\n${rest}`}`;
}

export const withoutInPlaceLines = (annotation: string): string => withoutLinesAnywhere(annotation, inPlaceLines);

function valueOf(extraConfig: XmlValue | undefined, key: string): string | null {
  const found = list(extraConfig, 'OptionValue').find((one) => optionalText(one, 'key') === key);
  return (found && optionalText(found, 'value')) || null;
}

const optionOf = (key: string, value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', key],
    ['value', { string: value }],
  ],
});
