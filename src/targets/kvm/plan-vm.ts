import { SendenseError } from '../../errors/sendense-error.ts';
import { machineOf } from '../../machines/machine-of.ts';
import type { Machine } from '../../machines/machine.ts';
import { readUnlessSaid } from '../../machines/read-vm-config.ts';
import { uefiFiles, type UefiFiles } from '../../machines/firmware.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import { firmwareByDisk } from '../firmware-by-disk.ts';
import type { RestoreRequest } from '../target-kind.ts';
import { cardsOf, type Card } from './cards.ts';
import type { KvmClaim } from './kvm-claim.ts';

/** A VM that will be made, with all that is known of it before a byte is written. */
export interface PlannedVm {
  readonly machine: Machine;
  readonly uuid: string;
  readonly cards: readonly Card[];
  /** Null: BIOS. */
  readonly uefi: UefiFiles | null;
  /** It has a port for the QEMU guest agent. */
  readonly agent: boolean;
  /** Id of the restore point. */
  readonly point: string;
  readonly runId: string;
  /** Its guest is Windows, as far as was saved. */
  readonly isWindows: boolean;
  /** What the plan asks for and cannot be, beside the notes of the machine. */
  readonly notes: readonly string[];
}

/** Of QEMU's machine `pc`. More want interrupt remapping, which only its other machines have. */
const mostCpus = 255;

function assertFits({ cpus: { count } }: Machine): void {
  if (count <= mostCpus) return;
  throw new SendenseError('target.unfit', `the VM has ${count} CPUs, and a VM for KVM gets ${mostCpus} at most`, {
    remedy: `Say how many it gets: \`cpus: ${mostCpus}\` (--cpus ${mostCpus}).`,
  });
}

/**
 * @param devices `virtio`: its disks and network cards are virtio, whatever they were
 * @throws SendenseError `machine.unknown`, `target.unfit`, `tool.missing`, `repository.key`
 */
export async function planVm(
  { to, disks, from }: RestoreRequest<'kvm'>,
  { uuid, runId }: Pick<KvmClaim, 'uuid' | 'runId'>,
  signal: AbortSignal,
  devices: 'same' | 'virtio' = 'same',
): Promise<PlannedVm> {
  const { vm, backup_id: point, vm_config: saved } = from.point();
  const isSaid = to.memory !== undefined && to.cpus !== undefined;
  const { config, problem } = await readUnlessSaid(saved, () => from.keys(), isSaid);
  const folderId = `${readFolderId(runId)}-firmware`;
  const isKnown = to.firmware !== undefined || config?.firmware != null;
  const machine = machineOf({
    config,
    disks: disks.map((disk) => ({ number: disk.number, uuid: disk.uuid ?? '' })),
    wanted: {
      name: to.name,
      firmware: to.firmware,
      memoryBytes: to.memory === undefined ? undefined : sizeBytes(to.memory),
      cpus: to.cpus,
      virtio: devices === 'virtio',
    },
    vmName: vm,
    firmwareByDisk: isKnown ? 'bios' : await firmwareByDisk(disks, from, { folderId, signal }),
  });
  assertFits(machine);
  return {
    machine,
    uuid: to.identity === 'keep' && machine.biosUuid !== null ? machine.biosUuid : uuid,
    cards: cardsOf(machine, to, runId).map((card) =>
      devices === 'virtio' ? { ...card, model: 'virtio-net-pci' } : card,
    ),
    uefi: machine.firmware === 'efi' ? await uefiFiles() : null,
    agent: typeof to.start === 'object' && to.start.agent,
    point,
    runId,
    isWindows: /^win/i.test(config?.guest_id ?? ''),
    notes: [
      ...(problem === null ? [] : [problem]),
      ...(to.identity === 'keep' && machine.biosUuid === null ? ['no uuid was saved: it has a new one'] : []),
      ...(to.mac === 'keep' && machine.networks.some(({ mac }) => mac === null)
        ? ['not all network cards have a saved MAC address: those have a new one']
        : []),
      ...(devices === 'virtio' && machine.networks.length > 0
        ? ['its network cards are virtio now: the guest may give them other names, such as ens3 in place of ens192']
        : []),
    ],
  };
}
