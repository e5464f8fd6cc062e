import type { SoapObject } from '../encode-soap.ts';
import { list, optionalText, type XmlValue } from '../xml.ts';

/** What the configuration of a VM says of a disk that a restore has attached to it. */
export interface AttachMark {
  readonly run: string;
  readonly point: string;
  /** In the restore point, `disk-1`. */
  readonly disk: string;
  /** The VM that the restore point is of. */
  readonly of: string;
  /** Instance uuid of the VM that got the disk: a copy of that VM has another one. */
  readonly vm: string;
  /** ISO 8601. */
  readonly time: string;
  /** `[datastore] folder/disk.vmdk`, as it was attached; a disk that moves has another file then. */
  readonly file: string;
}

/** A mark and the disk that it is about, see `identityOf`; `mark` is null where it cannot be read. */
export interface KeptMark {
  readonly id: string;
  readonly mark: AttachMark | null;
}

const prefix = 'sendense.attached.';
const idForm = /^[A-Za-z0-9-]{1,100}$/;
const word = '[A-Za-z0-9._-]{1,100}';
const form = new RegExp(
  `^run=(${word}) point=(${word}) disk=(disk-[0-9]{1,3}) vm=([A-Za-z0-9-]{1,100}) time=([0-9TZ:.+-]{1,40}) of=(\\S*) file=(\\S*)$`,
);

/** All that there are, in the order of the configuration. */
export const attachMarksIn = (extraConfig: XmlValue | undefined): KeptMark[] =>
  attachMarksOf(list(extraConfig, 'OptionValue'));

export const attachMarksOf = (options: readonly XmlValue[]): KeptMark[] =>
  options.flatMap((option) => {
    const key = optionalText(option, 'key') ?? '';
    const value = optionalText(option, 'value') ?? '';
    const id = key.slice(prefix.length);
    return key.startsWith(prefix) && idForm.test(id) && value !== '' ? [{ id, mark: readMark(value) }] : [];
  });

function readMark(value: string): AttachMark | null {
  const [, run, point, disk, vm, time, of, file] = form.exec(value) ?? [];
  const [name, path] = [decoded(of), decoded(file)];
  if (!run || !point || !disk || !vm || !time || name === null || path === null) return null;
  return { run, point, disk, vm, time, of: name, file: path };
}

export const attachMarkOption = (id: string, { run, point, disk, of, vm, time, file }: AttachMark): SoapObject =>
  optionOf(
    id,
    `run=${run} point=${point} disk=${disk} vm=${vm} time=${time} of=${encodeURIComponent(of)} file=${encodeURIComponent(file)}`,
  );

/** An empty value removes the key (vSphere API reference, VirtualMachineConfigSpec.extraConfig). */
export const noAttachMark = (id: string): SoapObject => optionOf(id, '');

function decoded(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

const optionOf = (id: string, value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', `${prefix}${id}`],
    ['value', { string: value }],
  ],
});
