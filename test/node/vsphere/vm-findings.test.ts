import { expect, it, test } from 'vitest';
import { vmDisks } from '../../../src/node/vsphere/inventory.ts';
import { vmFrom } from '../../../src/node/vsphere/vm-properties.ts';
import { at, parseXml, type XmlValue } from '../../../src/node/vsphere/xml.ts';
import type { VsphereVm } from '../../../src/schemas/types.ts';

const controller = (sharing = 'noSharing'): string =>
  `<device xsi:type="VirtualLsiLogicSASController"><key>1001</key><deviceInfo><label>SCSI controller 1</label></deviceInfo><busNumber>1</busNumber><sharedBus>${sharing}</sharedBus></device>`;
const disk = (backing: string, more = '<uuid>6000C29a</uuid>', type = 'FlatVer2'): string =>
  `<device xsi:type="VirtualDisk"><key>2016</key><deviceInfo xsi:type="Description"><label>Hard disk 1</label></deviceInfo>` +
  `<backing xsi:type="VirtualDisk${type}BackingInfo"><fileName>[ds (1)] vm/vm_3.vmdk</fileName><diskMode>persistent</diskMode>${more}${backing}</backing>` +
  `<controllerKey>1001</controllerKey><unitNumber>0</unitNumber><capacityInKB>9007199254740</capacityInKB></device>`;

const devices = (inner: string): XmlValue =>
  parseXml(
    `<config xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><hardware><device xsi:type="Future"><key>1</key></device>${inner}</hardware></config>`,
  );

const from = (inner: string, more: Record<string, string> = {}, type = 'VMFS'): VsphereVm => {
  const texts = {
    'name': 'pgtest1',
    'runtime.connectionState': 'connected',
    'runtime.powerState': 'poweredOn',
    'config.version': 'vmx-19',
    'config.changeTrackingEnabled': 'true',
    'guest.toolsRunningStatus': 'guestToolsRunning',
    ...more,
  };
  const values = new Map(Object.entries(texts).map(([path, text]) => [path, parseXml(`<val>${text}</val>`)] as const));
  values.set('config.hardware.device', at(devices(inner), 'hardware')!);
  return vmFrom(
    { object: { type: 'VirtualMachine', value: 'vm-1' }, values },
    {
      path: '/DC1/vm/pgtest1',
      host: null,
      datacenter: 'DC1',
      reverts: null,
      datastoreTypes: new Map([['ds (1)', type]]),
    },
    0,
  );
};
const codes = (vm: VsphereVm): string[] => vm.findings.map(({ level, code }) => `${level} ${code}`);
const plain = controller() + disk('');

it('finds nothing about a plain VM', () => {
  expect(codes(from(plain))).toEqual([]);
});

test.each<[string, VsphereVm]>([
  ['weakens vm.encrypted', from(plain, { 'config.keyId': '' })],
  ['weakens vm.vtpm', from(`${plain}<device xsi:type="VirtualTPM"><key>11000</key></device>`)],
  ['weakens vm.fault-tolerance', from(plain, { 'runtime.faultToleranceState': 'running' })],
  ['stops disk.shared-bus', from(controller('physicalSharing') + disk(''))],
  ['stops disk.shared', from(controller() + disk('<sharing>sharingMultiWriter</sharing>'))],
  ['weakens disk.datastore', from(plain, {}, 'vsan')],
  ['weakens disk.datastore', from(plain, {}, 'VVOL')],
  ['weakens disk.no-uuid', from(controller() + disk('', ''))],
  ['weakens disk.parent', from(controller() + disk('<parent><fileName>[ds] base.vmdk</fileName></parent>'))],
  ['weakens vm.consolidation', from(plain, { 'runtime.consolidationNeeded': 'true' })],
  ['stops vm.template', from(plain, { 'config.template': 'true', 'runtime.powerState': 'poweredOff' })],
  ['stops vm.disconnected', from(plain, { 'runtime.connectionState': 'inaccessible' })],
  ['weakens tools.not-running', from(plain, { 'guest.toolsRunningStatus': 'guestToolsNotRunning' })],
  ['weakens cbt.unsupported', from(plain, { 'config.version': 'vmx-04' })],
  ['weakens cbt.off', from(plain, { 'config.changeTrackingEnabled': 'false' })],
])('%s', (finding, vm) => {
  expect(codes(vm)).toEqual([finding]);
  expect(vm.findings[0]?.message).not.toBe('');
});

it('says nothing of the kind of an NFS datastore, which every transport can read', () => {
  expect(codes(from(plain, {}, 'NFS41'))).toEqual([]);
});

it('reads keys, sizes and places as they are', () => {
  expect(vmDisks(devices(plain))).toEqual([
    {
      key: 2016,
      label: 'Hard disk 1',
      address: 'scsi1:0',
      controller_key: 1001,
      controller_type: 'VirtualLsiLogicSASController',
      unit: 0,
      uuid: '6000C29a',
      capacity_bytes: Number.MAX_SAFE_INTEGER,
      mode: 'persistent',
      backing: 'flat',
      thin: null,
      datastore: 'ds (1)',
      file: '[ds (1)] vm/vm_3.vmdk',
      has_parent: false,
      sharing: null,
      change_id: null,
      protected: true,
      not_protected_reason: null,
    },
  ]);
  expect(
    vmDisks(devices(controller() + disk('<changeId>52 de/8</changeId><thinProvisioned>true</thinProvisioned>'))),
  ).toMatchObject([{ change_id: '52 de/8', thin: true }]);
  expect(vmDisks(devices(disk('', '', 'Future')))).toMatchObject([
    { backing: 'other', protected: false, uuid: null, controller_type: 'unknown', address: 'controller?:0' },
  ]);
  expect(vmDisks(undefined)).toEqual([]);
});

it('a type that a server makes up is none that JavaScript knows', () => {
  const made = devices(
    controller() + disk('').replace('xsi:type="VirtualDiskFlatVer2BackingInfo"', 'xsi:type="constructor"'),
  );
  expect(vmDisks(made)).toMatchObject([{ backing: 'other' }]);
});

it.each(['controllerKey', 'unitNumber'])(
  'a disk whose %s is no number is an answer that nobody understands',
  (name) => {
    const odd = disk('').replace(new RegExp(`<${name}>[0-9]+`), `<${name}>:`);
    expect(() => vmDisks(devices(controller() + odd))).toThrow(expect.objectContaining({ code: 'vsphere.protocol' }));
  },
);
