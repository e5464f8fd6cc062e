import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { connectVsphere, type Moref } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { findVm } from '../../../src/node/vsphere/inventory.ts';
import { toSendenseError, type SendenseError } from '../../../src/errors/sendense-error.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

let vcenter: Vcenter;
let vsphere: Vsphere;
let vm: SimulatedVm;

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  vm = await vcenter.addVm({ name: 'pgtest1', folder: 'a/b', disks: [{ capacity: 65536 }] });
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

const refused = async (method: string, self: Moref): Promise<SendenseError> => {
  await vcenter.fault('no-permission', { method, privilege: 'VirtualMachine.State.RemoveSnapshot' });
  return vsphere.task(method, self, []).then(() => expect.fail('it was allowed'), toSendenseError);
};

it('names the path of a VM whose user lacks a privilege', async () => {
  expect(await refused('ConsolidateVMDisks_Task', { type: 'VirtualMachine', value: vm.moref })).toMatchObject({
    code: 'vsphere.permission',
    message: expect.stringContaining(
      `privilege VirtualMachine.State.RemoveSnapshot, on /DC1/vm/a/b/pgtest1 (${vm.moref})`,
    ) as string,
    details: { object: '/DC1/vm/a/b/pgtest1', fault: 'NoPermission' },
  });
});

it('names the VM of a snapshot, and a datastore', async () => {
  const snapshot = await vm.snapshot('by hand');
  const self = { type: 'VirtualMachineSnapshot', value: snapshot };
  expect((await refused('RemoveSnapshot_Task', self)).message).toContain(`on /DC1/vm/a/b/pgtest1 (${snapshot})`);
  const [store] = await vsphere.all('Datastore', ['name']);
  expect((await refused('RefreshDatastore', store?.object ?? self)).message).toMatch(
    /on \/DC1\/datastore\/LocalDS_0 \(\S+\)/,
  );
  expect((await refused('RefreshDatastore', vsphere.content['rootFolder'] ?? self)).message).toContain(' on / (');
});

it('tells what it knows where the object cannot be looked up', async () => {
  await vcenter.fault('method', { method: 'RetrievePropertiesEx', fault: 'NotSupported' });
  expect((await refused('ConsolidateVMDisks_Task', { type: 'VirtualMachine', value: vm.moref })).message).toContain(
    `on VirtualMachine ${vm.moref}`,
  );
});

it('says of a moref that is not there where to look for the right one', async () => {
  await expect(findVm(vsphere, { path: null, moref: 'vm-99999', name: '' })).rejects.toMatchObject({
    code: 'source.missing',
    message: expect.stringContaining('there is no VM vm-99999') as string,
    remedy: expect.stringMatching(/Check the moref.*sendense-run discover.*registered again/) as string,
  });
});
