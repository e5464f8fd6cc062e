import { expect, test } from 'vitest';
import { freePlaces } from '../../../../src/node/vsphere/attach/free-places.ts';
import { parseXml, type XmlValue } from '../../../../src/node/vsphere/xml.ts';

const device = (type: string, key: number, more = ''): string =>
  `<device xsi:type="${type}" xmlns:xsi="x"><key>${key}</key>${more}</device>`;
const disk = (controller: number, unit: number): string =>
  device('VirtualDisk', 2000 + unit, `<controllerKey>${controller}</controllerKey><unitNumber>${unit}</unitNumber>`);
const devices = (...all: string[]): readonly XmlValue[] => parseXml(`<hardware>${all.join('')}</hardware>`).children;
const units = (...all: string[]): [number, number][] =>
  freePlaces(devices(...all)).map(({ controllerKey, unit }) => [controllerKey, unit]);

const scsi = device('ParaVirtualSCSIController', 1000, '<scsiCtlrUnitNumber>7</scsiCtlrUnitNumber>');

test('the unit behind the last disk comes first, units between come last, the controller keeps its own', () => {
  const found = units(scsi, disk(1000, 0), disk(1000, 6));
  expect(found.slice(0, 2)).toEqual([
    [1000, 8],
    [1000, 9],
  ]);
  expect(found.slice(8)).toEqual([1, 2, 3, 4, 5].map((unit) => [1000, unit]));
  expect(units(scsi, disk(1000, 0))[0]).toEqual([1000, 1]);
});

test('SCSI comes before NVMe, and that before SATA; what else hangs there takes a unit, too', () => {
  const sata = device('VirtualAHCIController', 15000);
  const nvme = device('VirtualNVMEController', 31000);
  const cd = device('VirtualCdrom', 16000, '<controllerKey>15000</controllerKey><unitNumber>0</unitNumber>');
  expect(units(sata, cd)[0]).toEqual([15000, 1]);
  expect(units(sata, nvme)).toHaveLength(45);
  expect(units(sata, nvme)[0]).toEqual([31000, 0]);
  expect(units(sata, nvme, device('VirtualLsiLogicSASController', 1001))[0]).toEqual([1001, 0]);
});

test('IDE, and a bus that VMs share, take none', () => {
  const shared = device('ParaVirtualSCSIController', 1000, '<sharedBus>physicalSharing</sharedBus>');
  expect(units(device('VirtualIDEController', 200), shared)).toEqual([]);
});

test('a controller that has more than 16 units shows it by its disks', () => {
  const some = Array.from({ length: 16 }, (_, unit) => unit).filter((unit) => unit !== 7);
  expect(units(scsi, ...some.map((unit) => disk(1000, unit)))).toEqual([]);
  expect(units(scsi, disk(1000, 16))[0]).toEqual([1000, 17]);
  expect(units(scsi, disk(1000, 16))).toHaveLength(62);
});
