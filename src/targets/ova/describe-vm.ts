import { createHash } from 'node:crypto';
import { machineOf } from '../../machines/machine-of.ts';
import type { Machine } from '../../machines/machine.ts';
import { readVmConfig } from '../../machines/read-vm-config.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import type { VmConfig } from '../../schemas/types.ts';
import type { RestoreRequest } from '../target-kind.ts';
import type { OvfVm } from './ovf-text.ts';
import { controllersOf } from './vmware-hardware.ts';

export interface DescribedVm {
  readonly vm: OvfVm;
  /** Settings of the firmware; null: none were saved. */
  readonly nvram: Buffer | null;
  /** What the VM had and the OVA has not, or has otherwise. */
  readonly notes: readonly string[];
}

/** More are no settings of a firmware. */
const mostNvram = 16 * 2 ** 20;
const mostAnnotation = 16_384;
/** What VMware has had longest that knows all that is used here. */
const usualHardware = 'vmx-13';

/**
 * The VM as its descriptor says it: as it was saved, as far as that can be, and as the plan says.
 * @param firmwareByDisk for where nothing was saved
 * @throws SendenseError `machine.unknown`, `repository.key`
 */
export async function describeVm(
  { to, disks, from }: RestoreRequest<'ova'>,
  firmwareByDisk: Machine['firmware'],
): Promise<DescribedVm> {
  const point = from.point();
  const config = point.vm_config === null ? null : await readVmConfig(point.vm_config, await from.keys());
  return describedVm(config, { to, disks, vmName: point.vm, firmwareByDisk });
}

interface Wanted extends Pick<RestoreRequest<'ova'>, 'to' | 'disks'> {
  readonly vmName: string;
  readonly firmwareByDisk: Machine['firmware'];
}

/** @param config others may have written it. @throws SendenseError `machine.unknown` */
export function describedVm(config: VmConfig | null, { to, disks, vmName, firmwareByDisk }: Wanted): DescribedVm {
  const pointDisks = disks.map(({ disk, number, uuid }) => ({ disk, number, uuid: uuid ?? '' }));
  const machine = machineOf({
    config,
    disks: pointDisks,
    wanted: {
      firmware: to.firmware,
      memoryBytes: to.memory === undefined ? undefined : sizeBytes(to.memory),
      cpus: to.cpus,
    },
    vmName,
    firmwareByDisk,
  });
  const notes: string[] = [];
  const nvram = nvramOf(config, machine.firmware, notes);
  const vm: OvfVm = {
    name: machine.name,
    annotation: config?.annotation.slice(0, mostAnnotation) ?? '',
    guestId: to.guestId ?? guestIdOf(config, notes),
    hardwareVersion: hardwareOf(config, notes),
    firmware: machine.firmware,
    secureBoot: machine.secureBoot,
    cpus: machine.cpus,
    memoryBytes: machine.memoryBytes,
    controllers: controllersOf(config, pointDisks, notes),
    networks: machine.networks.map(({ model, network, connected }, index) => ({
      model,
      name: network ?? `Network ${index + 1}`,
      connected,
    })),
  };
  return { vm, nvram, notes: [...notes, ...lostOf(config)] };
}

function guestIdOf(config: VmConfig | null, notes: string[]): string | null {
  const saved = config?.guest_id ?? null;
  if (saved !== null && /^[A-Za-z0-9_-]{1,64}$/.test(saved)) return saved;
  notes.push('the system of the guest is not known: say it when you deploy the VM, or with --guest-id');
  return null;
}

function hardwareOf(config: VmConfig | null, notes: string[]): string {
  const saved = config?.hardware_version ?? null;
  if (saved !== null && /^vmx-[0-9]{2}$/.test(saved)) return saved;
  if (config !== null) notes.push(`its hardware version is ${usualHardware}, because none was saved that is known`);
  return usualHardware;
}

function nvramOf(config: VmConfig | null, firmware: Machine['firmware'], notes: string[]): Buffer | null {
  const saved = config?.nvram ?? null;
  if (saved === null || firmware !== (config?.firmware ?? firmware)) return null;
  const bytes = Buffer.from(saved.base64, 'base64');
  const isWhole = createHash('sha256').update(bytes).digest('hex') === saved.sha256;
  if (isWhole && bytes.length > 0 && bytes.length <= mostNvram) return bytes;
  notes.push('the saved settings of its firmware are damaged: it begins with empty ones');
  return null;
}

/** What the descriptor cannot say, or what was never saved. */
function lostOf(config: VmConfig | null): string[] {
  if (config === null)
    return ['no configuration of the VM was saved: its disks are on SATA, and it has no network card'];
  const left = config.disks.filter(({ in_restore_point: isThere }) => !isThere).length;
  return [
    ...(config.security.tpm ? ['its virtual TPM was not saved; have the recovery keys of BitLocker at hand'] : []),
    ...(left > 0 ? [`${left} of its disks are not in the restore point`] : []),
  ];
}
