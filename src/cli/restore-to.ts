import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { FormatName } from '../targets/directory/formats.ts';
import type { TargetType } from '../targets/target-kind.ts';
import { assertFolder } from './assert-folder.ts';

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
  readonly newMac?: boolean;
  readonly folder?: string;
  readonly pool?: string;
  readonly datastore?: readonly string[];
  readonly thick?: boolean;
  readonly withoutTpm?: boolean;
  readonly powerOn?: boolean;
  readonly resume?: boolean;
  readonly inPlace?: boolean;
  readonly safetyBackup?: boolean;
  readonly takeOver?: boolean;
  readonly compareAll?: boolean;
  readonly node?: string;
  readonly credential?: string;
  readonly convert?: 'virtio';
  readonly virtioWin?: string;
  readonly accel?: 'auto' | 'tcg' | 'kvm';
  readonly start?: boolean;
  readonly serial?: string;
  readonly agent?: boolean;
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
  vsphere: (where, { format, subformat, thin, overwrite, ...options }) => {
    if (format !== 'raw' || subformat !== undefined)
      throw usage('--format and --subformat are for folders; the disks of a VM in vSphere are VMDKs');
    if (overwrite === true) throw usage('--overwrite is for --to device:…; a VM is never overwritten');
    if (where === '') throw usage('--to vsphere: names no source: write vsphere:SOURCE, a source of sendense.yaml');
    if (options.inPlace === true) return inPlaceOf(where, { thin, ...options });
    if (thin === true && options.thick === true) throw usage('--thin and --thick contradict each other');
    return { vsphere: where, ...machineOf('vsphere', options), ...(thin === true ? { thin } : {}) };
  },
  inPlace: (where, options) => inPlaceOf(where, options),
  attach: (where, options) => attachOf(where, options),
  attachKvm: (where, options) => attachKvmOf(where, options),
};

type MachineTarget = 'kvm' | 'ova' | 'vsphere' | 'in-place' | 'attach' | 'attach-kvm';

/** Which kinds of targets each option is for. */
const machineFlags: { readonly [O in keyof MachineOptions]-?: readonly [flag: string, ...kinds: MachineTarget[]] } = {
  name: ['--name', 'kvm', 'vsphere'],
  libvirt: ['--libvirt', 'kvm', 'attach-kvm'],
  network: ['--network', 'kvm', 'vsphere'],
  connect: ['--connect', 'kvm', 'vsphere'],
  keepMac: ['--keep-mac', 'kvm', 'vsphere'],
  newMac: ['--new-mac', 'vsphere'],
  keepIdentity: ['--keep-identity', 'kvm', 'vsphere'],
  memory: ['--memory', 'kvm', 'ova'],
  cpus: ['--cpus', 'kvm', 'ova'],
  firmware: ['--firmware', 'kvm', 'ova'],
  guestId: ['--guest-id', 'ova'],
  folder: ['--folder', 'vsphere', 'attach-kvm'],
  pool: ['--pool', 'vsphere'],
  datastore: ['--datastore', 'vsphere', 'attach'],
  thick: ['--thick', 'vsphere', 'attach'],
  withoutTpm: ['--without-tpm', 'vsphere'],
  powerOn: ['--power-on', 'vsphere', 'in-place'],
  resume: ['--no-resume', 'vsphere', 'attach'],
  node: ['--node', 'vsphere', 'in-place', 'attach'],
  credential: ['--credential', 'vsphere', 'in-place', 'attach'],
  inPlace: ['--in-place', 'in-place'],
  safetyBackup: ['--no-safety-backup', 'in-place'],
  takeOver: ['--take-over', 'in-place'],
  compareAll: ['--compare-all', 'in-place'],
  convert: ['--convert', 'kvm'],
  virtioWin: ['--virtio-win', 'kvm'],
  accel: ['--accel', 'kvm'],
  start: ['--start', 'kvm', 'vsphere', 'in-place'],
  serial: ['--serial', 'kvm'],
  agent: ['--agent', 'kvm'],
};

/** Their defaults are true. */
const negated: readonly (keyof MachineOptions)[] = ['resume', 'safetyBackup'];

const placeOfKind: { readonly [M in MachineTarget]: string } = {
  'kvm': '--to kvm:…',
  'ova': '--to ova:…',
  'vsphere': '--to vsphere:…',
  'in-place': '--to vsphere:… --in-place',
  'attach': 'attach --to vsphere:…',
  'attach-kvm': 'attach --to kvm:…',
};

