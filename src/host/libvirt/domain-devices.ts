import { randomUUID } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import { SendenseError } from '../../errors/sendense-error.ts';
import { domainFile, virsh, type KnownDomain } from './virsh.ts';

export interface DomainDisk {
  /** Absolute path; null: it is no file. */
  readonly file: string | null;
  /** `disk`, `cdrom` and so on. */
  readonly device: string;
  /** sda, vdb: one of its kind in a domain. */
  readonly name: string;
  /** scsi, virtio, sata, ide, usb, fdc. */
  readonly bus: string;
  readonly serial: string | null;
  /** What a domain has once only, and keeps if it begins with `ua-`. */
  readonly alias: string | null;
}

export interface DomainDevices {
  readonly disks: readonly DomainDisk[];
  readonly hasScsi: boolean;
  /** Places on its PCI buses that a device can take while it runs; null: they are not counted, there is room on its root bus. 0 without ACPI. */
  readonly freePorts: number | null;
}

/** What a domain has. */
export interface DomainLook extends KnownDomain {
  /** As it runs; null: it is off. */
  readonly live: DomainDevices | null;
  /** As it will be when it starts again; null: it is gone when it ends. */
  readonly config: DomainDevices | null;
  /** It is off, and goes on where it was when it starts (`virsh managedsave`), with the devices that it had. */
  readonly isSaved: boolean;
}

type Node = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  isArray: (name) => ['disk', 'controller', 'address'].includes(name),
});

/** Disks and what they can be plugged into, of a description by libvirt. Source: libvirt.org/formatdomain.html. */
export function devicesIn(xml: string): DomainDevices {
  const domain = nodeAt(parser.parse(xml), 'domain');
  const devices = nodeAt(domain, 'devices');
  const controllers = nodesAt(devices, 'controller');
  const disks = nodesAt(devices, 'disk').map((disk) => ({
    file: textAt(nodeAt(disk, 'source'), '@file'),
    device: textAt(disk, '@device') ?? 'disk',
    name: textAt(nodeAt(disk, 'target'), '@dev') ?? '',
    bus: textAt(nodeAt(disk, 'target'), '@bus') ?? '',
    serial: textAt(disk, 'serial'),
    alias: textAt(nodeAt(disk, 'alias'), '@name'),
  }));
  return {
    disks,
    hasScsi: disks.some(({ bus }) => bus === 'scsi') || controllers.some((one) => textAt(one, '@type') === 'scsi'),
    freePorts: freePortsOf(controllers, xml) ?? (hasAcpi(domain) ? null : 0),
  };
}

/** By it a PC takes devices at its root bus while it runs. */
const hasAcpi = (domain: Node): boolean =>
  !['x86_64', 'i686'].includes(textAt(nodeAt(nodeAt(domain, 'os'), 'type'), '@arch') ?? '') ||
  'acpi' in nodeAt(domain, 'features');

/** A PC of the kind q35 takes one device at each port behind its root, and none at the root itself while it runs. */
function freePortsOf(controllers: readonly Node[], xml: string): number | null {
  const pci = controllers.filter((one) => textAt(one, '@type') === 'pci');
  if (!pci.some((one) => textAt(one, '@model') === 'pcie-root')) return null;
  const taken = new Set(
    [...xml.matchAll(/<address\b[^>]*\bbus=['"]0x([0-9a-f]+)['"]/g)].map(([, bus]) => Number.parseInt(bus ?? '0', 16)),
  );
  return pci.filter((one) => textAt(one, '@model') === 'pcie-root-port' && !taken.has(Number(textAt(one, '@index'))))
    .length;
}

const nodeAt = (node: unknown, name: string): Node => {
  const found = typeof node === 'object' && node !== null ? (node as Node)[name] : null;
  return typeof found === 'object' && found !== null ? (found as Node) : {};
};
const nodesAt = (node: Node, name: string): readonly Node[] => {
  const found = node[name];
  return Array.isArray(found) ? found.filter((one) => typeof one === 'object' && one !== null) : [];
};
const textAt = (node: Node, name: string): string | null => {
  const found = node[name];
  return typeof found === 'string' ? found : null;
};

/** @returns null: there is no such domain (any more). @throws SendenseError `tool.failed` */
export async function lookAtDomain(uri: string, uuid: string, signal?: AbortSignal): Promise<DomainLook | null> {
  const [look = null] = await lookAtDomains(uri, [uuid], signal);
  return look;
}

/** As many as one start of virsh looks at. */
const atOnce = 50;

/** Those that are there. @param uuids nothing else: they are words of a command. @throws SendenseError `tool.failed` */
export async function lookAtDomains(
  uri: string,
  uuids: readonly string[],
  signal?: AbortSignal,
): Promise<DomainLook[]> {
  // Nobody who writes the description of a domain can know it.
  const begin = `sendense-${randomUUID()} `;
  const looks: DomainLook[] = [];
  for (let from = 0; from < uuids.length; from += atOnce) {
    const commands = uuids
      .slice(from, from + atOnce)
      .map((uuid) => `echo ${begin}${uuid}; dominfo ${uuid}; dumpxml ${uuid}; dumpxml ${uuid} --inactive`);
    // It goes on after a domain that somebody has removed, and fails with the last one.
    const text = await virsh(uri, [commands.join('; ')], { signal, allowFailure: true });
    if (!text.includes(begin)) throw new SendenseError('tool.failed', `libvirt (${uri}) does not answer`);
    looks.push(...text.split(begin).slice(1).flatMap(lookIn));
  }
  return looks;
}

/** What virsh says of one domain. */
function lookIn(text: string): DomainLook[] {
  const uuid = text.slice(0, 36);
  // What somebody has written into a description is not what virsh says.
  const [said = ''] = text.split(/^<domain\b/m, 1);
  const name = /^Name:\s+(.*)$/m.exec(said)?.[1];
  const [now, later] = text.match(/^<domain\b[^]*?^<\/domain>/gm) ?? [];
  if (name === undefined || now === undefined || later === undefined) return [];
  const isOn = !/^State:\s+(?:shut off|crashed)\s*$/m.test(said);
  const isKept = /^Persistent:\s+yes\s*$/m.test(said);
  const isSaved = /^Managed save:\s+yes\s*$/m.test(said);
  return [{ uuid, name, live: isOn ? devicesIn(now) : null, config: isKept ? devicesIn(later) : null, isSaved }];
}

/** Where a change of a domain counts: while it runs, or from its next start on. */
export type Scope = 'live' | 'config';

/** @param xml the device. @throws SendenseError `tool.failed` */
export async function attachDevice(
  uri: string,
  uuid: string,
  { xml, scopes }: { readonly xml: string; readonly scopes: readonly Scope[] },
  signal?: AbortSignal,
): Promise<void> {
  await virsh(uri, ['attach-device', uuid, domainFile, ...scopes.map((scope) => `--${scope}`)], {
    signal,
    secret: xml,
  });
}

/** Asks for a device to go; a guest that runs may take its time, or never let go. @throws SendenseError `tool.failed` */
export async function detachDevice(
  uri: string,
  uuid: string,
  { xml, scope }: { readonly xml: string; readonly scope: Scope },
  signal?: AbortSignal,
): Promise<void> {
  await virsh(uri, ['detach-device', uuid, domainFile, `--${scope}`], { signal, secret: xml });
}
