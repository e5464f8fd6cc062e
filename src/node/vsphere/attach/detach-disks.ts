import { SendenseError } from '../../../errors/sendense-error.ts';
import { markedVm } from '../new-vm/marked-vms.ts';
import { identityOf } from '../../sources/vsphere/disk-info.ts';
import { chainsOf } from '../disk-chain.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { noAttachMark } from './attach-mark.ts';
import { disksIn, type Attaching } from './attach-disks.ts';
import { attachedTo, type AttachedDisk } from './attached-disks.ts';
import { changeIdle, type ChangeOptions } from './change-idle.ts';
import { detachingDisk } from './disk-change.ts';

export interface Detaching {
  readonly vm: Moref;
  /** See `identityOf`. */
  readonly ids: readonly string[];
  /** Of disks that are not what their marks say, the marks go and the disks stay. */
  readonly forget: boolean;
}

/** What became of a disk. */
export interface DetachedDisk extends AttachedDisk {
  /** Whether it and its file are removed; false: only its mark is. */
  readonly isRemoved: boolean;
}

/**
 * Takes disks off that a restore has attached, and removes their files: all of them or none. One that bears no mark any more is
 * taken for detached.
 * @throws SendenseError `target.unfit` where one is not what its mark says, `vsphere.*`
 */
export async function detachDisks(
  vsphere: Vsphere,
  detaching: Detaching,
  options: ChangeOptions,
): Promise<DetachedDisk[]> {
  const { vm, ids, forget } = detaching;
  const shared = await sharedFiles(vsphere, vm, null, options.signal);
  let done: DetachedDisk[] = [];
  await changeIdle(
    vsphere,
    vm,
    async () => {
      const found = await attachedTo(vsphere, vm, options.signal);
      const chosen = (found?.disks ?? [])
        .filter(({ id }) => ids.includes(id))
        .map((one) => ({ ...one, problem: one.problem ?? sharedBy(one, shared) }));
      const against = chosen.filter(({ problem }) => problem !== null);
      if (against.length > 0 && !forget) throw disagree(found?.name ?? vm.value, against);
      done = chosen.map((one) => ({ ...one, isRemoved: one.problem === null }));
      return changeOf(done, () => 'destroy');
    },
    options,
  );
  return done;
}

/**
 * Takes off again what a run has attached that did not come to its end. What the VM still has that it was made with stays there.
 * @throws SendenseError `target.unfit` where a disk is not what its mark says, `vsphere.*`
 */
export async function undoAttach(
  vsphere: Vsphere,
  { vm, run }: Pick<Attaching, 'vm' | 'run'>,
  options: ChangeOptions,
): Promise<void> {
  const { signal } = options;
  const helper = await markedVm(vsphere, run, signal);
  const kept = new Set(helper ? disksIn(helper).map(identityOf) : []);
  const shared = await sharedFiles(vsphere, vm, helper?.object ?? null, signal);
  const ofRun = async (): Promise<{ readonly name: string; readonly disks: AttachedDisk[] }> => {
    const found = await attachedTo(vsphere, vm, signal);
    return { name: found?.name ?? vm.value, disks: (found?.disks ?? []).filter(({ mark }) => mark?.run === run) };
  };
  if ((await ofRun()).disks.length === 0) return;
  await changeIdle(
    vsphere,
    vm,
    async () => {
      const { name, disks } = await ofRun();
      const against = disks
        .filter(({ disk }) => disk !== null)
        .map((one) => ({ ...one, problem: one.problem ?? sharedBy(one, shared) }))
        .filter(({ problem }) => problem !== null);
      if (against.length > 0) throw disagree(name, against);
      return changeOf(
        disks.map((one) => ({ ...one, isRemoved: one.disk !== null })),
        ({ id }) => (kept.has(id) ? 'keep' : 'destroy'),
      );
    },
    options,
  );
}

const changeOf = (disks: readonly DetachedDisk[], fileOf: (disk: DetachedDisk) => 'keep' | 'destroy') =>
  [
    ['deviceChange', disks.flatMap((one) => (one.isRemoved && one.disk ? [detachingDisk(one.disk, fileOf(one))] : []))],
    ['extraConfig', disks.map(({ id }) => noAttachMark(id))],
  ] as const;

function disagree(name: string, disks: readonly AttachedDisk[]): SendenseError {
  const said = disks.map(({ disk, mark, problem }) => `${disk?.label ?? mark?.disk ?? 'a disk'}: ${problem ?? ''}`);
  return new SendenseError('target.unfit', `nothing is detached from the VM ${name}: ${said.join('; ')}`, {
    remedy:
      'A snapshot goes with the backup that made it, or remove it in vSphere. If the disk is not one of Sendense any more, `detach --forget` takes its mark away and leaves the disk.',
  });
}

const sharedBy = ({ disk }: AttachedDisk, shared: ReadonlyMap<string, string>): string | null => {
  const other = disk === null ? undefined : shared.get(disk.file);
  return other === undefined ? null : `the VM ${other} has ${disk?.file ?? ''}, too`;
};

/** Names of other VMs, by the files of their disks. */
async function sharedFiles(
  vsphere: Vsphere,
  vm: Moref,
  except: Moref | null,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const all = await vsphere.all('VirtualMachine', ['name', 'config.hardware.device'], signal ? { signal } : {});
  return new Map(
    all
      .filter(({ object: { value } }) => value !== vm.value && value !== except?.value)
      .flatMap(({ object, values }) =>
        chainsOf(list(values.get('config.hardware.device'), 'VirtualDevice')).map(
          ({ path }) => [path, optionalText(values.get('name')) ?? object.value] as const,
        ),
      ),
  );
}
