import { escapeXml } from '../../host/net/escape-xml.ts';
import type { NetworkModel } from '../../machines/machine.ts';
import type { Controller, ControllerModel } from './vmware-hardware.ts';

/** What a descriptor says of a VM. Texts may hold anything: they are escaped here. */
export interface OvfVm {
  readonly name: string;
  readonly annotation: string;
  /** VMware's id of the guest's system; null: not known. */
  readonly guestId: string | null;
  /** `vmx-19` */
  readonly hardwareVersion: string;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly cpus: { readonly count: number; readonly coresPerSocket: number };
  readonly memoryBytes: number;
  readonly controllers: readonly Controller[];
  readonly networks: readonly { readonly model: NetworkModel; readonly name: string; readonly connected: boolean }[];
}

export interface OvfDisk {
  readonly disk: string;
  readonly file: string;
  readonly size: number;
  /** Bytes. */
  readonly capacity: number;
  readonly populated: number;
}

export interface OvfFiles {
  readonly disks: readonly OvfDisk[];
  /** Settings of the firmware. */
  readonly nvram: { readonly file: string; readonly size: number } | null;
}

const vmdkFormat = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

/** The descriptor of an OVA: OVF 1.1 (DSP0243), with the words of VMware's exports. */
export function ovfText(vm: OvfVm, files: OvfFiles): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">',
    ...indent(1, [
      ...element('References', {}, fileLines(files)),
      ...element('DiskSection', {}, [info('The disks of the VM'), ...files.disks.map(diskLine)]),
      ...networkLines(vm),
      ...element('VirtualSystem', { 'ovf:id': vm.name }, systemLines(vm, files)),
    ]),
    '</Envelope>',
    '',
  ].join('\n');
}

type Attributes = Readonly<Record<string, string | number>>;

const attributesOf = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');

const empty = (name: string, attributes: Attributes): string => `<${name}${attributesOf(attributes)}/>`;

const text = (name: string, value: string | number, attributes: Attributes = {}): string =>
  `<${name}${attributesOf(attributes)}>${escapeXml(String(value))}</${name}>`;

const element = (name: string, attributes: Attributes, lines: readonly string[]): string[] => [
  `<${name}${attributesOf(attributes)}>`,
  ...indent(1, lines),
  `</${name}>`,
];

const indent = (depth: number, lines: readonly string[]): string[] =>
  lines.map((line) => `${'  '.repeat(depth)}${line}`);

const info = (words: string): string => text('Info', words);

const fileId = (index: number): string => `file${index + 1}`;
const diskId = (index: number): string => `vmdisk${index + 1}`;

const fileLines = ({ disks, nvram }: OvfFiles): string[] =>
  [...disks, ...(nvram === null ? [] : [nvram])].map(({ file, size }, index) =>
    empty('File', { 'ovf:href': file, 'ovf:id': fileId(index), 'ovf:size': size }),
  );

const diskLine = ({ capacity, populated }: OvfDisk, index: number): string =>
  empty('Disk', {
    'ovf:capacity': capacity,
    'ovf:capacityAllocationUnits': 'byte',
    'ovf:diskId': diskId(index),
    'ovf:fileRef': fileId(index),
    'ovf:format': vmdkFormat,
    'ovf:populatedSize': populated,
  });

/** Each network once: whoever deploys it says which of theirs it is. */
function networkLines({ networks }: OvfVm): string[] {
  const names = [...new Set(networks.map(({ name }) => name))];
  if (names.length === 0) return [];
  return element('NetworkSection', {}, [
    info('The networks of the VM'),
    ...names.flatMap((name) => element('Network', { 'ovf:name': name }, [text('Description', `The network ${name}`)])),
  ]);
}

function systemLines(vm: OvfVm, files: OvfFiles): string[] {
  const os = { 'ovf:id': osId(vm.guestId), ...(vm.guestId === null ? {} : { 'vmw:osType': vm.guestId }) };
  return [
    info('A virtual machine'),
    text('Name', vm.name),
    ...(vm.annotation === ''
      ? []
      : element('AnnotationSection', {}, [info('Notes of the VM'), text('Annotation', vm.annotation)])),
    ...element('OperatingSystemSection', os, [info('The system of the guest')]),
    ...element('VirtualHardwareSection', {}, [
      info('The hardware of the VM'),
      ...element('System', {}, [
        text('vssd:ElementName', 'Virtual Hardware Family'),
        text('vssd:InstanceID', 0),
        text('vssd:VirtualSystemIdentifier', vm.name),
        text('vssd:VirtualSystemType', vm.hardwareVersion),
      ]),
      ...itemsOf(vm, files).flatMap((item, index) => itemLines(item, index + 1)),
      ...configLines(vm, files),
    ]),
  ];
}

