import type { SoapObject } from '../encode-soap.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref, type XmlValue } from '../xml.ts';

/** What an unfinished VM remembers of its disks, in its own configuration: a node that begins again has nothing else. */
export interface DiskNotes {
  /** Keys, in the saved configuration, of the disks that something may have been written to. */
  readonly begun: ReadonlySet<number>;
  /** Of those that are copied whole: they are not copied again. */
  readonly copied: ReadonlySet<number>;
  /** Digest of what was asked for when it was made; null: nothing is begun. */
  readonly asked: string | null;
}

const option = 'sendense.disks';

export async function readDiskNotes(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<DiskNotes> {
  const [shown] = await vsphere.properties([object], ['config.extraConfig'], signal ? { signal } : {});
  return diskNotesIn(shown?.values.get('config.extraConfig'));
}

/** The same of an extraConfig that was asked for. */
export function diskNotesIn(extraConfig: XmlValue | undefined): DiskNotes {
  const found = list(extraConfig, 'OptionValue').find((one) => optionalText(one, 'key') === option);
  const words = (found ? (optionalText(found, 'value') ?? '') : '').split(' ');
  const wordsOf = (name: string): string[] =>
    words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1));
  const keys = (name: string): Set<number> =>
    new Set(
      wordsOf(name)
        .flatMap((word) => word.split(','))
        .filter((word) => /^\d{1,9}$/.test(word))
        .map(Number),
    );
  const asked = wordsOf('asked').find((word) => /^[0-9a-f]{64}$/.test(word)) ?? null;
  return { begun: keys('begun'), copied: keys('copied'), asked };
}

export async function writeDiskNotes(
  vsphere: Vsphere,
  object: Moref,
  { begun, copied, asked }: DiskNotes,
  signal?: AbortSignal,
): Promise<void> {
  const value = `begun=${[...begun].join(',')} copied=${[...copied].join(',')} asked=${asked ?? ''}`;
  const spec: SoapObject = { fields: [['extraConfig', [optionOf(value)]]] };
  await vsphere.task('ReconfigVM_Task', object, [['spec', spec]], signal ? { signal } : {});
}

/** An empty value removes the key (vSphere API reference, VirtualMachineConfigSpec.extraConfig). */
export const noDiskNotes = (): SoapObject => optionOf('');

const optionOf = (value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', option],
    ['value', { string: value }],
  ],
});
