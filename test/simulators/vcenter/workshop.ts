import { open } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { element, elements, rawSoap, type RawSoap } from './raw-soap.ts';
import type { SimulatedVm, VmSpec } from './simulated-vm.ts';
import { startVcenter, type Vcenter } from './start-vcenter.ts';

export const MiB = 1 << 20;
/** Bytes in which changes are tracked. */
export const block = 65536;
export const filled = (value: number, length = block): Buffer => Buffer.alloc(length, value);

/** A test vCenter for all tests of a file, with one session of raw SOAP. */
export interface Workshop {
  readonly vcenter: Vcenter;
  readonly soap: RawSoap;
  /** A machine with tracking on and one disk of 8 MiB, unless said otherwise. */
  machine(spec?: Partial<VmSpec>): Promise<SimulatedVm>;
  create(vm: SimulatedVm, quiesce?: boolean): Promise<string>;
  remove(snapshot: string): Promise<string>;
  /** XML of each disk in the configuration of a machine or snapshot. */
  disksOf(type: 'VirtualMachine' | 'VirtualMachineSnapshot', moref: string): Promise<string[]>;
  changeId(snapshot: string): Promise<string>;
  areas(vm: SimulatedVm, snapshot: string, since: string, start?: number, key?: number): Promise<string>;
  /** XML that names each datastore by its moref, which bears the name. */
  datastores(): Promise<string>;
  /** Path of the URL of the first disk's flat file. */
  flat(vm: SimulatedVm): string;
}

export function workshop(): Workshop {
  let vcenter: Vcenter;
  let soap: RawSoap;
  let count = 0;
  // The first start on a machine builds it.
  beforeAll(async () => {
    vcenter = await startVcenter();
    soap = rawSoap(vcenter);
    await soap.login();
  }, 120_000);
  afterEach(() => vcenter.clearFaults());
  afterAll(() => vcenter[Symbol.asyncDispose]());
  const shop: Workshop = {
    get vcenter() {
      return vcenter;
    },
    get soap() {
      return soap;
    },
    machine: (spec = {}) => vcenter.addVm({ name: `vm${++count}`, cbt: true, disks: [{ capacity: 8 * MiB }], ...spec }),
    create: (vm, quiesce = false) =>
      soap.task(
        'CreateSnapshot_Task',
        'VirtualMachine',
        vm.moref,
        `<name>snapshot</name><description>d</description><memory>false</memory><quiesce>${quiesce}</quiesce>`,
      ),
    remove: (snapshot) =>
      soap.task('RemoveSnapshot_Task', 'VirtualMachineSnapshot', snapshot, '<removeChildren>false</removeChildren>'),
    disksOf: async (type, moref) =>
      (await soap.property(type, moref, 'config.hardware.device'))
        .split('<VirtualDevice ')
        .filter((device) => device.split('>')[0]?.includes('type="VirtualDisk"')),
    changeId: async (snapshot) =>
      element((await shop.disksOf('VirtualMachineSnapshot', snapshot))[0] ?? '', 'changeId'),
    areas: (vm, snapshot, since, start = 0, key = 2000) =>
      soap.call('QueryChangedDiskAreas', 'VirtualMachine', vm.moref, areasQuery(snapshot, since, start, key)),
    datastores: () => soap.property('Datacenter', 'datacenter-2', 'datastore'),
    flat: (vm) => `/folder/${vm.name}/${vm.name}-flat.vmdk?dcPath=${vcenter.datacenter}&dsName=${vcenter.datastore}`,
  };
  return shop;
}

export const areasQuery = (snapshot: string, since: string, start: number, key: number): string =>
  `<snapshot type="VirtualMachineSnapshot">${snapshot}</snapshot><deviceKey>${key}</deviceKey>` +
  `<startOffset>${start}</startOffset><changeId>${since}</changeId>`;

/** Start and length of each changed area. */
export const pairs = (xml: string): [number, number][] =>
  elements(xml, 'changedArea').map((area) => [Number(element(area, 'start')), Number(element(area, 'length'))]);

export async function readBlock(file: string, offset: number): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(block), 0, block, offset);
  return buffer;
}
