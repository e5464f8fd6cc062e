import { randomBytes } from 'node:crypto';
import { SendenseError } from '../errors/sendense-error.ts';
import type { Machine, NetworkModel } from '../machines/machine.ts';
import type { BootRow } from '../state/boots/boots.ts';

/** How a VM is started, and started again: decided once, kept in the database. */
export interface BootMachine {
  readonly machine: Machine;
  readonly accel: 'kvm' | 'tcg';
  readonly network: BootNetwork;
  readonly cards: readonly { readonly model: NetworkModel; readonly mac: string }[];
  /** It has a port for the agent in its guest; default: it has none, which is no hardware of its guest. */
  readonly agent?: boolean;
  /** What the firmware tells the guest that it is. */
  readonly uuid: string;
  readonly disks: readonly BootDisk[];
  /** The guest is paused where the file system has less free, bytes. */
  readonly reserveBytes: number;
  /** The guest is paused where its disks have grown to this, bytes. */
  readonly quotaBytes: number | null;
}

export interface BootDisk {
  readonly number: number;
  readonly capacityBytes: number;
  /** What the guest writes is encrypted with the key of the repository. */
  readonly encrypted: boolean;
}

/** `bridge:` and the name of a bridge of this machine; `network:` and the name of one of libvirt, until its bridge is known; `group:` and the name of VMs that reach each other and nothing else. */
export type BootNetwork = 'none' | 'isolated' | `bridge:${string}` | `network:${string}` | `group:${string}`;

/** The group whose network it is; null: it is another one. */
export const groupOf = (network: BootNetwork): string | null =>
  network.startsWith('group:') ? network.slice('group:'.length) : null;

/** Source: if_nametoindex(3), IFNAMSIZ; the kernel takes more, but no name that anybody uses has it. */
const bridge = /^bridge:[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

/** Whether it is a network without a name of libvirt. */
export const isBootNetwork = (text: string): text is BootNetwork =>
  text === 'none' || text === 'isolated' || bridge.test(text);

/** As virsh takes it for a name, and never for an option. */
const libvirtName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** What a user says: `none`, `isolated`, `bridge:NAME`, or the name of a network of libvirt. Null: it is none of them. */
export function bootNetworkOf(text: string): BootNetwork | null {
  if (isBootNetwork(text)) return text;
  return libvirtName.test(text) ? `network:${text}` : null;
}

/** The name of a network of libvirt; null: it is another one. */
export const libvirtNetworkOf = (network: BootNetwork): string | null =>
  network.startsWith('network:') ? network.slice('network:'.length) : null;

/** What stands in the row of a VM of which it is not decided yet what it gets. */
export const undecided = '{}';

/** The VM that runs; null: what starts it has not come so far, or was killed before. */
export const decidedMachine = ({ machine }: Pick<BootRow, 'machine'>): BootMachine | null =>
  machine === undecided ? null : (JSON.parse(machine) as BootMachine);

/** @throws SendenseError `boot.failed` where {@link decidedMachine} is null */
export function bootMachineOf(row: Pick<BootRow, 'id' | 'machine'>): BootMachine {
  const machine = decidedMachine(row);
  if (machine !== null) return machine;
  throw new SendenseError('boot.failed', `${row.id} was never started as far as having a machine`, {
    remedy: `\`sendense-run boot stop ${row.id} --yes\` removes it. Start another one.`,
  });
}

/** The group whose network a VM has; null: it has none. */
export function groupOfBoot(row: Pick<BootRow, 'machine'>): string | null {
  const machine = decidedMachine(row);
  return machine === null ? null : groupOf(machine.network);
}

/** The network cards; where nothing was saved and a network is wanted, one that every system knows. */
export function cardsOf({ networks }: Machine, network: BootNetwork, keepMac: boolean): BootMachine['cards'] {
  if (network === 'none') return [];
  const saved = networks.length > 0 ? networks : [{ model: 'e1000' as const, mac: null }];
  return saved.map(({ model, mac }) => ({ model, mac: (keepMac ? mac : null) ?? newMac() }));
}

/** Of the range that QEMU and its relatives give out. */
const newMac = (): string => ['52', '54', '00', ...(randomBytes(3).toString('hex').match(/../g) ?? [])].join(':');
