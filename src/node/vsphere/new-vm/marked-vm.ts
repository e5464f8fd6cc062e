import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SoapArg } from '../encode-soap.ts';
import { faultOf } from '../fault.ts';
import type { Vsphere } from '../vsphere.ts';
import { optionalText, type Moref, type XmlValue } from '../xml.ts';
import { diskNotesIn, type DiskNotes } from './disk-notes.ts';
import { readRestoreMark, type RestoreMark } from './restore-mark.ts';
import { hardwareDigest, hasSnapshot, startsDigest, tracePaths } from './vm-traces.ts';

/** A VM as it is at one moment. */
export interface SeenVm {
  readonly object: Moref;
  readonly name: string;
  readonly isOn: boolean;
  readonly hasSnapshot: boolean;
  readonly isTemplate: boolean;
  readonly annotation: string;
  /** null: it is finished, or is not ours. */
  readonly mark: RestoreMark | null;
  readonly notes: DiskNotes | null;
  /** See `vm-traces.ts`. */
  readonly hardware: string;
  readonly starts: string;
  /** Of its configuration: a change of it can say that it is made to this one. null: the server does not say. */
  readonly changeVersion: string | null;
  readonly values: ReadonlyMap<string, XmlValue>;
}

/** A VM that bears the mark of a restore which was not finished. */
export interface MarkedVm extends SeenVm {
  readonly mark: RestoreMark;
}

const paths = [
  'name',
  'config.annotation',
  'config.changeVersion',
  'config.template',
  'runtime.powerState',
  ...tracePaths,
];

/** @returns null: it is not there */
export async function lookAtVm(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<SeenVm | null> {
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  if (!shown) return null;
  const { values } = shown;
  const word = (path: string): string | undefined => optionalText(values.get(path));
  const annotation = word('config.annotation') ?? '';
  return {
    object,
    name: word('name') ?? object.value,
    isOn: word('runtime.powerState') !== 'poweredOff',
    hasSnapshot: hasSnapshot(values),
    isTemplate: word('config.template') === 'true',
    annotation,
    mark: readRestoreMark(annotation),
    notes: diskNotesIn(values.get('config.extraConfig')),
    hardware: hardwareDigest(values),
    starts: startsDigest(values),
    changeVersion: word('config.changeVersion') || null,
    values,
  };
}

/** The same for a VM that bears a mark. @returns null: it is not there, or bears none */
export async function lookAtMarked(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<MarkedVm | null> {
  const seen = await lookAtVm(vsphere, object, signal);
  return seen?.mark ? { ...seen, mark: seen.mark } : null;
}

const mostTries = 5;

/**
 * Changes a VM as it is seen: where somebody else changes it at the same time, it is seen and decided on again.
 * @param decide what is changed, in the order of the WSDL (VirtualMachineConfigSpec)
 * @throws SendenseError `target.unfit` where it is not there any more, `vsphere.*`
 */
export async function changeVm(
  vsphere: Vsphere,
  object: Moref,
  decide: (vm: SeenVm) => Promise<readonly SoapArg[]> | readonly SoapArg[],
  signal?: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const vm = await lookAtVm(vsphere, object, signal);
    if (vm === null) throw new SendenseError('target.unfit', `the VM ${object.value} is not there any more`);
    const fields = [['changeVersion', vm.changeVersion ?? undefined] as const, ...(await decide(vm))];
    try {
      await vsphere.task('ReconfigVM_Task', object, [['spec', { fields }]], signal ? { signal } : {});
      return;
    } catch (error) {
      if (faultOf(error)?.name !== 'ConcurrentAccess' || tries === mostTries) throw error;
    }
  }
}
