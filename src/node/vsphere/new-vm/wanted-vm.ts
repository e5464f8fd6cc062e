import { withoutLines } from '../../../machines/lines-in-notes.ts';
import type { VmConfig } from '../../../schemas/types.ts';
import { takenOver } from './extra-config.ts';
import { cleaned, isIde, isWhole, quoted, unfit } from './judge.ts';
import { wantedBoot, type WantedBoot } from './wanted-boot.ts';
import { wantedCards, type WantedCard } from './wanted-cards.ts';
import { wantedControllers, wantedDisks, type WantedController, type WantedDisk } from './wanted-disks.ts';

/** What a saved configuration says about hardware, judged: what another one may have written reaches no request as it stands. */
export interface WantedVm {
  readonly hardwareVersion: number;
  readonly guestId: string;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly boot: WantedBoot;
  readonly virtualizationBased: boolean;
  readonly iommu: boolean;
  readonly cpus: number;
  readonly coresPerSocket: number;
  readonly cpuHotAdd: boolean;
  readonly nested: boolean;
  readonly memoryMiB: number;
  readonly memoryHotAdd: boolean;
  readonly annotation: string;
  readonly biosUuid: string | null;
  readonly controllers: readonly WantedController[];
  readonly disks: readonly WantedDisk[];
  readonly cards: readonly WantedCard[];
  /** Places of CD drives, which are made without a medium. */
  readonly cdDrives: readonly { readonly controllerKey: number; readonly unit: number }[];
  readonly extraConfig: readonly { readonly key: string; readonly value: string }[];
  readonly nvram: Buffer | null;
  /** What the new VM will not have, in words. */
  readonly leftOut: readonly string[];
}

export interface WantedOptions {
  /** Bytes of each disk of the restore point, by key. */
  readonly disks: ReadonlyMap<number, number>;
  /** The VM is made although its virtual TPM cannot be. */
  readonly withoutTpm: boolean;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const mostCpus = 768;
const mostMemoryMiB = 24 * 1024 * 1024;
/** vSphere's own limit is higher; nobody reads that much. */
const longestAnnotation = 16_000;

/** @throws SendenseError `target.unfit` with what cannot be made, and why */
export function wantedVm(config: VmConfig, options: WantedOptions): WantedVm {
  const leftOut: string[] = [];
  const firmware = config.firmware ?? 'bios';
  if (firmware !== 'bios' && firmware !== 'efi') throw unfit(`firmware ${quoted(firmware)} is neither bios nor efi`);
  if (config.security.tpm && !options.withoutTpm)
    throw unfit('the VM had a virtual TPM, whose content is in no backup', {
      remedy: 'Say that the VM is to be made without it. A guest that is encrypted with it asks for its recovery key.',
    });
  if (config.security.tpm) leftOut.push('the virtual TPM');
  if (config.security.encrypted) leftOut.push("the encryption of the VM's files");
  const controllers = wantedControllers(config, leftOut);
  const extra = takenOver(config.extra_config);
  if (extra.leftOut.length > 0) leftOut.push(`values of extraConfig: ${extra.leftOut.map(quoted).join(', ')}`);
  const cards = wantedCards(config.networks);
  const disks = wantedDisks(config, options.disks, controllers);
  const bootable = new Set([...disks, ...cards].map(({ key }) => key));
  return {
    hardwareVersion: hardwareVersion(config.hardware_version),
    guestId: guestId(config.guest_id, leftOut),
    firmware,
    secureBoot: firmware === 'efi' && config.secure_boot === true,
    boot: wantedBoot(config.boot, bootable, leftOut),
    virtualizationBased: config.security.virtualization_based === true,
    iommu: config.security.iommu === true,
    ...processors(config.cpu),
    memoryMiB: memoryOf(config.memory.bytes),
    memoryHotAdd: config.memory.hot_add === true,
    annotation: withoutLines(cleaned(config.annotation)).slice(0, longestAnnotation),
    biosUuid: uuidForm.test(config.bios_uuid?.toLowerCase() ?? '') ? (config.bios_uuid?.toLowerCase() ?? null) : null,
    controllers,
    disks,
    cards,
    cdDrives: cdDrives(config, controllers, leftOut),
    extraConfig: extra.kept,
    nvram: nvramOf(config),
    leftOut,
  };
}

function processors(cpu: VmConfig['cpu']): Pick<WantedVm, 'cpus' | 'coresPerSocket' | 'cpuHotAdd' | 'nested'> {
  if (!isWhole(cpu.count, 1, mostCpus)) throw unfit(`${cpu.count} CPUs are no number of CPUs`);
  const cores = cpu.cores_per_socket ?? 1;
  // vSphere refuses a number of cores that does not divide that of the CPUs.
  const fits = isWhole(cores, 1, cpu.count) && cpu.count % cores === 0;
  return {
    cpus: cpu.count,
    coresPerSocket: fits ? cores : 1,
    cpuHotAdd: cpu.hot_add === true,
    nested: cpu.nested === true,
  };
}

function memoryOf(bytes: number): number {
  const mebibytes = bytes / (1024 * 1024);
  if (!isWhole(mebibytes, 4, mostMemoryMiB)) throw unfit(`${bytes} bytes are no size of a VM's memory`);
  return mebibytes;
}

function hardwareVersion(version: string | null): number {
  const number = Number(/^vmx-(\d{1,3})$/.exec(version ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(number)) throw unfit(`the hardware version ${quoted(version ?? 'none')} is no vmx-NUMBER`);
  return number;
}

function guestId(id: string | null, leftOut: string[]): string {
  if (id !== null && /^[A-Za-z0-9_]{1,64}$/.test(id)) return id;
  leftOut.push('the kind of the guest system, which is not saved');
  return 'otherGuest64';
}

const emptied = new Set(['VirtualCdrom']);
/** Every VM has them, whatever one asks for. */
const builtIn = /^Virtual(Machine)?(VideoCard|MachineVideoCard|VMCIDevice|Keyboard|PointingDevice|MachineVMCIDevice)$/;

function cdDrives(config: VmConfig, controllers: readonly WantedController[], leftOut: string[]): WantedVm['cdDrives'] {
  const drives: { controllerKey: number; unit: number }[] = [];
  for (const { type, label, controller_key, unit } of config.others) {
    if (builtIn.test(type) || type === 'VirtualTPM') continue;
    const known = controllers.some(({ key }) => key === controller_key) || isIde(controller_key ?? 0);
    if (emptied.has(type) && known && controller_key !== null && isWhole(unit ?? -1, 0, 29))
      drives.push({ controllerKey: controller_key, unit: unit ?? 0 });
    else leftOut.push(`${cleaned(label)} (${cleaned(type)})`);
  }
  return drives;
}

function nvramOf({ nvram }: VmConfig): Buffer | null {
  if (nvram === null) return null;
  const content = Buffer.from(nvram.base64, 'base64');
  if (content.length === 0 || content.length > 1024 * 1024) throw unfit(`NVRAM of ${content.length} bytes`);
  return content;
}
