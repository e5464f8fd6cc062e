import { randomBytes } from 'node:crypto';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { SoapObject } from '../encode-soap.ts';
import { faultOf } from '../fault.ts';
import { abortLease } from '../import/import-lease.ts';
import { chainsOf } from '../disk-chain.ts';
import { disksOf } from '../vm-disks.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, type Moref } from '../xml.ts';
import { destroyJudged } from './destroy-judged.ts';
import type { Carrier } from './disk-notes.ts';
import { changeVm, lookAtVm, type SeenVm } from './marked-vm.ts';
import { wasStarted } from './untouched.ts';
import { vmSpec, type SpecOptions } from './vm-spec.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

/*
 * vSphere imports whole VMs only. So that a disk which is there need not be sent again, each one is imported as a VM of its own, its
 * carrier, and then given to the VM that is being restored. Names and notes of the carriers are in the notes of that VM.
 */

const form = 'sendense-disk/1';

const markOf = (vm: Moref, key: number): string => `${form} vm=${vm.value} disk=${key}`;

const annotationOf = (vm: Moref, key: number): string =>
  `${markOf(vm, key)}\nSendense brings a disk into vSphere by this VM. It is removed once the disk is there.`;

/** The VM that brings one disk: at the same place of the same controller, so that its file is made for that. */
export function carrierSpec(vm: WantedVm, disk: WantedDisk, object: Moref, options: SpecOptions): SoapObject {
  const { name, fitting } = options;
  // A name is 80 characters at most.
  const own = `${[...name].slice(0, 50).join('')}-disk-${disk.key}-${randomBytes(3).toString('hex')}`;
  const bare: WantedVm = {
    ...vm,
    boot: { order: [], delayMs: null, retry: null, retryDelayMs: null },
    annotation: '',
    biosUuid: null,
    controllers: vm.controllers.filter(({ key }) => key === disk.controllerKey),
    disks: [disk],
    cards: [],
    cdDrives: [],
    extraConfig: [],
    nvram: null,
  };
  return vmSpec(bare, {
    ...options,
    name: own,
    files: undefined,
    identity: 'new',
    fitting: { ...fitting, home: fitting.datastoreOf(disk) },
    annotation: annotationOf(object, disk.key),
  });
}

/** The disk that a carrier has; null: it has none, or is not ours any more. */
export function carriedDisk(
  carrier: SeenVm | null,
  target: Moref,
  key: number,
): ReturnType<typeof disksOf>[number] | null {
  if (carrier === null || !isCarrier(carrier, target, key)) return null;
  const [only, ...more] = disksOf(list(carrier.values.get('config.hardware'), 'device'));
  return only && more.length === 0 && !only.has_parent ? only : null;
}

const isCarrier = ({ annotation }: SeenVm, target: Moref, key: number): boolean =>
  annotation.split(/\r?\n/, 1)[0]?.trim() === markOf(target, key);

/**
 * Removes a carrier, and its disk unless the VM that is being restored has it. "Nothing there" is success. One that somebody uses stays.
 * @returns a sentence about what stays; null: nothing does
 */
