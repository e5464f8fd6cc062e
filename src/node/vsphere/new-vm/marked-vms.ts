import { SendenseError } from '../../../errors/sendense-error.ts';
import { disksOf } from '../vm-disks.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { list, optionalMoref, optionalText, xsiType, type Moref } from '../xml.ts';
import { diskNotesIn, type DiskNotes } from './disk-notes.ts';
import { markedAnnotation, readRestoreMark, withoutMark, type RestoreMark } from './restore-mark.ts';

export interface MarkedVm {
  readonly object: Moref;
  readonly name: string;
  readonly isOn: boolean;
  /** Restore point. */
  readonly point: string;
}

/**
 * The VM that a run has made and not finished; null: there is none.
 * @throws SendenseError `vsphere.busy` where there are several: somebody has copied it, and a copy is not ours
 */
export async function markedVm(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm | null> {
  const all = await markedVms(vsphere, run, signal);
  if (all.length > 1)
    throw new SendenseError(
      'vsphere.busy',
      `${all.length} VMs bear the mark of one restore: ${all.map(({ name, object }) => `${name} (${object.value})`).join(', ')}`,
      { remedy: 'Somebody has cloned the VM. Change the first line of the notes of the copies, then try again.' },
    );
  return all[0] ?? null;
}

/** What a restore that was not finished has left under a name. */
export interface UnfinishedVm {
  readonly object: Moref;
  readonly mark: RestoreMark;
  readonly notes: DiskNotes;
}

/** @returns null: there is nothing of this name, or it is no unfinished VM */
export async function unfinishedNamed(
  vsphere: Vsphere,
  folder: Moref,
  name: string,
  signal?: AbortSignal,
): Promise<UnfinishedVm | null> {
  const object = await childNamed(vsphere, folder, name, signal);
  if (object?.type !== 'VirtualMachine') return null;
  const paths = ['config.annotation', 'config.extraConfig'];
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  const mark = readRestoreMark(optionalText(shown?.values.get('config.annotation')) ?? '');
  return mark && { object, mark, notes: diskNotesIn(shown?.values.get('config.extraConfig')) };
}

/** What has that name in a folder of VMs. */
export async function childNamed(
  vsphere: Vsphere,
  folder: Moref,
  name: string,
  signal?: AbortSignal,
): Promise<Moref | undefined> {
  const { searchIndex } = vsphere.content;
  if (!searchIndex) return undefined;
  const args = [
    ['entity', folder],
    ['name', name],
  ] as const;
  return optionalMoref(await vsphere.call('FindChild', searchIndex, args, signal ? { signal } : {}));
}

/**
 * Makes the unfinished VM of a run that has ended one of this run. Nothing happens where it is not there any more.
 * @throws SendenseError `vsphere.busy` where it runs, `target.unfit` where it is being made otherwise
 */
export async function takeOver(
  vsphere: Vsphere,
  from: string,
  mark: RestoreMark,
  asked: string,
  signal?: AbortSignal,
): Promise<void> {
  const found = await markedVm(vsphere, from, signal);
  if (found === null) return;
  const { object, name, isOn, point } = found;
  const paths = ['config.annotation', 'config.extraConfig'];
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  if (isOn) throw new SendenseError('vsphere.busy', `the unfinished VM ${name} (${object.value}) runs`);
  if (point !== mark.point || diskNotesIn(shown?.values.get('config.extraConfig')).asked !== asked)
    throw new SendenseError('target.unfit', `the unfinished VM ${name} (${object.value}) is being made otherwise`);
  const annotation = withoutMark(optionalText(shown?.values.get('config.annotation')) ?? '');
  const spec = { fields: [['annotation', markedAnnotation(mark, annotation)]] } as const;
  await vsphere.task('ReconfigVM_Task', object, [['spec', spec]], signal ? { signal } : {});
}

async function markedVms(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm[]> {
  const paths = ['name', 'config.annotation', 'runtime.powerState'];
  const all = await vsphere.all('VirtualMachine', paths, signal ? { signal } : {});
  return all.flatMap(({ object, values }) => {
    const mark = readRestoreMark(optionalText(values.get('config.annotation')) ?? '');
    if (mark?.run !== run) return [];
    const name = optionalText(values.get('name')) ?? object.value;
    const isOn = optionalText(values.get('runtime.powerState')) !== 'poweredOff';
    return [{ object, name, isOn, point: mark.point }];
  });
}

/** What {@link removeUnfinished} was too good to remove. */
export interface KeptVm {
  readonly name: string;
  /** Disks that are copied whole. */
  readonly copied: number;
  readonly disks: number;
}

/** The unfinished VM of a run, where it has a disk that is copied whole; null: it has none. @throws SendenseError `vsphere.*` */
export async function copiedVm(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<KeptVm | null> {
  const found = await markedVm(vsphere, run, signal);
  if (found === null) return null;
  const paths = ['config.extraConfig', 'config.hardware.device'];
  const [shown] = await vsphere.properties([found.object], paths, signal ? { signal } : {});
  const { size: copied } = diskNotesIn(shown?.values.get('config.extraConfig')).copied;
  const { length: disks } = disksOf(list(shown?.values.get('config.hardware.device'), 'VirtualDevice'));
  return copied > 0 ? { name: found.name, copied, disks } : null;
}

/**
 * Removes the VM that a run has made and not finished, with its disks. "Nothing there" is success. What somebody has started, or
 * whose mark somebody has removed, is theirs.
 * @returns its name; null: there is none
 * @throws SendenseError `vsphere.*`, `vsphere.busy` with what stays, and why
 */
export async function removeUnfinished(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<string | null> {
  const found = await markedVm(vsphere, run, signal);
  if (found === null) return null;
  const { object, name, isOn } = found;
  if (isOn)
    throw new SendenseError(
      'vsphere.busy',
      `the VM ${name} (${object.value}) of an unfinished restore runs, so it stays`,
      {
        remedy: 'Stop it, and delete it in vSphere if nobody needs it.',
      },
    );
  await assertOwnDisks(vsphere, found, signal);
  await vsphere.task('Destroy_Task', object, [], signal ? { signal } : {});
  return name;
}

/**
 * The disks of other VMs that somebody has attached meanwhile are not ours to write to, and vSphere deletes all disks with a VM.
 * @throws SendenseError `vsphere.busy`
 */
export async function assertOwnDisks(
  vsphere: Vsphere,
  { object, name }: Pick<MarkedVm, 'object' | 'name'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const all = await vsphere.all('VirtualMachine', ['config.hardware.device'], signal ? { signal } : {});
  const others = new Map<string, DiskFile[]>();
  for (const file of all.filter((one) => one.object.value !== object.value).flatMap(filesOf))
    others.set(file.path, [...(others.get(file.path) ?? []), file]);
  const shared = all
    .filter((one) => one.object.value === object.value)
    .flatMap((own) => filesOf(own).filter((file) => others.get(file.path)?.some((other) => isSame(file, other))))
    .map(({ path }) => path);
  if (shared.length > 0)
    throw new SendenseError(
      'vsphere.busy',
      `the VM ${name} (${object.value}) of an unfinished restore has disks of other VMs, so it stays: ${shared.join(', ')}`,
      {
        remedy: 'Detach them in vSphere, then run `sendense-run recover`.',
      },
    );
}

interface DiskFile {
  /** `[datastore] folder/disk.vmdk` */
  readonly path: string;
  /** Two datacenters may have a datastore of one name; null: the server does not say which one. */
  readonly datastore: string | null;
}

const filesOf = ({ values }: ObjectProperties): DiskFile[] =>
  list(values.get('config.hardware.device'), 'VirtualDevice')
    .filter((device) => xsiType(device) === 'VirtualDisk')
    .map((device) => ({
      path: optionalText(device, 'backing.fileName') ?? '',
      datastore: optionalText(device, 'backing.datastore') || null,
    }));

const isSame = (one: DiskFile, other: DiskFile): boolean =>
  one.path === other.path && (one.datastore === null || other.datastore === null || one.datastore === other.datastore);
