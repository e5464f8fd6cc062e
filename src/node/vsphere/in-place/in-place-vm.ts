import { SendenseError } from '../../../errors/sendense-error.ts';
import { identityOf } from '../../sources/vsphere/disk-info.ts';
import { lookAtVm, type SeenVm } from '../new-vm/marked-vm.ts';
import { missingPrivileges, type Privilege } from '../privileges.ts';
import { inPlacePrivileges } from '../restore-privileges.ts';
import { chainsOf } from '../disk-chain.ts';
import { disksOf } from '../vm-disks.ts';
import { lookAtVm as lookAtState } from '../vm-state.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { inPlaceMarkIn, type InPlaceMark, type MarkedDisk } from './in-place-mark.ts';

/** A disk of the VM that is written to. */
export type OwnDisk = ReturnType<typeof disksOf>[number];

export interface WantedDisk {
  /** As the restore point knows it. */
  readonly uuid: string;
  readonly bytes: number;
}

export interface InPlaceVm {
  readonly seen: SeenVm;
  /** null: nobody restores it in place. */
  readonly mark: InPlaceMark | null;
  /** By the uuid of the restore point. */
  readonly disks: ReadonlyMap<string, OwnDisk>;
  /** Labels of its other disks. */
  readonly others: readonly string[];
  /** Where an earlier restore has torn it: labels of wanted disks that are none of those that it writes to. */
  readonly untouched: readonly string[];
  /** Where an earlier restore has torn it: disks that it writes to and that the VM does not have any more. */
  readonly missing: readonly MarkedDisk[];
}

/**
 * The VM that the restore point was made of: by the uuid that vSphere gives a VM once.
 * @throws SendenseError `source.missing`
 */
export async function findOriginal(
  vsphere: Vsphere,
  { uuid, name, remedy = asNewVm }: { readonly uuid: string; readonly name: string; readonly remedy?: string },
  signal?: AbortSignal,
): Promise<Moref> {
  const all = await vsphere.all('VirtualMachine', ['config.instanceUuid'], signal ? { signal } : {});
  const found = all.filter(
    ({ values }) => optionalText(values.get('config.instanceUuid'))?.toLowerCase() === uuid.toLowerCase(),
  );
  const [only] = found;
  if (only && found.length === 1) return only.object;
  throw new SendenseError(
    'source.missing',
    only
      ? `${found.length} VMs at ${vsphere.host} have the instance uuid ${uuid}: ${found.map(({ object }) => object.value).join(', ')}`
      : `the VM ${name} (instance uuid ${uuid}) is not at ${vsphere.host} any more`,
    { remedy },
  );
}

const asNewVm = 'Restore it as a new VM: `--to vsphere:SOURCE` without --in-place.';

