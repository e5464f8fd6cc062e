import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectVsphere } from '../../../src/node/vsphere/connect.ts';
import { isStarting, powerOn } from '../../../src/node/vsphere/vm-power.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import type { Moref } from '../../../src/node/vsphere/xml.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';
import { timesAsked } from '../restores/asks-twice.ts';

let vcenter: Vcenter;
let vsphere: Vsphere;
let machine: SimulatedVm;
let vm: Moref;
let number = 0;
const { signal } = new AbortController();

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null }, { pauseMs: 20 });
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

const newVm = async (): Promise<void> => {
  machine = await vcenter.addVm({
    name: `power-${++number}`,
    poweredOn: false,
    disks: [{ capacity: 1024 * 1024 }],
  });
  vm = { type: 'VirtualMachine', value: machine.moref };
  await vcenter.clearCalls();
};

describe('the start of a VM', { timeout: 120_000 }, () => {
  it('is known though its answer is lost', async () => {
    await newVm();
    await vcenter.fault('answer-lost', { method: 'PowerOnVM_Task', count: 1 });
    expect(await powerOn(vsphere, vm, signal)).toEqual({ is: 'on' });
    expect(await timesAsked(vcenter, 'PowerOnVM_Task')).toBe(1);
  });

  it('is waited for where the answer is lost and it takes its time', async () => {
    await newVm();
    await vcenter.fault('answer-lost', { method: 'PowerOnVM_Task', count: 1 });
    await vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 1500, count: 1 });
    expect(await powerOn(vsphere, vm, signal)).toEqual({ is: 'on' });
    expect(await machine.powerState()).toBe('poweredOn');
  });

  it('that somebody else has begun is waited for, and not asked for again', async () => {
    await newVm();
    await vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 1500, count: 1 });
    await vsphere.call('PowerOnVM_Task', vm);
    expect(await isStarting(vsphere, vm, signal)).toBe(true);
    expect(await powerOn(vsphere, vm, signal)).toEqual({ is: 'on' });
    expect(await timesAsked(vcenter, 'PowerOnVM_Task')).toBe(1);
    expect(await isStarting(vsphere, vm, signal)).toBe(false);
  });

  it('that vSphere refuses fails with its fault', async () => {
    await newVm();
    await vcenter.fault('method', { method: 'PowerOnVM_Task', fault: 'InsufficientResourcesFault', count: 1 });
    await expect(powerOn(vsphere, vm, signal)).rejects.toMatchObject({ code: expect.stringContaining('vsphere.') });
    expect(await machine.powerState()).toBe('poweredOff');
  });

  it('that never reached vSphere fails', async () => {
    await newVm();
    await vcenter.fault('drop', { for: 'PowerOnVM_Task', count: 1 });
    await expect(powerOn(vsphere, vm, signal)).rejects.toMatchObject({ code: 'vsphere.unreachable' });
  });
});
