import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { FormatName } from '../targets/directory/formats.ts';
import type { TargetType } from '../targets/target-kind.ts';

interface MachineOptions {
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
    return { ova: resolve(where), ...machineOf(options) };
  },
};

/** What the VM is to have in place of what was saved. */
function machineOf({ memory, cpus, firmware, guestId }: MachineOptions): To {
  if (cpus !== undefined && !/^[1-9][0-9]{0,3}$/.test(cpus)) throw usage(`--cpus ${cpus} is not a number of CPUs`);
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(guestId === undefined ? {} : { guestId }),
  };
}

function refuseMachine(options: MachineOptions): void {
  if (Object.keys(machineOf(options)).length > 0)
    throw usage('--memory, --cpus, --firmware and --guest-id are for --to ova:…; folders and devices get disks alone');
}

/** The `to` of a plan. @throws SendenseError `usage` */
export function toOfOptions(options: ToOptions): To {
  const { to } = options;
  // What a shell makes of a variable that is not set would be the folder that one is in.
  if (to === undefined || to === '')
    throw usage('say where to restore to: --to DIRECTORY, --to ova:FILE.ova, or --to device:/dev/…');
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
