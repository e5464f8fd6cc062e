import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { FormatName } from '../targets/directory/formats.ts';
import type { TargetType } from '../targets/target-kind.ts';

/** What is said of a VM that is made. */
interface MachineOptions {
  readonly name?: string;
  readonly libvirt?: string;
  readonly network?: readonly string[];
  readonly connect?: boolean;
  readonly keepMac?: boolean;
  readonly keepIdentity?: boolean;
  readonly memory?: string;
  readonly cpus?: string;
  readonly firmware?: string;
  readonly guestId?: string;
}

/** Options of `sendense-run restore` that say where to. */
export interface ToOptions extends MachineOptions {
  readonly to?: string;
  readonly format: FormatName;
  readonly subformat?: 'monolithicSparse' | 'streamOptimized';
  readonly thin?: boolean;
  readonly overwrite?: boolean;
}

type To = Readonly<Record<string, unknown>>;

/** What each kind of target makes of the options. `where`: what stands in `--to` behind the name of the kind. */
const kinds: { readonly [T in TargetType]: (where: string, options: ToOptions) => To } = {
  directory: (where, { format, subformat, thin, overwrite, ...options }) => {
    refuseMachine(options);
    if (subformat !== undefined && format !== 'vmdk')
      throw usage(`--subformat is for --format vmdk, not for ${format}`);
    if (thin === true && format !== 'qcow2') throw usage(`--thin is for --format qcow2, not for ${format}`);
    if (overwrite === true) throw usage('--overwrite is for --to device:…; files are never overwritten');
    return { directory: resolve(where), format, ...(subformat ? { subformat } : {}), ...(thin ? { thin } : {}) };
  },
  device: (where, { format, subformat, thin, overwrite = false, ...options }) => {
    refuseMachine(options);
    if (format !== 'raw' || subformat !== undefined || thin === true)
      throw usage('--format, --subformat and --thin are for folders, not for devices');
    return { device: devicesOf(where), ...(overwrite ? { overwrite } : {}) };
  },
  ova: (where, { format, subformat, thin, overwrite, ...options }) => {
    if (format !== 'raw' || subformat !== undefined || thin === true)
      throw usage('--format, --subformat and --thin are for folders, not for OVA files');
    if (overwrite === true) throw usage('--overwrite is for --to device:…; files are never overwritten');
    if (where === '') throw usage('--to ova: names no file: write ova:FILE.ova');
    return { ova: resolve(where), ...machineOf('ova', options) };
  },
  kvm: (where, { format, subformat, thin, overwrite, ...options }) => {
    if (format !== 'raw' || subformat !== undefined || thin === true)
      throw usage('--format, --subformat and --thin are for folders; the disks of a VM for KVM are qcow2');
    if (overwrite === true) throw usage('--overwrite is for --to device:…; files are never overwritten');
    if (where === '') throw usage('--to kvm: names no folder: write kvm:DIRECTORY');
    return { kvm: resolve(where), ...machineOf('kvm', options) };
  },
};

type MachineTarget = 'kvm' | 'ova';

/** Which kinds of targets each option is for. */
const machineFlags: { readonly [O in keyof MachineOptions]-?: readonly [flag: string, ...kinds: MachineTarget[]] } = {
  name: ['--name', 'kvm'],
  libvirt: ['--libvirt', 'kvm'],
  network: ['--network', 'kvm'],
  connect: ['--connect', 'kvm'],
  keepMac: ['--keep-mac', 'kvm'],
  keepIdentity: ['--keep-identity', 'kvm'],
  memory: ['--memory', 'kvm', 'ova'],
  cpus: ['--cpus', 'kvm', 'ova'],
  firmware: ['--firmware', 'kvm', 'ova'],
  guestId: ['--guest-id', 'ova'],
};

/** What the VM is to be, in place of what was saved. */
function machineOf(kind: MachineTarget, options: MachineOptions): To {
  refuseMachine(options, kind);
  const { network, connect, keepMac, keepIdentity, cpus } = options;
  const { name, libvirt, memory, firmware, guestId } = options;
  if (cpus !== undefined && !/^[1-9][0-9]{0,3}$/.test(cpus)) throw usage(`--cpus ${cpus} is not a number of CPUs`);
  const said = {
    name,
    libvirt,
    network: network && networkOf(network),
    connect,
    mac: keepMac === true ? 'keep' : undefined,
    identity: keepIdentity === true ? 'keep' : undefined,
    memory,
    cpus: cpus === undefined ? undefined : Number(cpus),
    firmware,
    guestId,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** @param kind null: no VM is made */
function refuseMachine(options: MachineOptions, kind: MachineTarget | null = null): void {
  for (const option of Object.keys(machineFlags) as (keyof MachineOptions)[]) {
    const [flag, ...targets] = machineFlags[option];
    if (options[option] === undefined || (kind !== null && targets.includes(kind))) continue;
    const where = targets.map((target) => `--to ${target}:…`).join(' and ');
    throw usage(`${flag} is for ${where}${kind === null ? '; folders and devices get disks alone' : ''}`);
  }
}

/** `default`, or `VM Network=default` for each network of vSphere. */
function networkOf(words: readonly string[]): string | Readonly<Record<string, string>> {
  const [first = ''] = words;
  if (words.length === 1 && !first.includes('=')) return first;
  const entries = words.map((word) => /^(.+)=([^=]+)$/s.exec(word));
  if (entries.every((entry) => entry !== null))
    return Object.fromEntries(entries.map(([, old = '', here = '']) => [old, here]));
  throw usage('several --network are each the name in vSphere and the one here: --network "VM Network=default"');
}

/** The `to` of a plan. @throws SendenseError `usage` */
export function toOfOptions(options: ToOptions): To {
  const { to } = options;
  // What a shell makes of a variable that is not set would be the folder that one is in.
  if (to === undefined || to === '')
    throw usage('say where to restore to: --to DIRECTORY, kvm:DIRECTORY, ova:FILE.ova, or device:/dev/…');
  const [, kind = '', where = ''] = /^([a-z]+):(.*)$/s.exec(to) ?? [];
  return isKind(kind) ? kinds[kind](where, options) : kinds.directory(to, options);
}

const isKind = (name: string): name is TargetType => Object.hasOwn(kinds, name);

/** `/dev/sdb`, or `disk-0=/dev/sdb,disk-1=/dev/sdc`. */
function devicesOf(text: string): string | Readonly<Record<string, string>> {
  if (text.startsWith('/') && !text.includes('=')) return text;
  const entries = text.split(',').map((entry) => /^(?:disk-)?([0-9]{1,3})=(\/.+)$/.exec(entry));
  if (text !== '' && entries.every((entry) => entry !== null))
    return Object.fromEntries(entries.map(([, number = '', path = '']) => [`disk-${Number(number)}`, path]));
  throw usage(`--to device:${text} names no device: write device:/dev/sdb, or device:disk-0=/dev/sdb,disk-1=/dev/sdc`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run restore --help`.' });