interface AskedOfVm {
  /** It is started at the end. */
  readonly powerOn?: boolean;
  /** And stopped again, if it does not come up. */
  readonly judged?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What speaks against writing to the disks of a VM, all of it at once.
 * @throws SendenseError `target.unfit`, `vsphere.permission`, `vsphere.*`
 */
export async function inPlaceVm(
  vsphere: Vsphere,
  object: Moref,
  wanted: readonly WantedDisk[],
  { powerOn = false, judged = false, signal }: AskedOfVm = {},
): Promise<InPlaceVm> {
  const seen = await lookAtVm(vsphere, object, signal);
  if (seen === null) throw new SendenseError('target.unfit', `the VM ${object.value} is not there any more`);
  const state = await lookAtState(vsphere, object, signal);
  const own = disksOf(list(seen.values.get('config.hardware'), 'device'));
  const disks = new Map(
    wanted.flatMap(({ uuid }) => {
      const disk = own.find((one) => identityOf(one) === uuid);
      return disk ? [[uuid, disk] as const] : [];
    }),
  );
  const foreign = state.snapshots.filter(({ mark }) => mark === null).map(({ name }) => name);
  const mark = inPlaceMarkIn(seen.values.get('config.extraConfig'));
  const against = [
    ...(state.isTemplate ? ['it is a template: make it a VM'] : []),
    ...(state.connection === 'connected' ? [] : [`it is ${state.connection}`]),
    ...(seen.isOn ? [`it is ${state.suspended ? 'suspended' : 'on'}: switch it off`] : []),
    ...(foreign.length === 0 ? [] : [`it has snapshots: ${foreign.join(', ')}: remove them`]),
    ...(seen.mark === null ? [] : [`run ${seen.mark.run} is making it, and has not finished`]),
    ...wanted.flatMap((disk) => againstDisk(disk, disks.get(disk.uuid), state.snapshots.length > 0)),
    ...wanted.flatMap(({ uuid }) => twiceIn(own, uuid)),
    ...tornBeside(mark, own, disks),
    ...(await sharedWith(vsphere, object, [...disks.values()], signal)),
  ];
  if (against.length > 0)
    throw new SendenseError('target.unfit', `the VM ${seen.name} cannot be restored in place: ${against.join('; ')}`, {
      remedy: 'Do that in vSphere, or restore it as a new VM: `--to vsphere:SOURCE` without --in-place.',
    });
  await assertMay(vsphere, seen, inPlacePrivileges({ powerOn, judged }), signal);
  const used = new Set([...disks.values()].map(({ key }) => key));
  return {
    seen,
    mark,
    disks,
    others: own.filter(({ key }) => !used.has(key)).map(({ label }) => label),
    missing: mark?.isTorn ? (mark.disks ?? []).filter((one) => !own.some((disk) => isThat(one, disk))) : [],
    untouched: mark?.isTorn
      ? [...disks.values()].filter((disk) => !isMarked(mark, disk)).map(({ label }) => label)
      : [],
  };
}

/** A disk that an earlier restore has written to in part is restored as well: at the end the mark goes, and nobody would know any more. */
function tornBeside(mark: InPlaceMark | null, own: readonly OwnDisk[], disks: ReadonlyMap<string, OwnDisk>): string[] {
  const restored = new Set([...disks.values()].map(({ key }) => key));
  if (!mark?.isTorn) return [];
  return own
    .filter((disk) => !restored.has(disk.key) && isMarked(mark, disk))
    .map(
      ({ label }) => `run ${mark.run} has written to ${label}, too, and has not finished: restore that disk as well`,
    );
}

/** Whether a restore writes to the disk. Where that cannot be read it may write to any that a backup has. */
const isMarked = ({ disks }: InPlaceMark, disk: OwnDisk): boolean =>
  disks?.some((one) => isThat(one, disk)) ?? disk.protected;

const isThat = ({ key, id }: MarkedDisk, disk: OwnDisk): boolean =>
  id === null ? key === disk.key : id === identityOf(disk);

/** A file copy of a disk has its uuid, too: which of them is meant nobody knows. */
function twiceIn(own: readonly OwnDisk[], uuid: string): string[] {
  const all = own.filter((disk) => identityOf(disk) === uuid);
  if (all.length < 2) return [];
  return [`${all.map(({ label, file }) => `${label} (${file})`).join(' and ')} have one uuid: detach the copy`];
}

/** @param hasSnapshot of ours, which goes before anything is written */
function againstDisk({ uuid, bytes }: WantedDisk, disk: OwnDisk | undefined, hasSnapshot: boolean): string[] {
  if (!disk) return [`it has no disk with the uuid ${uuid} any more`];
  const name = `${disk.label} (${disk.file})`;
  return [
    ...(disk.capacity_bytes === bytes ? [] : [`${name} has ${disk.capacity_bytes} bytes, it had ${bytes}`]),
    ...(disk.has_parent && !hasSnapshot ? [`${name} is a difference to another disk file`] : []),
    ...(disk.mode === 'persistent' ? [] : [`${name} is ${disk.mode}`]),
    ...(['flat', 'sesparse', 'sparse'].includes(disk.backing) ? [] : [`${name} has a backing of kind ${disk.backing}`]),
    ...(disk.sharing === null ? [] : [`${name} is shared between VMs`]),
  ];
}

/** Another VM that has one of the disks would lose what it has written. */
async function sharedWith(
  vsphere: Vsphere,
  object: Moref,
  disks: readonly OwnDisk[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const files = new Set(disks.map(({ file }) => file));
  const all = await vsphere.all('VirtualMachine', ['name', 'config.hardware.device'], signal ? { signal } : {});
  return all
    .filter((one) => one.object.value !== object.value)
    .flatMap(({ object: other, values }) =>
      chainsOf(list(values.get('config.hardware.device'), 'VirtualDevice'))
        .filter(({ path }) => files.has(path))
        .map(({ path }) => `the VM ${optionalText(values.get('name')) ?? other.value} has ${path}, too`),
    );
}

async function assertMay(
  vsphere: Vsphere,
  seen: SeenVm,
  needed: readonly Privilege[],
  signal?: AbortSignal,
): Promise<void> {
  const { missing, user } = await missingPrivileges(vsphere, [seen.object], needed, signal);
  const lacking = missing.get(seen.object.value) ?? [];
  if (lacking.length === 0) return;
  throw new SendenseError(
    'vsphere.permission',
    `${user || 'the user'} lacks privileges on the VM ${seen.name}: ${lacking.map(({ privilege, why }) => `${privilege} (${why})`).join(', ')}`,
    { remedy: 'Give them to the role for restores, see docs/vsphere.md.' },
  );
}
