import type { HubRestoreTargets } from '../../../schemas/types.ts';

/** Why nothing on the hub can be written to, and the way out. */
export const noFolder =
  'The hub lets the page write to none of its folders. Add one to `hub: restoreTo` in sendense.yaml and restart the hub.';

/** Something that a target wants to know. */
export interface Field {
  /** Key of `to`. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** `choice`: one of `options`; `check`: yes or no. */
  readonly kind: 'text' | 'choice' | 'check';
  readonly required?: boolean;
  /** A check that is on until somebody declines it; then the request says `false`. */
  readonly on?: boolean;
  /** What to begin with. */
  initial?(known: HubRestoreTargets, vm: string): string;
  options?(known: HubRestoreTargets): readonly string[];
}

/** Where a restore can go. */
export interface Target {
  /** Key of `to` that tells it apart. */
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  readonly fields: readonly Field[];
  /** It writes over what is there: the name of the VM has to be typed before. What that means, for what a form said. */
  overwrites?(to: Record<string, unknown>): readonly string[];
  /** Why it cannot be chosen, and the way out; null: it can. */
  missing(known: HubRestoreTargets): string | null;
}

const needsFolder = ({ folders }: HubRestoreTargets): string | null => (folders.length > 0 ? null : noFolder);

/** In the first one that the settings list. */
const folderIn = ({ folders: [first] }: HubRestoreTargets, name: string): string =>
  first === undefined ? '' : `${first}/${name}`;

const network: Field = {
  name: 'network',
  label: 'Network',
  hint: 'Empty: as it was. The cards stay unplugged.',
  kind: 'text',
};
const connect: Field = { name: 'connect', label: 'Plug the network cards in when it starts', kind: 'check' };

const noVsphere = 'sendense.yaml has no vSphere source.';
const needsVsphere = ({ vspheres }: HubRestoreTargets): string | null => (vspheres.length > 0 ? null : noVsphere);

const node: Field = {
  name: 'node',
  label: 'Node that writes the disks',
  kind: 'choice',
  options: ({ nodes }) => ['local', ...nodes.filter((one) => one !== 'local')],
};
const starts: readonly Field[] = [
  { name: 'powerOn', label: 'Start it when all is done', kind: 'check' },
  { name: 'start', label: 'Start it, and wait until VMware Tools run; off again if they do not come', kind: 'check' },
];

/** Every target, in the order in which they are offered. */
export const targets: readonly Target[] = [
  {
    kind: 'vsphere',
    title: 'A new VM in vSphere',
    text: 'Beside the old one, of the hardware that was saved. It is not started unless you say so.',
    missing: needsVsphere,
    fields: [
      { name: 'vsphere', label: 'vCenter or ESXi host', kind: 'choice', options: ({ vspheres }) => vspheres },
      { name: 'name', label: 'Name of the new VM', kind: 'text', initial: (_, vm) => `${vm}-restored` },
      { name: 'folder', label: 'Folder', hint: '/DC1/vm/restored. Empty: where it was.', kind: 'text' },
      { name: 'pool', label: 'Cluster, host or pool', hint: '/DC1/host/cluster1. Empty: the only one.', kind: 'text' },
      { name: 'datastore', label: 'Datastore', hint: 'Empty: where it was.', kind: 'text' },
      network,
      node,
      connect,
      { name: 'withoutTpm', label: 'Make it although it had a TPM, which is in no backup', kind: 'check' },
      ...starts,
    ],
  },
  {
    kind: 'inPlace',
    title: 'In place: the VM itself',
    text: 'Writes to its own disks what differs from the restore point, and nothing else. Switch it off and remove its snapshots first.',
    missing: needsVsphere,
    overwrites: ({ safetyBackup }) => [
      safetyBackup === false
        ? 'No backup is made first: what is on the disks now is lost for good.'
        : 'A backup of the present state is made first, so that you can go back.',
      'What was written cannot be taken back. If the restore fails, start it again, and leave the VM off until then.',
      'The hardware of the VM stays as it is.',
    ],
    fields: [
      { name: 'inPlace', label: 'vCenter or ESXi host of the VM', kind: 'choice', options: ({ vspheres }) => vspheres },
      node,
      {
        name: 'credential',
        label: 'Stored login',
        hint: 'With the role for restores in place. Empty: the one of the source.',
        kind: 'text',
      },
      { name: 'safetyBackup', label: 'Back up the present state first', kind: 'check', on: true },
      { name: 'compareAll', label: 'Compare all of each disk at the end, not only what was written', kind: 'check' },
      { name: 'takeOver', label: 'Go on with the restore of another hub, which has ended', kind: 'check' },
      ...starts,
    ],
  },
  {
    kind: 'kvm',
    title: 'A VM for KVM',
    text: 'Its disks in a folder of the hub, with the hardware that its guest knows, and libvirt where it is there.',
    missing: needsFolder,
    fields: [
      { name: 'kvm', label: 'Folder on the hub', kind: 'text', required: true, initial: folderIn },
      { name: 'name', label: 'Name of the new VM', hint: 'Empty: the name that it had.', kind: 'text' },
      { ...network, hint: 'A network of libvirt, bridge:NAME, or user. Empty: none.' },
      { name: 'memory', label: 'Memory', hint: '4GiB. Empty: what was saved.', kind: 'text' },
      connect,
      { name: 'start', label: 'Start it, and wait until it is up', kind: 'check' },
    ],
  },
  {
    kind: 'directory',
    title: 'Files in a folder of the hub',
    text: 'A file for each disk. Nothing that is there is overwritten.',
    missing: needsFolder,
    fields: [
      { name: 'directory', label: 'Folder on the hub', kind: 'text', required: true, initial: folderIn },
      { name: 'format', label: 'Format', kind: 'choice', options: ({ formats }) => formats },
    ],
  },
  {
    kind: 'ova',
    title: 'An OVA file',
    text: 'The whole VM in one file, for vSphere, VMware Workstation or VirtualBox.',
    missing: needsFolder,
    fields: [
      {
        name: 'ova',
        label: 'File on the hub',
        kind: 'text',
        required: true,
        initial: (known, vm) => (folderIn(known, vm) === '' ? '' : `${folderIn(known, vm)}.ova`),
      },
      { name: 'memory', label: 'Memory', hint: '4GiB. Empty: what was saved.', kind: 'text' },
    ],
  },
  {
    kind: 'device',
    title: 'A block device of the hub',
    text: 'One disk, onto a device that the settings of the hub list.',
    missing: ({ devices }) =>
      devices.length > 0 ? null : 'The settings of the hub list no block device in `hub: restoreTo`.',
    fields: [
      { name: 'device', label: 'Block device', kind: 'choice', options: ({ devices }) => devices },
      { name: 'overwrite', label: 'What it holds may go', kind: 'check' },
    ],
  },
];

/** What a form says of a target, as `to` of a request. */
export function toOf({ fields }: Target, form: FormData): Record<string, unknown> {
  const said = fields.map(({ name, kind, on = false }): readonly [string, unknown] => {
    const value = form.get(`to.${name}`);
    if (kind === 'check') return [name, (value !== null) === on ? undefined : !on];
    const text = String(value ?? '').trim();
    return [name, text === '' ? undefined : text];
  });
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
}
