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

test('a disk of which the server does not say the datastore is compared by its path', async () => {
  await expect(judged(on('datastore-1'), '')).rejects.toThrow('has disks of other VMs');
});