/** The `to` of a plan that attaches disks to a VM. @param vm that gets them; absent: the one that they were of */
export function attachOf(
  where: string,
  { format, subformat, thin, overwrite, ...options }: Partial<ToOptions>,
  vm?: string,
): To {
  if ((format ?? 'raw') !== 'raw' || subformat !== undefined)
    throw usage('--format and --subformat are for folders; the disks of a VM in vSphere are VMDKs');
  if (overwrite === true) throw usage('--overwrite is for --to device:…; a disk that is attached is a new one');
  if (where === '') throw usage('--to attach: names no source: write attach:SOURCE, a source of sendense.yaml');
  if (thin === true && options.thick === true) throw usage('--thin and --thick contradict each other');
  return { attach: where, ...(vm === undefined ? {} : { vm }), ...machineOf('attach', options) };
}

/** The same for a VM of libvirt. @param where its name or uuid */
export function attachKvmOf(
  where: string,
  { format, subformat, thin, overwrite, ...options }: Partial<ToOptions>,
  vm?: string,
): To {
  if ((format ?? 'raw') !== 'raw' || subformat !== undefined || thin === true)
    throw usage('--format, --subformat and --thin are for folders; the disks of a VM of libvirt are qcow2');
  if (overwrite === true) throw usage('--overwrite is for --to device:…; a disk that is attached is a new one');
  if (vm !== undefined) throw usage('--vm is for vSphere; in KVM the VM that gets the disk stands in --to kvm:VM');
  const { folder, ...more } = options;
  const said = machineOf('attach-kvm', more);
  return { attachKvm: where, ...said, ...(folder === undefined ? {} : { folder: resolve(folder) }) };
}

function inPlaceOf(where: string, { thin, ...options }: Omit<ToOptions, 'format'>): To {
  if (thin === true)
    throw usage('--thin is for new disks; a restore in place leaves disks as thin or thick as they are');
  return { inPlace: where, ...machineOf('in-place', options) };
}

