import { SendenseError } from '../errors/sendense-error.ts';
import type { VmConfig } from '../schemas/types.ts';
import { disksOf, type PointDisk } from './disks-of.ts';
import type { Machine, MachineDisk } from './machine.ts';
import { networksOf } from './networks-of.ts';
import { shortText } from './short-text.ts';

/** What somebody says of the machine, in place of what was saved. */
export interface WantedMachine {
  readonly name?: string | undefined;
  readonly firmware?: 'bios' | 'efi' | undefined;
  readonly memoryBytes?: number | undefined;
  readonly cpus?: number | undefined;
  /** Its disks are on virtio, whatever they were on. */
  readonly virtio?: boolean;
}

export interface MachineFacts {
  /** Null: none was saved. */
  readonly config: VmConfig | null;
  /** The disks of the restore point that the machine gets. */
  readonly disks: readonly PointDisk[];
  readonly wanted: WantedMachine;
  /** The name of the VM, where nothing else says one. */
  readonly vmName: string;
  /** What starts the disks, as they look: for where nothing was saved and nothing is wanted. */
  readonly firmwareByDisk: 'bios' | 'efi';
}

const MiB = 2 ** 20;
/** VMware's own bounds, with room: 6128 GiB and 768 CPUs in vSphere 8. */
const mostMemory = 24 * 2 ** 40;
const mostCpus = 1024;

/**
 * The machine as its guest knows it. What a saved configuration says is taken only as far as it can be.
 * @throws SendenseError `machine.unknown`, which names all that is missing
 */
export function machineOf(facts: MachineFacts): Machine {
  const { config, wanted } = facts;
  const notes: string[] = [];
  const missing: string[] = [];
  const firmware = firmwareFor(facts, missing);
  const memoryBytes = numberFor('memory', wanted.memoryBytes, config?.memory.bytes, { most: mostMemory, missing });
  const count = numberFor('cpus', wanted.cpus, config?.cpu.count, { most: mostCpus, missing });
  if (missing.length > 0) throw unknown(missing, config !== null);
  const secureBoot = firmware === 'efi' && config?.secure_boot === true;
  if (config === null)
    notes.push(
      `no configuration of the VM was saved: its disks are on ${wanted.virtio ? 'virtio' : 'SATA'}, and it has no network card`,
    );
  else notes.push(...lostHardware(config));
  const { disks, notes: moved } = disksOf(config, facts.disks, firmware === 'efi');
  if (!wanted.virtio) notes.push(...moved);
  return {
    name: nameFor(facts, notes),
    firmware,
    secureBoot,
    cpus: { count, coresPerSocket: coresOf(config, count, wanted.cpus !== undefined) },
    memoryBytes: Math.max(MiB, Math.floor(memoryBytes / MiB) * MiB),
    disks: wanted.virtio ? disks.map(onVirtio) : disks,
    networks: networksOf(config?.networks ?? [], notes, wanted.virtio),
    clock: /^win/i.test(config?.guest_id ?? '') ? 'localtime' : 'utc',
    biosUuid: uuidOf(config?.bios_uuid ?? null),
    notes,
  };
}

const onVirtio = (disk: MachineDisk, index: number): MachineDisk => ({
  ...disk,
  bus: 'virtio',
  place: { controller: 0, unit: index },
});

function firmwareFor({ config, wanted, firmwareByDisk }: MachineFacts, missing: string[]): Machine['firmware'] {
  if (wanted.firmware !== undefined) return wanted.firmware;
  const saved = config?.firmware ?? firmwareByDisk;
  if (saved === 'bios' || saved === 'efi') return saved;
  missing.push(`firmware (saved is ${shortText(saved)})`);
  return firmwareByDisk;
}

function numberFor(
  what: 'memory' | 'cpus',
  wanted: number | undefined,
  saved: number | undefined,
  { most, missing }: { readonly most: number; readonly missing: string[] },
): number {
  const value = wanted ?? saved;
  if (value !== undefined && Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  missing.push(value === undefined ? what : `${what} (${wanted === undefined ? 'saved' : 'wanted'} is ${value})`);
  return 1;
}

const unknown = (missing: readonly string[], saved: boolean): SendenseError =>
  new SendenseError(
    'machine.unknown',
    saved
      ? `the saved configuration of the VM does not say what it needs: ${missing.join(', ')}`
      : `no configuration of the VM was saved with this restore point; missing: ${missing.join(', ')}`,
    { remedy: 'Name what is missing in the plan, or with options such as `--memory 4GiB --cpus 2 --firmware efi`.' },
  );

/** Cores that make no whole number of sockets were never so in vSphere. */
function coresOf(config: VmConfig | null, count: number, isWanted: boolean): number {
  const cores = isWanted ? 1 : (config?.cpu.cores_per_socket ?? 1);
  return Number.isInteger(cores) && cores >= 1 && count % cores === 0 ? cores : 1;
}

const mostName = 64;

function nameFor({ config, wanted, vmName }: MachineFacts, notes: string[]): string {
  if (wanted.name !== undefined) return wanted.name;
  const saved = config?.name ?? vmName;
  const name = saved
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, mostName);
  if (name === '') return vmName;
  if (name !== saved) notes.push(`its name ${shortText(saved)} is ${name} here`);
  return name;
}

function uuidOf(saved: string | null): string | null {
  const uuid = saved?.toLowerCase() ?? '';
  // Of nothing but zeros: nobody gave it one.
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) && /[^0-]/.test(uuid) ? uuid : null;
}

/** Devices whose absence no guest notices, or that every machine has. */
const usual =
  /^Virtual(?:Cdrom|Floppy|MachineVideoCard|Keyboard|PointingDevice|MachineVMCIDevice|VMCIDevice|TPM|HdAudioCard|USB|SoundCard|EnsoniqAudio|Sound)$/i;

/** What a machine of QEMU does not get from a saved configuration. */
function lostHardware({ security, secure_boot: secureBoot, nvram, firmware, others, disks }: VmConfig): string[] {
  const notes: string[] = [];
  if (security.tpm) notes.push('its virtual TPM was not saved; have the recovery keys of BitLocker at hand');
  if (secureBoot === true) notes.push('Secure Boot is off');
  if (firmware === 'efi' && nvram !== null)
    notes.push(
      'the settings of its firmware are those of VMware and fit no other: it begins with empty ones, and starts \\EFI\\BOOT\\BOOTX64.EFI',
    );
  const left = disks.filter((disk) => !disk.in_restore_point);
  if (left.length > 0)
    notes.push(
      `not in the restore point: ${left
        .slice(0, 8)
        .map(({ label }) => shortText(label))
        .join(', ')}`,
    );
  const lost = [...new Set(others.map(({ type }) => type).filter((type) => !usual.test(type)))];
  if (lost.length > 0) notes.push(`without its other devices: ${lost.slice(0, 8).map(shortText).join(', ')}`);
  return notes;
}