/** Ids of CIM: 102 another system of 64 bits, 1 another one. VMware goes by its own. */
const osId = (guestId: string | null): number => (guestId?.endsWith('64Guest') === true ? 102 : 1);

interface Item {
  readonly resourceType: number;
  /** Elements of `rasd:`; the order follows from their names, as the schema of CIM has it. */
  readonly fields: Readonly<Record<string, string | number>>;
  readonly more?: readonly string[];
}

const resourceTypes: Readonly<Record<ControllerModel, number>> = {
  'ide': 5,
  'lsilogic': 6,
  'lsilogicsas': 6,
  'buslogic': 6,
  'VirtualSCSI': 6,
  'vmware.sata.ahci': 20,
  'vmware.nvme.controller': 20,
};

const networkModels: Readonly<Record<NetworkModel, string>> = {
  vmxnet3: 'VmxNet3',
  e1000: 'E1000',
  e1000e: 'E1000e',
  pcnet: 'PCNet32',
};

/** CPUs and memory are the first two items. */
const beforeControllers = 2;

function itemsOf(vm: OvfVm, { disks }: OvfFiles): Item[] {
  const { controllers } = vm;
  const numbers = new Map(disks.map(({ disk }, index) => [disk, index]));
  const onControllers = controllers.flatMap(({ disks: on }, index) =>
    on.map(({ disk, unit }): Item => ({
      resourceType: 17,
      fields: {
        AddressOnParent: unit,
        ElementName: disk,
        HostResource: `ovf:/disk/${diskId(numbers.get(disk) ?? 0)}`,
        Parent: beforeControllers + index + 1,
      },
    })),
  );
  return [
    {
      resourceType: 3,
      fields: { AllocationUnits: 'hertz * 10^6', ElementName: 'CPUs', VirtualQuantity: vm.cpus.count },
      more: [text('vmw:CoresPerSocket', vm.cpus.coresPerSocket, { 'ovf:required': 'false' })],
    },
    {
      resourceType: 4,
      fields: { AllocationUnits: 'byte * 2^20', ElementName: 'Memory', VirtualQuantity: vm.memoryBytes / 2 ** 20 },
    },
    ...controllers.map(({ model, bus }): Item => ({
      resourceType: resourceTypes[model],
      fields: {
        Address: bus,
        ElementName: `Controller ${model} ${bus}`,
        ...(model === 'ide' ? {} : { ResourceSubType: model }),
      },
    })),
    ...onControllers,
    ...vm.networks.map(({ model, name, connected }, index): Item => ({
      resourceType: 10,
      fields: {
        AddressOnParent: 7 + index,
        AutomaticAllocation: String(connected),
        Connection: name,
        ElementName: `Network adapter ${index + 1}`,
        ResourceSubType: networkModels[model],
      },
    })),
  ];
}

const itemLines = ({ resourceType, fields, more = [] }: Item, id: number): string[] =>
  element('Item', {}, [
    ...Object.entries({ ...fields, InstanceID: id, ResourceType: resourceType })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => text(`rasd:${name}`, value)),
    ...more,
  ]);

function configLines({ firmware, secureBoot }: OvfVm, { disks, nvram }: OvfFiles): string[] {
  const config = (key: string, value: string): string =>
    empty('vmw:Config', { 'ovf:required': 'false', 'vmw:key': key, 'vmw:value': value });
  return [
    config('firmware', firmware),
    ...(firmware === 'efi' ? [config('bootOptions.efiSecureBootEnabled', String(secureBoot))] : []),
    ...(nvram === null
      ? []
      : [
          empty('vmw:ExtraConfig', {
            'ovf:required': 'false',
            'vmw:key': 'nvram',
            'vmw:value': `ovf:/file/${fileId(disks.length)}`,
          }),
        ]),
  ];
}
