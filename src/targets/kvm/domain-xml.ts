import { escapeXml } from '../../host/net/escape-xml.ts';
import { wwnOf, type DiskBus } from '../../host/images/guest-disks.ts';
import type { MachineDisk } from '../../machines/machine.ts';
import { placeDisks } from '../../machines/place-disks.ts';
import type { Card, CardModel } from './cards.ts';
import type { PlannedVm } from './plan-vm.ts';

export const metadataNamespace = 'https://schemas.sendense.example.com/restore/1';

/** By it a domain is known as one that a run has defined. */
export const domainMark = ({ runId, point }: Pick<PlannedVm, 'runId' | 'point'>): string =>
  `run="${escapeXml(runId)}" point="${escapeXml(point)}"`;

interface Files {
  /** By the number of the disk. */
  readonly disks: ReadonlyMap<number, string>;
  /** Null: BIOS. */
  readonly variables: string | null;
}

/** Older ones of libvirt know no NVMe disk: there it is on SATA. */
const buses: Readonly<Record<DiskBus, DiskBus>> = {
  ide: 'ide',
  ahci: 'ahci',
  pvscsi: 'pvscsi',
  lsisas: 'lsisas',
  nvme: 'ahci',
  virtio: 'virtio',
};

/** Whether libvirt cannot give the VM a controller that QEMU has. */
export const isOtherInLibvirt = ({ bus }: Pick<MachineDisk, 'bus'>): boolean => buses[bus] !== bus;

/**
 * How libvirt defines a VM. Source: libvirt.org/formatdomain.html.
 * @param hasKvm whether the machine runs guests by KVM
 */
export function domainXml(vm: PlannedVm, files: Files, hasKvm: boolean): string {
  const { machine, uuid, uefi, cards } = vm;
  const { cpus, clock } = machine;
  const lines = [
    `<domain type="${hasKvm ? 'kvm' : 'qemu'}">`,
    element('name', machine.name),
    element('uuid', uuid),
    element('description', [`Restored by Sendense from ${vm.point}.`, ...machine.notes].join('\n')),
    '<metadata>',
    `<sendense:restore xmlns:sendense="${metadataNamespace}" ${domainMark(vm)}/>`,
    '</metadata>',
    `<memory unit="KiB">${Math.floor(machine.memoryBytes / 1024)}</memory>`,
    `<vcpu>${cpus.count}</vcpu>`,
    '<os>',
    '<type arch="x86_64" machine="pc">hvm</type>',
    ...(uefi && files.variables !== null
      ? [`<loader readonly="yes" type="pflash">${escapeXml(uefi.code)}</loader>`, element('nvram', files.variables)]
      : []),
    '</os>',
    '<features><acpi/><apic/></features>',
    `<cpu mode="${hasKvm ? 'host-model' : 'maximum'}">`,
    `<topology sockets="${cpus.count / cpus.coresPerSocket}" dies="1" cores="${cpus.coresPerSocket}" threads="1"/>`,
    '</cpu>',
    `<clock offset="${clock}"/>`,
    '<on_poweroff>destroy</on_poweroff>',
    '<on_reboot>restart</on_reboot>',
    '<on_crash>destroy</on_crash>',
    '<devices>',
    ...diskLines(machine.disks, files.disks),
    ...cards.flatMap(cardLines),
    '<serial type="pty"/>',
    ...(vm.agent ? ['<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>'] : []),
    '<input type="tablet" bus="usb"/>',
    '<graphics type="vnc" autoport="yes" listen="127.0.0.1"/>',
    '<video><model type="vga"/></video>',
    '<memballoon model="none"/>',
    '</devices>',
    '</domain>',
  ];
  return `${lines.join('\n')}\n`;
}

const element = (name: string, text: string): string => `<${name}>${escapeXml(text)}</${name}>`;

interface LibvirtBus {
  /** Of the disk, and of its controller. */
  readonly name: 'ide' | 'sata' | 'scsi' | 'virtio';
  /** Of the controller. */
  readonly model?: string;
  /** How its devices are called. */
  readonly letter: 'hd' | 'sd' | 'vd';
  /** Null: libvirt gives each disk a place on the PCI bus, in their order. */
  readonly address: ((unit: number) => string) | null;
}

