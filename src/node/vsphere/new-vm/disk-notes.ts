import type { SoapObject } from '../encode-soap.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';

/** What an unfinished VM remembers of its disks, in its own configuration: a node that begins again has nothing else. */
export interface DiskNotes {
  /** Keys, in the saved configuration, of the disks that something may have been written to. */
  readonly begun: ReadonlySet<number>;
  /** Of those that are copied whole: they are not copied again. */
  readonly copied: ReadonlySet<number>;
}

const option = 'sendense.disks';

export async function readDiskNotes(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<DiskNotes> {
  const [shown] = await vsphere.properties([object], ['config.extraConfig'], signal ? { signal } : {});
  const found = list(shown?.values.get('config.extraConfig'), 'OptionValue').find(
    (one) => optionalText(one, 'key') === option,
  );
  const words = (found ? (optionalText(found, 'value') ?? '') : '').split(' ');
  const keys = (name: string): Set<number> =>
    new Set(
      words
        .filter((word) => word.startsWith(`${name}=`))
        .flatMap((word) => word.slice(name.length + 1).split(','))
        .filter((word) => /^\d{1,9}$/.test(word))
        .map(Number),
    );
  return { begun: keys('begun'), copied: keys('copied') };
}

export async function writeDiskNotes(
  vsphere: Vsphere,
  object: Moref,
  { begun, copied }: DiskNotes,
  signal?: AbortSignal,
): Promise<void> {
  const value = `begun=${[...begun].join(',')} copied=${[...copied].join(',')}`;
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
