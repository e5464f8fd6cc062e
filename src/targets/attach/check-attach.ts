import { SendenseError } from '../../errors/sendense-error.ts';
import { readVmConfig } from '../../machines/read-vm-config.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { AttachChecked, PlannedEffect } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { RestoreRequest } from '../target-kind.ts';
import { checkWanted, olderNode, type CheckedVm } from '../vsphere/check-vm.ts';
import { sizesOf } from '../vsphere/wanted-vm.ts';
import type { AttachClaim } from './attach-claim.ts';
import { helperVm, keyedDisks } from './helper-vm.ts';

type Request = RestoreRequest<'attach'>;

/** A VM that can get the disks, and the one that they are made with. */
export interface CheckedAttach extends CheckedVm {
  readonly receiver: AttachChecked;
}

/**
 * Asks the node what speaks against attaching the disks. Nothing is changed.
 * @throws SendenseError `machine.unknown`, `source.missing`, `target.unfit`, `file.exists` where unfinished disks cannot be gone on with,
 *   `transport.unavailable`, `vsphere.*`, `node.*`
 */
export async function checkAttach(hub: TargetHub, request: Request, claim: AttachClaim): Promise<CheckedAttach> {
  const { to, disks, from } = request;
  const spec = hub.vsphere(claim.source, claim.credential ?? undefined);
  const { vm: of, backup_id: point } = from.point();
  const keyed = keyedDisks(disks);
  const [first, ...rest] = disks.map(({ disk }) => disk);
  if (first === undefined) throw new SendenseError('run.internal', 'no disks');
  const client = await hub.node(claim.node);
  const receiver = await client
    .checkAttach(
      {
        source: spec,
        ...(await hub.login(spec)),
        vm: to.vm ?? null,
        instance_uuid: await savedUuid(request),
        of,
        point,
        disks: [first, ...rest],
        datastore: to.datastore ?? null,
      },
      hub.signal,
    )
    .catch((error: unknown) => {
      throw olderNode(error, claim.node, 'attaches no disks');
    });
  const sizes = await sizesOf(keyed, await from.keys(), hub.signal);
  const wanted = helperVm(receiver, { run: claim.run, point, disks: keyed, sizes, thin: to.thin });
  const wayOut = 'Delete that VM in vSphere if nobody needs it, and attach the disk again.';
  return { ...(await checkWanted(hub, spec, wanted, claim, wayOut)), receiver };
}

/** Of the VM that the restore point was made of; null: nobody has saved it. */
async function savedUuid({ from }: Pick<Request, 'from'>): Promise<string | null> {
  const { vm_config: saved } = from.point();
  return saved === null ? null : (await readVmConfig(saved, await from.keys())).instance_uuid;
}

/** What a dry-run shows. */
export function effectsOf({ receiver, vm, disks, spec, checked, takesOver }: CheckedAttach): PlannedEffect[] {
  const { name, powered_on: isOn, places, datastore } = receiver;
  return [
    {
      action: 'create',
      target: `${vm.place.folder}/${vm.place.name}`,
      detail: [
        `a VM in vSphere (${spec.host}) that the disks are made with; it is never started, and goes at the end`,
        ...(takesOver === null ? [] : [`goes on with what run ${takesOver} has left`]),
      ].join('; '),
      argv: null,
    },
    ...disks.map(({ key, disk }, nth): PlannedEffect => {
      const { bytes = 0, used = 0 } = vm.disks.find((one) => one.key === key) ?? {};
      const isThere = takesOver !== null && checked.unfinished?.copied.includes(key) === true;
      const place = places[nth];
      return {
        action: 'create',
        target: vm.place.files?.[key] ?? `[${datastore}]`,
        detail: `${disk.disk} for ${name}, at unit ${place?.unit ?? '?'} of ${place?.controller ?? 'a controller'}, ${sizeText(bytes)}, ${vm.thin === false ? 'thick' : 'thin'}, ${isThere ? 'copied already' : `${sizeText(used)} of data`}`,
        argv: null,
      };
    }),
    {
      action: 'change',
      target: name,
      detail: `gets ${disks.length === 1 ? 'the disk' : `${disks.length} disks`} ${isOn ? 'while it runs' : 'while it is off'}; backups of the VM leave ${disks.length === 1 ? 'it' : 'them'} out`,
      argv: null,
    },
  ];
}
