import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  AttachChecked,
  AttachCheckRequest,
  AttachedDisk,
  AttachedDisks,
  AttachedListRequest,
  AttachEnded,
  AttachEndRequest,
  Detached,
  DetachRequest,
} from '../../schemas/types.ts';
import { attachDisks, attachedBy, type Attaching } from '../vsphere/attach/attach-disks.ts';
import type { AttachedDisk as Attached } from '../vsphere/attach/attached-disks.ts';
import { besideVm } from '../vsphere/attach/beside-vm.ts';
import { detachDisks, undoAttach } from '../vsphere/attach/detach-disks.ts';
import { listAttached } from '../vsphere/attach/list-attached.ts';
import { livingVm } from '../vsphere/attach/living-vm.ts';
import { releaseHelper } from '../vsphere/attach/release-helper.ts';
import { findOriginal } from '../vsphere/in-place/in-place-vm.ts';
import { findVm } from '../vsphere/inventory.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import type { Vsphere } from '../vsphere/vsphere.ts';
import type { Moref } from '../vsphere/xml.ts';
import { openSession } from './vsphere-session.ts';

/**
 * Finds out all that speaks against attaching disks to a VM, and says where they would be made. Nothing is changed.
 * @throws SendenseError `source.missing`, `target.unfit`, `vsphere.*`
 */
export async function checkAttach(
  request: AttachCheckRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<AttachChecked> {
  const { point, disks, datastore } = request;
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const vm = await receiverOf(vsphere, request, signal);
  const { name, identity, isOn, places } = await livingVm(vsphere, vm, { point, disks }, signal);
  const beside = await besideVm(vsphere, vm, datastore, signal);
  return {
    vm: vm.value,
    name,
    identity,
    powered_on: isOn,
    places: places.slice(0, disks.length).map(({ controller, unit }) => ({ controller, unit })),
    folder: beside.folder,
    pool: beside.pool,
    datastore: beside.datastore,
    directory: beside.directory,
    hardware_version: beside.hardwareVersion,
  };
}

/** The VM that gets the disks. */
async function receiverOf(
  vsphere: Vsphere,
  { vm, instance_uuid: uuid, of }: AttachCheckRequest,
  signal: AbortSignal,
): Promise<Moref> {
  if (vm !== null) return namedVm(vsphere, vm, signal);
  if (uuid !== null)
    return findOriginal(vsphere, { uuid, name: of, remedy: 'Say which VM gets the disk: --vm VM (`vm: VM`).' }, signal);
  throw new SendenseError('machine.unknown', 'the restore point does not say which VM it was made of', {
    remedy: 'Say which VM gets the disk: --vm VM (`vm: VM`).',
  });
}

/** By its inventory path, managed object id, or name. @throws SendenseError `source.missing` */
async function namedVm(vsphere: Vsphere, text: string, signal: AbortSignal): Promise<Moref> {
  if (text.startsWith('/')) return findVm(vsphere, { path: text, moref: null, name: text }, signal);
  const object: Moref = { type: 'VirtualMachine', value: text };
  const isId =
    /^[A-Za-z0-9_.-]{1,100}$/.test(text) && (await vsphere.properties([object], ['name'], { signal })).length > 0;
  return isId ? object : findVm(vsphere, { path: null, moref: null, name: text }, signal);
}

/**
 * Ends the attaching of disks, or only looks. May be asked twice.
 * @throws SendenseError `target.unfit`, `vsphere.*`
 */
export async function endAttach(
  request: AttachEndRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<AttachEnded> {
  const attaching = attachingOf(request);
  const warnings: string[] = [];
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const there = async (): Promise<Attached[]> => attachedBy(vsphere, attaching, signal);
  if (request.action === 'undo') await undoAttach(vsphere, attaching, { signal });
  else if (request.action === 'finish' && (await there()).length === 0)
    await attachDisks(vsphere, attaching, { signal });
  const attached = await there();
  const isAttached = attached.length === request.disks.length;
  if (request.action === 'finish' && !isAttached)
    throw new SendenseError(
      'vsphere.protocol',
      `vSphere did not attach the disks to ${request.vm}, or not all of them`,
    );
  if (request.action !== 'undo' && isAttached) {
    const left = await releaseHelper(vsphere, attaching, signal);
    if (left !== null) warnings.push(left);
  }
  return {
    attached: isAttached,
    disks: attached.flatMap(({ mark, disk }) =>
      mark && disk ? [{ disk: mark.disk, label: disk.label, address: disk.address, file: disk.file }] : [],
    ),
    warnings,
  };
}

const attachingOf = ({ vm, run, point, of, disks }: AttachEndRequest): Attaching => ({
  vm: { type: 'VirtualMachine', value: vm },
  run,
  point,
  of,
  disks: disks.map(({ disk, key, device_key: deviceKey }) => ({
    disk,
    key: Number(key),
    deviceKey: Number(deviceKey),
  })),
});

/** @throws SendenseError `source.missing`, `vsphere.*` */
export async function attachedDisks(
  request: AttachedListRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<AttachedDisks> {
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const only = request.vm === null ? null : await namedVm(vsphere, request.vm, signal);
  const found = await listAttached(vsphere, only, signal);
  return { disks: found.flatMap(({ vm, name, disks }) => disks.map((disk) => shownDisk(vm, name, disk))) };
}

/** @throws SendenseError `target.unfit` where a disk is not what its mark says, `vsphere.*` */
export async function detach(request: DetachRequest, refused: RefusedLogins, signal: AbortSignal): Promise<Detached> {
  const vm: Moref = { type: 'VirtualMachine', value: request.vm };
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const [before] = await listAttached(vsphere, vm, signal);
  const done = await detachDisks(vsphere, { vm, ids: request.disks, forget: request.forget }, { signal });
  const shown = (isRemoved: boolean): AttachedDisk[] =>
    done.filter((one) => one.isRemoved === isRemoved).map((one) => shownDisk(vm, before?.name ?? vm.value, one));
  return { removed: shown(true), forgotten: shown(false) };
}

const shownDisk = (vm: Moref, name: string, { id, mark, disk, problem }: Attached): AttachedDisk => ({
  id,
  vm: name,
  moref: vm.value,
  of: mark?.of ?? null,
  point: mark?.point ?? null,
  disk: mark?.disk ?? null,
  run: mark?.run ?? null,
  attached: timeOf(mark?.time),
  label: disk?.label ?? null,
  address: disk?.address ?? null,
  file: disk?.file ?? mark?.file ?? null,
  capacity_bytes: disk?.capacity_bytes ?? null,
  problem,
});

/** Somebody may have written another one. */
const timeOf = (time: string | undefined): number | null => {
  const ms = Date.parse(time ?? '');
  return ms >= 0 ? ms : null;
};