const target = (unit: number): string => `bus="0" target="${unit}" unit="0"`;

const libvirtBuses: Readonly<Record<Exclude<DiskBus, 'nvme'>, LibvirtBus>> = {
  ide: {
    name: 'ide',
    letter: 'hd',
    address: (unit) => `bus="${Math.floor(unit / 2)}" target="0" unit="${unit % 2}"`,
  },
  ahci: { name: 'sata', letter: 'sd', address: (unit) => `bus="0" target="0" unit="${unit}"` },
  pvscsi: { name: 'scsi', letter: 'sd', model: 'vmpvscsi', address: target },
  lsisas: { name: 'scsi', letter: 'sd', model: 'lsisas1068', address: target },
  virtio: { name: 'virtio', letter: 'vd', address: null },
};

function diskLines(disks: readonly MachineDisk[], files: ReadonlyMap<number, string>): string[] {
  const places = placeDisks(
    disks.map((disk) => ({ bus: buses[disk.bus], place: isOtherInLibvirt(disk) ? null : disk.place })),
  );
  const names = { sd: 0, hd: 0, vd: 0 };
  const lines = disks.flatMap((disk, index) => {
    const place = places[index];
    const file = files.get(disk.number);
    if (!place || place.bus === 'nvme' || file === undefined) return [];
    const { name, letter, address } = libvirtBuses[place.bus];
    return [
      '<disk type="file" device="disk">',
      '<driver name="qemu" type="qcow2" discard="unmap"/>',
      `<source file="${escapeXml(file)}"/>`,
      `<target dev="${deviceName(letter, names[letter]++)}" bus="${name}"/>`,
      // Linux passes over a SAS disk without an address.
      ...(place.bus === 'lsisas' ? [`<wwn>${wwnOf(index).toString(16)}</wwn>`] : []),
      ...(address === null
        ? []
        : [`<address type="drive" controller="${place.place.controller}" ${address(place.place.unit)}/>`]),
      `<boot order="${disk.bootOrder}"/>`,
      '</disk>',
    ];
  });
  return [...controllerLines(places), ...lines];
}

/** All of a kind up to the highest number: libvirt would add what is missing, and choose another model. */
function controllerLines(places: ReturnType<typeof placeDisks>): string[] {
  const models = new Map<LibvirtBus['name'], (string | undefined)[]>();
  for (const { bus, place } of places) {
    if (bus === 'nvme' || bus === 'ide' || bus === 'virtio') continue;
    const { name, model } = libvirtBuses[bus];
    const known = models.get(name) ?? [];
    known[place.controller] = model;
    models.set(name, known);
  }
  return [...models].flatMap(([name, known]) =>
    Array.from(known, (model, index) => {
      const own = model ?? known.find((one) => one !== undefined);
      return `<controller type="${name}" index="${index}"${own === undefined ? '' : ` model="${own}"`}/>`;
    }),
  );
}

/** sda to sdz, sdaa and so on. */
export function deviceName(letter: string, number: number): string {
  const last = String.fromCodePoint(97 + (number % 26));
  return number < 26 ? `${letter}${last}` : `${deviceName(letter, Math.floor(number / 26) - 1)}${last}`;
}

/** Where libvirt's word is not QEMU's. */
const libvirtModels: Partial<Readonly<Record<CardModel, string>>> = { 'virtio-net-pci': 'virtio' };

function cardLines({ model, mac, to, connected }: Card): string[] {
  const kind = to?.kind ?? 'user';
  return [
    `<interface type="${kind}">`,
    ...(to !== null && to.kind !== 'user' ? [`<source ${to.kind}="${escapeXml(to.name)}"/>`] : []),
    `<mac address="${mac}"/>`,
    `<model type="${libvirtModels[model] ?? model}"/>`,
    ...(connected ? [] : ['<link state="down"/>']),
    '</interface>',
  ];
}
