import { SendenseError } from '../../../errors/sendense-error.ts';
import { diskRefs } from '../disk-refs.ts';
import type { SnapshotDiskRef, TransportContext, TransportName } from '../transports/transport.ts';
import { vmFacts } from '../vm-facts.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { endCarrier } from './carrier.ts';
import { wholeDisks } from './disk-notes.ts';
import { fillDisk, type DiskFill } from './fill-disk.ts';
import { endCarriers, giveDisk } from './give-disk.ts';
import { importDisk } from './import-disk.ts';
import { addressOf, settleVm, type NewDisk, type NewVm } from './make-vm.ts';
import { lookAtMarked, lookAtVm } from './marked-vm.ts';
import type { Place } from './place.ts';
import type { RestoredDisk, VmRestore } from './vm-restore.ts';
import { noteDisks } from './take-over.ts';
import type { SpecOptions } from './vm-spec.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

export interface DisksToWrite {
  readonly request: VmRestore;
  readonly vm: WantedVm;
  readonly made: NewVm;
  readonly options: SpecOptions & { readonly place: Place };
  readonly by: TransportName;
}

interface OneDisk {
  readonly wanted: WantedDisk;
  readonly disk: NewDisk;
  readonly source: RestoredDisk;
  /** Nothing was ever written to it. */
  readonly isEmpty: boolean;
}

/**
 * Writes the disks of a VM that `makeVm` has made. Disks that an earlier try has brought whole are left alone: a small step that fails late
 * must not cost hours.
 * @returns the disks that the VM has in the end, by the key in the saved configuration
 * @throws SendenseError `target.unfit`, `transport.*`, `disk.full`, `vsphere.*`
 */
export async function writeDisks(
  vsphere: Vsphere,
  context: TransportContext,
  work: DisksToWrite,
): Promise<NewVm['disks']> {
  const { request, vm, made } = work;
  const { signal } = context;
  let { disks } = made;
  const before = (await lookAtVm(vsphere, made.object, signal))?.notes;
  const [begun, whole] = [new Set(before?.begun), before ? wholeDisks(before) : new Set<number>()];
  for (const wanted of vm.disks) {
    const { key } = wanted;
    const [disk, source] = [disks.get(key), request.disks.get(key)];
    if (!disk || !source) continue;
    const one: OneDisk = { wanted, disk, source, isEmpty: !begun.has(key) };
    const isThere = before?.copied.has(key) === true;
    const given = whole.has(key) && !isThere ? await take(vsphere, context, work, one) : null;
    const isKept = isThere || given !== null;
    disks = given ?? (isKept ? null : await writeDisk(vsphere, context, work, one)) ?? disks;
    request.onProgress?.(key, 1, isKept);
  }
  return disks;
}

/** @returns the disks of the VM, where they are others from now on */
async function writeDisk(
  vsphere: Vsphere,
  context: TransportContext,
  work: DisksToWrite,
  one: OneDisk,
): Promise<NewVm['disks'] | null> {
  const { request, made, by } = work;
  const { object } = made;
  const { signal } = context;
  const { key, label } = one.wanted;
  const note = (change: Parameters<typeof noteDisks>[3]): Promise<void> =>
    noteDisks(vsphere, object, request.mark.run, change, signal);
  request.onActivity?.(by === 'https' ? `beginning the import of ${label}` : `opening ${label} for writing`);
  await note(({ begun }) => ({ begun: new Set([...begun, key]) }));
  const heard: Pick<DiskFill, 'onOpen' | 'onProgress'> = {
    onOpen: () => request.onActivity?.(null),
    // The last word is said when it is noted down.
    onProgress: (fraction) => void (fraction < 1 && request.onProgress?.(key, fraction, false)),
  };
  const { from, psk = null } = one.source;
  if (by === 'https') {
    const { vm, options } = work;
    await endFormer(vsphere, context, object, key);
    await importDisk(vsphere, context, { object, vm, disk: one.wanted, options, from, psk, ...heard });
    request.onActivity?.(`giving ${label} to the VM`);
    const given = await take(vsphere, context, work, one);
    if (given) return given;
    throw new SendenseError('target.unfit', `what brought ${label} is not there any more`, {
      remedy: 'Somebody has changed or removed it in vSphere. Run the restore again.',
    });
  }
  const disk = by === 'ssh' ? await fullRef(vsphere, one, work, signal) : bareRef(one, work);
  await fillDisk(context, { disk, by, from, psk, isEmpty: one.isEmpty, ...heard });
  await note(({ copied }) => ({ copied: new Set([...copied, key]) }));
  return null;
}

/** Gives the VM what has come whole for it. @returns the disks that it has then; null: nothing has come */
async function take(
  vsphere: Vsphere,
  { signal, warn }: TransportContext,
  { request, vm, made: { object } }: DisksToWrite,
  { wanted }: OneDisk,
): Promise<NewVm['disks'] | null> {
  const given = { object, run: request.mark.run, key: wanted.key, address: addressOf(vm, wanted), bytes: wanted.bytes };
  if (!(await giveDisk(vsphere, given, signal))) return null;
  const { disks } = await settleVm(vsphere, object, vm, request.mark, signal);
  const seen = await lookAtMarked(vsphere, object, signal);
  for (const stays of seen ? await endCarriers(vsphere, seen, { signal }) : []) warn(stays);
  return disks;
}

/** What was to bring the disk before, and has not: its place in the notes is for the next one. */
async function endFormer(
  vsphere: Vsphere,
  { signal, warn }: TransportContext,
  object: Moref,
  key: number,
): Promise<void> {
  const seen = await lookAtMarked(vsphere, object, signal);
  const former = seen?.notes?.carriers.get(key);
  const stays = seen && former ? await endCarrier(vsphere, seen, key, former, signal) : null;
  if (stays !== null) warn(stays);
}

/** VMware's library finds all else by itself. */
const bareRef = ({ wanted, disk }: OneDisk, { made }: DisksToWrite): SnapshotDiskRef => ({
  vmMoref: made.object.value,
  snapshotMoref: '',
  key: disk.key,
  label: wanted.label,
  file: disk.file,
  capacity: disk.bytes,
  backing: 'flat',
  hasParent: false,
  datacenter: null,
  datastoreType: null,
  host: null,
});

async function fullRef(
  vsphere: Vsphere,
  { wanted, disk }: OneDisk,
  { made }: DisksToWrite,
  signal: AbortSignal | undefined,
): Promise<SnapshotDiskRef> {
  const facts = await vmFacts(vsphere, made.object, signal);
  const own = facts.disks.filter(({ key }) => key === disk.key);
  const [ref] = await diskRefs(vsphere, facts, '', own, signal);
  if (!ref) throw new SendenseError('target.unfit', `the VM ${facts.name} has no disk ${disk.key} any more`);
  return { ...ref, label: wanted.label };
}
