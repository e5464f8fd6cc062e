import { escaped } from './raw-soap.ts';

/** A change of devices in the XML of a ConfigSpec: adds a device of a type, with its properties as XML. */
export const added = (type: string, properties: string, file: 'create' | 'none' = 'none'): string =>
  `<deviceChange xsi:type="VirtualDeviceConfigSpec"><operation>add</operation>` +
  (file === 'create' ? '<fileOperation>create</fileOperation>' : '') +
  `<device xsi:type="${type}">${properties}</device></deviceChange>`;

export const controller = (type: string, key: number, bus: number): string =>
  added(type, `<key>${key}</key><busNumber>${bus}</busNumber><sharedBus>noSharing</sharedBus>`);

export interface NewDisk {
  readonly controller: number;
  readonly unit: number;
  readonly bytes: number;
  /** `[LocalDS_0]`, or a disk that is there. */
  readonly file?: string;
  readonly thick?: boolean;
  readonly attach?: boolean;
  readonly mode?: 'persistent' | 'independent_persistent';
}

export const disk = ({
  controller: key,
  unit,
  bytes,
  file = '',
  thick = false,
  attach = false,
  mode = 'persistent',
}: NewDisk): string =>
  added(
    'VirtualDisk',
    `<key>${-100 - unit}</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${escaped(file)}</fileName>` +
      `<diskMode>${mode}</diskMode><thinProvisioned>${!thick}</thinProvisioned></backing>` +
      `<controllerKey>${key}</controllerKey><unitNumber>${unit}</unitNumber><capacityInKB>${bytes / 1024}</capacityInKB>` +
      `<capacityInBytes>${bytes}</capacityInBytes>`,
    attach ? 'none' : 'create',
  );

export const card = (network: string, address: string): string =>
  added(
    'VirtualVmxnet3',
    `<key>-1</key><backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>${escaped(network)}</deviceName></backing>` +
      `<connectable><startConnected>false</startConnected><allowGuestControl>true</allowGuestControl><connected>false</connected></connectable>` +
      address,
  );

export interface NewVm {
  readonly name: string;
  readonly devices?: readonly string[];
  readonly version?: string;
  readonly files?: string;
  readonly more?: string;
}

/** What stands in a `config` or `configSpec`. */
export const spec = ({ name, devices = [], version = 'vmx-19', files = '[LocalDS_0]', more = '' }: NewVm): string =>
  `<name>${escaped(name)}</name><version>${version}</version><guestId>debian10_64Guest</guestId>` +
  `<files><vmPathName>${escaped(files)}</vmPathName></files><numCPUs>1</numCPUs><memoryMB>64</memoryMB>${devices.join('')}${more}`;