/** What the VM is to be, in place of what was saved. */
function machineOf(kind: MachineTarget, options: MachineOptions): To {
  refuseMachine(options, kind);
  const { network, datastore, connect, keepIdentity, cpus, thick, ...more } = options;
  const { name, libvirt, memory, firmware, guestId, folder, pool, withoutTpm, powerOn, node, credential } = more;
  if (cpus !== undefined && !/^[1-9][0-9]{0,3}$/.test(cpus)) throw usage(`--cpus ${cpus} is not a number of CPUs`);
  const said = {
    name,
    libvirt,
    network: network && networkOf(network),
    connect,
    mac: macOf(more),
    identity: keepIdentity === true ? 'keep' : undefined,
    memory,
    cpus: cpus === undefined ? undefined : Number(cpus),
    firmware,
    guestId,
    folder,
    pool,
    datastore: datastore && datastoresOf(datastore),
    thin: thick === true ? false : undefined,
    withoutTpm,
    powerOn,
    resume: more.resume === false ? false : undefined,
    safetyBackup: more.safetyBackup === false ? false : undefined,
    takeOver: more.takeOver,
    compareAll: more.compareAll,
    node,
    credential,
    convert: convertOf(options),
    start: startOf(options),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function macOf({ keepMac, newMac }: MachineOptions): 'keep' | 'new' | undefined {
  if (keepMac === true && newMac === true) throw usage('--keep-mac and --new-mac contradict each other');
  return keepMac === true ? 'keep' : newMac === true ? 'new' : undefined;
}

/** `datastore1`, or `disk-1=datastore2` for each disk. */
function datastoresOf(words: readonly string[]): string | Readonly<Record<string, string>> {
  const [first = ''] = words;
  const entries = words.map((word) => /^(?:disk-)?([0-9]{1,3})=(.+)$/s.exec(word));
  if (entries.every((entry) => entry !== null))
    return oncePerName(
      '--datastore',
      entries.map(([, number = '', name = '']) => [`disk-${Number(number)}`, name]),
    );
  if (words.length === 1) return first;
  throw usage('several --datastore are each a disk and its datastore: --datastore disk-1=datastore2');
}

/** By which sign it is up; null: that is not said. */
const checkOf = ({ serial, agent }: MachineOptions): To | null =>
  serial === undefined && agent !== true
    ? null
    : { ...(serial === undefined ? {} : { serial: { mark: serial } }), ...(agent === true ? { agent } : {}) };

/** `true`, or by which sign it is up. */
function startOf({ start, convert, ...options }: MachineOptions): boolean | To | undefined {
  if (start !== true && convert === undefined && (options.serial !== undefined || options.agent !== undefined))
    throw usage('--serial and --agent are for --start and --convert');
  return start === true ? (checkOf(options) ?? start) : start;
}

/** The name of what it is converted to, or with more that is said. */
function convertOf({ convert, virtioWin, accel, ...options }: MachineOptions): string | To | undefined {
  if (convert === undefined) {
    if (virtioWin !== undefined || accel !== undefined)
      throw usage('--virtio-win and --accel are for --convert virtio');
    return undefined;
  }
  const boot = checkOf(options);
  if (virtioWin === undefined && accel === undefined && boot === null) return convert;
  return {
    to: convert,
    ...(virtioWin === undefined ? {} : { virtioWin: resolve(virtioWin) }),
    ...(accel === undefined ? {} : { accel }),
    ...(boot === null ? {} : { boot }),
  };
}

/** @param kind null: no VM is made */
function refuseMachine(options: MachineOptions, kind: MachineTarget | null = null): void {
  for (const option of Object.keys(machineFlags) as (keyof MachineOptions)[]) {
    const [flag, ...targets] = machineFlags[option];
    // That of a negated option has a default.
    if (
      options[option] === undefined ||
      (negated.includes(option) && options[option] === true) ||
      (kind !== null && targets.includes(kind))
    )
      continue;
    const where = targets.map((target) => placeOfKind[target]).join(' and ');
    throw usage(`${flag} is for ${where}${kind === null ? '; folders and devices get disks alone' : ''}`);
  }
}

/** `default`, or `VM Network=default` for each network of vSphere. */
function networkOf(words: readonly string[]): string | Readonly<Record<string, string>> {
  const [first = ''] = words;
  if (words.length === 1 && !first.includes('=')) return first;
  const entries = words.map((word) => /^(.+)=([^=]+)$/s.exec(word));
  if (entries.every((entry) => entry !== null))
    return oncePerName(
      '--network',
      entries.map(([, old = '', here = '']) => [old, here]),
    );
  throw usage('several --network are each the name in vSphere and the one here: --network "VM Network=default"');
}

/** The `to` of a plan. @throws SendenseError `usage` */
export function toOfOptions(options: ToOptions): To {
  const { to } = options;
  // What a shell makes of a variable that is not set would be the folder that one is in.
  if (to === undefined || to === '')
    throw usage(
      'say where to restore to: --to DIRECTORY, kvm:DIRECTORY, vsphere:SOURCE, ova:FILE.ova, or device:/dev/…',
    );
  const [, kind = '', where = ''] = /^([a-z]+):(.*)$/s.exec(to) ?? [];
  if (isKind(kind)) return kinds[kind](where, options);
  assertFolder('--to', to);
  return kinds.directory(to, options);
}

const isKind = (name: string): name is TargetType => Object.hasOwn(kinds, name);

/** `/dev/sdb`, or `disk-0=/dev/sdb,disk-1=/dev/sdc`. */
function devicesOf(text: string): string | Readonly<Record<string, string>> {
  if (text.startsWith('/') && !text.includes('=')) return text;
  const entries = text.split(',').map((entry) => /^(?:disk-)?([0-9]{1,3})=(\/.+)$/.exec(entry));
  if (text !== '' && entries.every((entry) => entry !== null))
    return oncePerName(
      '--to device:',
      entries.map(([, number = '', path = '']) => [`disk-${Number(number)}`, path]),
    );
  throw usage(`--to device:${text} names no device: write device:/dev/sdb, or device:disk-0=/dev/sdb,disk-1=/dev/sdc`);
}

/** Of two that are said for one, one would be dropped. */
function oncePerName(flag: string, entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const twice = entries.find(([name], index) => entries.findIndex(([other]) => other === name) !== index);
  if (twice) throw usage(`${flag} names ${twice[0]} twice`);
  return Object.fromEntries(entries);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run restore --help`.' });
