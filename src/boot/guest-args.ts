import { deviceArgs } from '../host/images/guest-disks.ts';
import { secretId, secretObjects } from '../host/images/image-options.ts';
import { agentArgs, consoleArgs } from '../host/images/qemu-system.ts';
import type { MachineDisk } from '../machines/machine.ts';
import { agentName, guestPidFile, monitorName, serverSocketName, variablesName, vncName } from './boot-files.ts';
import { groupOf, type BootMachine, type BootNetwork } from './boot-machine.ts';
import { switchName } from './group-network.ts';
import type { DiskFiles } from './disk-files.ts';

export interface GuestArgs {
  readonly id: string;
  readonly folder: string;
  readonly booted: BootMachine;
  /** By number: the files that the guest's disk consists of. */
  readonly files: ReadonlyMap<number, DiskFiles>;
  /** Code of UEFI; null: BIOS. */
  readonly efiCode: string | null;
}

/** Seconds for which a disk waits for a server that was ended; shorter than Linux and Windows wait before they take a disk for broken. */
const reconnectSeconds = 20;
/** NVMe has no pause at an error: what a guest asks for waits until it is there. */
const patientSeconds = 86_400;

/** Arguments of qemu-system-x86_64. It works in `folder`. */
export function guestArgs({ id, folder, booted, files, efiCode }: GuestArgs): string[] {
  const { machine, accel, uuid } = booted;
  const { count, coresPerSocket } = machine.cpus;
  const { disks } = machine;
  return [
    '-name',
    id,
    '-uuid',
    uuid,
    '-nodefaults',
    '-no-user-config',
    ...sandbox(booted.network),
    '-machine',
    'pc',
    '-accel',
    accel,
    '-cpu',
    accel === 'kvm' ? 'host' : 'max',
    '-smp',
    `${count},sockets=${count / coresPerSocket},cores=${coresPerSocket},threads=1`,
    '-m',
    `${Math.max(16, machine.memoryBytes / 2 ** 20)}M`,
    '-rtc',
    `base=${machine.clock}`,
    '-display',
    'none',
    '-vga',
    'std',
    '-vnc',
    `unix:${vncName}`,
    ...consoleArgs(),
    '-qmp',
    `unix:${monitorName},server=on,wait=off`,
    ...(efiCode === null
      ? []
      : [
          '-drive',
          `if=pflash,format=raw,readonly=on,file=${efiCode}`,
          '-drive',
          `if=pflash,format=raw,file=${variablesName}`,
        ]),
    ...(booted.disks.some(({ encrypted }) => encrypted) ? secretObjects.map((word) => word.replace(/^--/, '-')) : []),
    ...disks.flatMap((disk, index) => blockArgs(disk, index, files.get(disk.number))),
    ...deviceArgs(disks.map(({ bus, place, bootOrder }) => ({ bus, place, bootIndex: bootOrder - 1 }))).map(stopping),
    ...networkArgs(booted),
    ...(booted.agent === true ? agentArgs(agentName) : []),
    '-pidfile',
    guestPidFile(folder),
  ];
}

/** An error of a disk pauses the guest, which never sees it. */
const stopping = (word: string): string => word.replace(/^(?:ide|scsi)-hd,.*$/, '$&,rerror=stop,werror=stop');

/** What a guest makes of qemu must not get far. The helper that opens a bridge is a program with rights of its own. */
const sandbox = (network: BootNetwork): string[] => [
  '-sandbox',
  network.startsWith('bridge:')
    ? 'on,obsolete=deny,elevateprivileges=children,resourcecontrol=deny'
    : 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
];

/** Each file of a disk as a node of its own, the lowest first: a header's words count for nothing. */
function blockArgs({ number, bus }: MachineDisk, index: number, files: DiskFiles | undefined): string[] {
  if (!files) return [];
  const { layers, onChain } = files;
  const names = nodeNames(index);
  const nodes: object[] = onChain ? [chainNode(names.chain, number, bus === 'nvme')] : [];
  let backing: string | null = onChain ? names.chain : null;
  for (const [at, { file, encrypted }] of [...layers.entries()].toReversed()) {
    const name = at === 0 ? names.top : names.written;
    nodes.push({
      'driver': 'qcow2',
      'node-name': name,
      'discard': 'unmap',
      'file': { driver: 'file', filename: file },
      ...(encrypted ? { encrypt: { 'format': 'luks', 'key-secret': secretId } } : {}),
      backing,
    });
    backing = name;
  }
  return nodes.flatMap((node) => ['-blockdev', JSON.stringify(node)]);
}

/** What QEMU calls the files of a disk, the how many-th of the machine. */
export const nodeNames = (index: number) =>
  ({ top: `disk${index}`, written: `written${index}`, chain: `chain${index}`, moved: `moved${index}` }) as const;

const chainNode = (name: string, number: number, patient: boolean): object => ({
  'driver': 'nbd',
  'node-name': name,
  'read-only': true,
  'server': { type: 'unix', path: serverSocketName(number) },
  'reconnect-delay': patient ? patientSeconds : reconnectSeconds,
});

function backOf(network: BootNetwork): string {
  const group = groupOf(network);
  if (group !== null) return `stream,server=off,addr.type=unix,addr.path=../${switchName(group)}`;
  return network === 'isolated' ? 'user,restrict=on' : `bridge,br=${network.slice('bridge:'.length)}`;
}

function networkArgs({ network, cards }: BootMachine): string[] {
  if (network === 'none' || cards.length === 0) return ['-nic', 'none'];
  const back = backOf(network);
  return cards.flatMap(({ model, mac }, index) => [
    '-netdev',
    `${back},id=net${index}`,
    '-device',
    `${model},netdev=net${index},mac=${mac},romfile=`,
  ]);
}
