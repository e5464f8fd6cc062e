import type { SoapArg, SoapObject } from '../encode-soap.ts';
import { freshNotes, notesOption } from './disk-notes.ts';
import { isIde } from './judge.ts';
import type { Fitting } from './judge-place.ts';
import { markedAnnotation, type RestoreMark } from './restore-mark.ts';
import { bootOptions } from './wanted-boot.ts';
import { keptAddress, type WantedCard } from './wanted-cards.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

export interface SpecOptions {
  readonly name: string;
  readonly fitting: Fitting;
  /** Files of disks by their keys, see `WantedPlace`. */
  readonly files?: ReadonlyMap<number, string> | undefined;
  readonly mark: RestoreMark;
  /** `keep`: where the original is gone. Two machines of one address are a broken network. */
  readonly mac: 'keep' | 'new';
  /** `keep`: the BIOS uuid, which licences and cloud-init go by. The instance uuid is always a new one. */
  readonly identity: 'keep' | 'new';
  /** Adapters that were connected are connected when the VM starts. */
  readonly connect: boolean;
  /** null: each disk as it was. */
  readonly thin: boolean | null;
  /** Digest of what is asked for: only a VM that is made of the same is gone on with. */
  readonly asked?: string;
  /** In place of the mark, its notes and the VM's own annotation: of a VM that only brings a disk. */
  readonly annotation?: string;
}

/**
 * The VirtualMachineConfigSpec of a new VM. Fields are in the order of the WSDL. Keys are temporary: vSphere gives others, by
 * controller, bus and unit.
 */
export function vmSpec(vm: WantedVm, options: SpecOptions): SoapObject {
  const { name, fitting, mark, identity } = options;
  return object(
    ['name', name],
    ['version', `vmx-${String(vm.hardwareVersion).padStart(2, '0')}`],
    ['uuid', identity === 'keep' ? (vm.biosUuid ?? undefined) : undefined],
    ['guestId', vm.guestId],
    ['annotation', options.annotation ?? markedAnnotation(mark, vm.annotation)],
    ['files', object(['vmPathName', `[${fitting.home.name}]`])],
    ['flags', flagsOf(vm)],
    ['numCPUs', vm.cpus],
    ['numCoresPerSocket', vm.coresPerSocket],
    ['memoryMB', vm.memoryMiB],
    ['memoryHotAddEnabled', vm.memoryHotAdd],
    ['cpuHotAddEnabled', vm.cpuHotAdd],
    ['deviceChange', devicesOf(vm, options)],
    ['extraConfig', extraOf(vm, options)],
    ['bootOptions', bootOptions(vm.boot, vm.secureBoot, null)],
    ['firmware', vm.firmware],
    ['nestedHVEnabled', vm.nested],
  );
}

const object = (...fields: readonly SoapArg[]): SoapObject => ({ fields });
const typed = (xsiType: string, ...fields: readonly SoapArg[]): SoapObject => ({ xsiType, fields });

const flagsOf = ({ virtualizationBased, iommu }: WantedVm): SoapObject | undefined =>
  virtualizationBased || iommu
    ? object(['vvtdEnabled', iommu || undefined], ['vbsEnabled', virtualizationBased || undefined])
    : undefined;

/** `disk.EnableUUID` and the like, and what keeps an address that ESXi calls reserved. */
function extraOf(vm: WantedVm, { mac, asked = '', annotation }: SpecOptions): SoapObject[] {
  const unchecked = vm.cards.flatMap((card, at) =>
    mac === 'keep' && card.mac !== null && keptAddress(card.mac).unchecked
      ? [{ key: `ethernet${at}.checkMACAddress`, value: 'FALSE' }]
      : [],
  );
  const options = [...vm.extraConfig, ...unchecked].map(({ key, value }) =>
    typed('OptionValue', ['key', key], ['value', { string: value }]),
  );
  // A VM with the mark and without these is not ours: somebody has copied its annotation.
  return annotation === undefined ? [...options, notesOption(freshNotes(asked, vm.disks.length))] : options;
}

const adding = (device: SoapObject, file?: 'create'): SoapObject =>
  object(['operation', 'add'], ['fileOperation', file], ['device', device]);

/** Controllers first: what follows refers to them by the temporary key. */
function devicesOf(vm: WantedVm, options: SpecOptions): SoapObject[] {
  const keys = new Map(vm.controllers.map(({ key }, at) => [key, -1 - at]));
  const controllerKey = (key: number): number => (isIde(key) ? key : (keys.get(key) ?? 0));
  const controllers = vm.controllers.map(({ key, type, family, bus }) =>
    adding(
      typed(
        type,
        ['key', controllerKey(key)],
        ['busNumber', bus],
        ['sharedBus', family === 'scsi' ? 'noSharing' : undefined],
      ),
    ),
  );
  const disks = vm.disks.map((disk, at) =>
    adding(diskOf(disk, -101 - at, controllerKey(disk.controllerKey), options), 'create'),
  );
  const cards = vm.cards.map((card, at) => adding(cardOf(card, -201 - at, options)));
  const drives = vm.cdDrives.map((drive, at) =>
    adding(
      typed(
        'VirtualCdrom',
        ['key', -301 - at],
        ['backing', typed('VirtualCdromRemotePassthroughBackingInfo', ['deviceName', ''], ['exclusive', false])],
        ['connectable', connection(false)],
        ['controllerKey', controllerKey(drive.controllerKey)],
        ['unitNumber', drive.unit],
      ),
    ),
  );
  return [...controllers, ...disks, ...cards, ...drives];
}

function diskOf(
  disk: WantedDisk,
  key: number,
  controllerKey: number,
  { fitting, files, thin }: SpecOptions,
): SoapObject {
  const backing = typed(
    'VirtualDiskFlatVer2BackingInfo',
    ['fileName', files?.get(disk.key) ?? `[${fitting.datastoreOf(disk).name}]`],
    ['diskMode', 'persistent'],
    ['thinProvisioned', thin ?? disk.thin],
  );
  return typed(
    'VirtualDisk',
    ['key', key],
    ['backing', backing],
    ['controllerKey', controllerKey],
    ['unitNumber', disk.unit],
    ['capacityInKB', disk.bytes / 1024],
    ['capacityInBytes', disk.bytes],
  );
}

const connection = (start: boolean): SoapObject =>
  object(['startConnected', start], ['allowGuestControl', true], ['connected', false]);

function cardOf(card: WantedCard, key: number, { fitting, mac, connect }: SpecOptions): SoapObject {
  const network = fitting.networkOf(card);
  const { port } = network;
  const backing = port
    ? typed('VirtualEthernetCardDistributedVirtualPortBackingInfo', [
        'port',
        object(['switchUuid', port.switchUuid], ['portgroupKey', port.portgroupKey]),
      ])
    : typed('VirtualEthernetCardNetworkBackingInfo', ['deviceName', network.name], ['network', network.object]);
  const kept = mac === 'keep' ? card.mac : null;
  return typed(
    card.type,
    ['key', key],
    ['backing', backing],
    ['connectable', connection(connect && card.startConnected)],
    ['addressType', kept === null ? 'generated' : keptAddress(kept).type],
    ['macAddress', kept ?? undefined],
    ['wakeOnLanEnabled', true],
  );
}
