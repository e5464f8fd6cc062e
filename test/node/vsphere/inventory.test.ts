import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { connectVsphere } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { findVm } from '../../../src/node/vsphere/inventory.ts';
import { vmFacts } from '../../../src/node/vsphere/vm-facts.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

let vcenter: Vcenter;
let vsphere: Vsphere;
const vms = new Map<string, SimulatedVm>();

const add = async (name: string, folder?: string): Promise<void> => {
  const vm = await vcenter.addVm({ name, ...(folder && { folder }), disks: [{ capacity: 65536 }] });
  vms.set(`${folder ?? ''}/${name}`, vm);
};

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  await add('pgtest1');
  await add('twin', 'a');
  await add('twin', 'a/b');
  await add('web-1', 'a/b');
  await add('Büro "Küche" & <Flur>', 'ü & ö');
  // As vSphere keeps them: slash, percent sign and backslash escaped.
  for (const name of ['half%2fhalf', '100%25', 'C%5c', '50%252f']) await add(name, 'odd');
}, 300_000);
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

const find = (wanted: { path?: string; moref?: string; name?: string }): Promise<string> =>
  findVm(vsphere, { path: wanted.path ?? null, moref: wanted.moref ?? null, name: wanted.name ?? '' }).then(
    ({ value }) => value,
  );

test.each([
  ['/DC1/vm/pgtest1', '/pgtest1'],
  ['DC1/vm/pgtest1', '/pgtest1'],
  ['/DC1/vm/pgtest1/', '/pgtest1'],
  ['/DC1/vm/a/twin', 'a/twin'],
  ['/DC1/vm/a/b/twin', 'a/b/twin'],
  ['/DC1/vm/ü & ö/Büro "Küche" & <Flur>', 'ü & ö/Büro "Küche" & <Flur>'],
  ['/DC1/vm/odd/half%2fhalf', 'odd/half%2fhalf'],
  ['/DC1/vm/odd/half%2Fhalf', 'odd/half%2fhalf'],
  ['/DC1/vm/odd/half/half', 'odd/half%2fhalf'],
  ['/DC1/vm/odd/100%', 'odd/100%25'],
  ['/DC1/vm/odd/100%25', 'odd/100%25'],
  ['/DC1/vm/odd/C\\', 'odd/C%5c'],
  ['/DC1/vm/odd/C%5c', 'odd/C%5c'],
  ['/DC1/vm/odd/50%252f', 'odd/50%252f'],
])('the path %s names the VM %s', async (path, key) => {
  expect(await find({ path })).toBe(vms.get(key)!.moref);
});

it('finds a VM by its name, as people or as vSphere write it, and by its moref', async () => {
  expect(await find({ name: 'web-1' })).toBe(vms.get('a/b/web-1')!.moref);
  expect(await find({ name: 'half/half' })).toBe(vms.get('odd/half%2fhalf')!.moref);
  expect(await find({ name: 'half%2fhalf' })).toBe(vms.get('odd/half%2fhalf')!.moref);
  const { moref } = vms.get('/pgtest1')!;
  expect(await find({ moref, name: 'something else' })).toBe(moref);
});

describe('what is not found', () => {
  const message = async (wanted: Parameters<typeof find>[0]): Promise<string> => {
    const error: unknown = await find(wanted).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'source.missing' });
    return (error as Error).message;
  };

  it('is told with the nearest folder and with similar names', async () => {
    expect(await message({ path: '/DC1/vm/a/b/c/web-2' })).toBe(
      'there is no VM /DC1/vm/a/b/c/web-2; /DC1/vm/a/b is there; similar: /DC1/vm/a/b/web-1',
    );
    expect(await message({ path: '/DC1/vm/a' })).toContain('there is no VM /DC1/vm/a');
    expect(await message({ name: 'PGTEST1' })).toContain('similar: /DC1/vm/pgtest1');
    expect(await message({ moref: 'vm-999999' })).toContain('vm-999999');
  });

  it('is so, too, where several have the name, and they are told', async () => {
    const said = await message({ name: 'twin' });
    expect(said).toContain(`/DC1/vm/a/twin (${vms.get('a/twin')!.moref})`);
    expect(said).toContain(`/DC1/vm/a/b/twin (${vms.get('a/b/twin')!.moref})`);
  });
});

it('gives every VM a path by which it is found again', async () => {
  for (const vm of vms.values()) {
    const { path } = await vmFacts(vsphere, { type: 'VirtualMachine', value: vm.moref });
    expect(await find({ path })).toBe(vm.moref);
  }
});

it('knows the VMs of a bare ESXi host', async () => {
  await using host = await startVcenter({ esx: true });
  const vm = await host.addVm({ name: 'pgtest1', disks: [{ capacity: 65536 }] });
  await using connected = await connectVsphere({ ...host, ca: null });
  expect(connected.about.apiType).toBe('HostAgent');
  for (const path of ['/ha-datacenter/vm/pgtest1', 'ha-datacenter/vm/pgtest1'])
    expect(await findVm(connected, { path, moref: null, name: '' })).toEqual({
      type: 'VirtualMachine',
      value: vm.moref,
    });
  expect(await vmFacts(connected, { type: 'VirtualMachine', value: vm.moref })).toMatchObject({
    path: '/ha-datacenter/vm/pgtest1',
    datacenter: 'ha-datacenter',
  });
});