export async function endCarrier(
  vsphere: Vsphere,
  target: SeenVm,
  key: number,
  { vm, lease }: Carrier,
  signal?: AbortSignal,
): Promise<string | null> {
  const object: Moref = { type: 'VirtualMachine', value: vm };
  if (lease !== null)
    await abortLease(vsphere, { type: 'HttpNfcLease', value: lease }, signal).catch(notAborted(signal));
  const seen = await lookAtVm(vsphere, object, signal);
  if (seen === null || !isCarrier(seen, target.object, key)) return null;
  const stays = (why: string): string => `the VM ${seen.name} (${vm}), which was to bring a disk, stays: ${why}`;
  const used = await useOfCarrier(vsphere, seen, signal);
  const isShared = sharesDisk(seen, target);
  if (used !== null && isShared) assertDetachable(seen, target, used);
  await detachGiven(vsphere, seen, target, signal);
  if (used !== null) return stays(isShared ? `${used}. The disk is that of ${target.name} now` : used);
  try {
    // Where somebody has changed its notes meanwhile, it is theirs.
    const judge = async (now: SeenVm): Promise<string | null> => {
      if (!isCarrier(now, target.object, key)) return stays('somebody has changed its notes');
      const sign = await useOfCarrier(vsphere, now, signal);
      return sign === null ? null : stays(sign);
    };
    return await destroyJudged(vsphere, object, judge, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (toSendenseError(error).code !== 'vsphere.busy') throw error;
    // A lease that nobody keeps alive ends within minutes, and its VM with it.
    return lease !== null && faultOf(error) !== null
      ? stays('its import has not ended yet; vSphere removes it within a few minutes')
      : stays(toSendenseError(error).message);
  }
}

/** Whether somebody has used a VM that brings a disk: what is on that disk may be theirs. @returns what they have done; null: nobody has */
export const useOfCarrier = async (vsphere: Vsphere, seen: SeenVm, signal?: AbortSignal): Promise<string | null> =>
  useSeen(seen) ?? ((await wasStarted(vsphere, seen.object, signal)) ? 'somebody has started it' : null);

const chainFilesOf = ({ values }: SeenVm): string[] =>
  chainsOf(list(values.get('config.hardware'), 'device')).map(({ path }) => path);

/** Also where a snapshot of it is built on the disk. */
function sharesDisk(carrier: SeenVm, target: SeenVm): boolean {
  const own = new Set(chainFilesOf(target));
  return chainFilesOf(carrier).some((path) => own.has(path));
}

/** Two VMs with one disk would spoil it. @throws SendenseError `target.unfit` where the other one does not let go of it */
function assertDetachable({ isOn, isTemplate, hasSnapshot, name, object }: SeenVm, target: SeenVm, used: string): void {
  if (!isOn && !isTemplate && !hasSnapshot) return;
  throw new SendenseError(
    'target.unfit',
    `the VM ${name} (${object.value}), which has brought a disk of ${target.name}, still has that disk, too: ${used}`,
    { remedy: 'Detach the disk from it in vSphere, without deleting the file, then run the same restore again.' },
  );
}

/** What can be seen of it; it is made with one disk. Null: nobody uses it. */
function useSeen({ isOn, isTemplate, hasSnapshot, values }: SeenVm): string | null {
  if (isOn) return 'it runs';
  if (isTemplate) return 'it is a template';
  if (hasSnapshot) return 'it has a snapshot';
  return disksOf(list(values.get('config.hardware'), 'device')).length > 1 ? 'somebody has given it a disk' : null;
}

const notAborted =
  (signal: AbortSignal | undefined) =>
  (error: unknown): void => {
    signal?.throwIfAborted();
    const { code } = toSendenseError(error);
    if (['vsphere.unreachable', 'vsphere.login', 'vsphere.tls'].includes(code) && faultOf(error) === null) throw error;
  };

/** What the target has is not the carrier's any more: vSphere deletes all disks with a VM. */
async function detachGiven(
  vsphere: Vsphere,
  carrier: SeenVm,
  target: SeenVm,
  signal: AbortSignal | undefined,
): Promise<void> {
  const filesOf = ({ values }: SeenVm) => disksOf(list(values.get('config.hardware'), 'device'));
  const given = new Set(filesOf(target).map(({ file }) => file));
  if (!filesOf(carrier).some(({ file }) => given.has(file))) return;
  await changeVm(
    vsphere,
    carrier.object,
    (seen) => {
      const gone = filesOf(seen).filter(({ file }) => given.has(file));
      if (gone.length === 0) throw new SendenseError('run.internal', `${seen.name} lost its disk meanwhile`);
      return [['deviceChange', gone.map((disk) => withoutDisk(disk))]];
    },
    signal,
  );
}

/** The change that takes a disk from a VM. @param file `destroy`: its file is deleted; default: it stays */
export const withoutDisk = (
  { key, capacity_bytes: bytes }: { readonly key: number; readonly capacity_bytes: number },
  file?: 'destroy',
): SoapObject => ({
  fields: [
    ['operation', 'remove'],
    ['fileOperation', file],
    [
      'device',
      {
        xsiType: 'VirtualDisk',
        fields: [
          ['key', key],
          ['capacityInKB', bytes / 1024],
        ],
      },
    ],
  ],
});
