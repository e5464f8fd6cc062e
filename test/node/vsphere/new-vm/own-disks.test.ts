import { expect, test } from 'vitest';
import { assertOwnDisks } from '../../../../src/node/vsphere/new-vm/own-disks.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { parseXml } from '../../../../src/node/vsphere/xml.ts';

const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const vm = (value: string, datastore: string) => ({
  object: { type: 'VirtualMachine', value },
  values: new Map([
    [
      'config.hardware.device',
      parseXml(
        `<val ${xsi}><VirtualDevice xsi:type="VirtualDisk"><key>2000</key><capacityInKB>1</capacityInKB><backing>` +
          `<fileName>[local] a/a.vmdk</fileName>${datastore}</backing></VirtualDevice></val>`,
      ),
    ],
  ]),
});
const on = (id: string): string => `<datastore type="Datastore">${id}</datastore>`;

/** An inventory with another VM whose disk has the same path. */
const judged = (own: string, other: string): Promise<void> => {
  const vsphere = { all: async () => [vm('vm-1', own), vm('vm-2', other)] } as unknown as Vsphere;
  return assertOwnDisks(vsphere, { object: { type: 'VirtualMachine', value: 'vm-1' }, name: 'a' }, undefined);
};

test('a disk of the same path in a datastore of another datacenter is another disk', async () => {
  await judged(on('datastore-1'), on('datastore-2'));
  await expect(judged(on('datastore-1'), on('datastore-1'))).rejects.toThrow('has disks of other VMs');
});

test('a disk on which a snapshot of another VM is built is a disk of that VM', async () => {
  const own = vm('vm-1', on('datastore-1'));
  const text =
    `<val ${xsi}><VirtualDevice xsi:type="VirtualDisk"><key>2000</key><capacityInKB>1</capacityInKB><backing>` +
    `<fileName>[local] b/b-000001.vmdk</fileName><parent><fileName>[local] b/b.vmdk</fileName>` +
    `<parent><fileName>[local] a/a.vmdk</fileName></parent></parent></backing></VirtualDevice></val>`;
  const other = {
    object: { type: 'VirtualMachine', value: 'vm-2' },
    values: new Map([['config.hardware.device', parseXml(text)]]),
  };
  const vsphere = { all: async () => [own, other] } as unknown as Vsphere;
  await expect(assertOwnDisks(vsphere, { object: own.object, name: 'a' }, undefined)).rejects.toThrow(
    'has disks of other VMs',
  );
});

test('a disk of which the server does not say the datastore is compared by its path', async () => {
  await expect(judged(on('datastore-1'), '')).rejects.toThrow('has disks of other VMs');
});
