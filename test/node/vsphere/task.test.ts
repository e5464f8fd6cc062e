import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectVsphere, type Moref } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { faultOf } from '../../../src/node/vsphere/fault.ts';
import { optionalMoref } from '../../../src/node/vsphere/xml.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

let vcenter: Vcenter;
let vsphere: Vsphere;
let machine: SimulatedVm;
let vm: Moref;
let number = 0;

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
  machine = await vcenter.addVm({ name: `task-${++number}`, disks: [{ capacity: 1024 * 1024 }] });
  vm = { type: 'VirtualMachine', value: machine.moref };
  await vcenter.clearCalls();
};

const snapshot = (options: Parameters<Vsphere['task']>[3] = {}): ReturnType<Vsphere['task']> =>
  vsphere.task(
    'CreateSnapshot_Task',
    vm,
    [
      ['name', 'by hand'],
      ['memory', false],
      ['quiesce', false],
    ],
    options,
  );
const called = async (method: string): Promise<number> =>
  (await vcenter.calls()).filter((call) => call.method === method).length;
const until = async (what: () => Promise<boolean>): Promise<void> => {
  while (!(await what())) await new Promise((resolve) => setImmediate(resolve));
};

describe('a task', () => {
  it('answers its result, tells its progress and leaves no collector behind', async () => {
    await newVm();
    const seen: number[] = [];
    await vcenter.fault('slow-task', { ms: 200, count: 1 });
    const made = optionalMoref(await snapshot({ onProgress: (percent) => seen.push(percent) }));
    expect(made?.type).toBe('VirtualMachineSnapshot');
    expect((await machine.snapshots()).map(({ moref }) => moref)).toEqual([made?.value]);
    expect(seen.every((percent) => percent >= 0 && percent <= 100)).toBe(true);
    expect(await called('CreatePropertyCollector')).toBe(1);
    expect(await called('DestroyPropertyCollector')).toBe(1);
    expect(await called('WaitForUpdatesEx')).toBeLessThan(10);
  });

  it('that fails gives its fault, with what it means', async () => {
    await newVm();
    await vcenter.fault('create-snapshot', { fault: 'TooManySnapshotLevels', count: 1 });
    const error: unknown = await snapshot().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'snapshot.failed' });
    expect(faultOf(error)?.name).toBe('TooManySnapshotLevels');
    expect((error as Error).message).toMatch(/^CreateSnapshot: /);
  });

  it('is cancelled on abort, and its end awaited', async () => {
    await newVm();
    await vcenter.fault('slow-task', { ms: 60_000, count: 1 });
    const aborted = new AbortController();
    const work = snapshot({ signal: aborted.signal });
    void until(async () => (await called('WaitForUpdatesEx')) > 0).then(() => aborted.abort(new Error('enough')));
    await expect(work).rejects.toThrow('enough');
    expect(await called('CancelTask')).toBe(1);
    expect(await machine.snapshots()).toEqual([]);
  });

  it('is cancelled when its time is over', async () => {
    await newVm();
    await vcenter.fault('slow-task', { ms: 60_000, count: 1 });
    await expect(snapshot({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'vsphere.busy',
      message: expect.stringContaining('CreateSnapshot') as string,
    });
    expect(await called('CancelTask')).toBe(1);
    expect(await machine.snapshots()).toEqual([]);
  });

  it.each([
    [60_000, 'goes on: vSphere does not end it'],
    [2500, null],
  ])('that takes %d ms and cannot be cancelled is told as it is then', async (ms, told) => {
    await newVm();
    await vcenter.fault('slow-task', { ms, count: 1 });
    await vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
    const end = await snapshot({ timeoutMs: 300, cancelMs: told === null ? 60_000 : 500 }).catch(String);
    if (told === null) expect(end).toMatchObject({ attributes: { type: 'VirtualMachineSnapshot' } });
    else expect(end).toContain(`CreateSnapshot took longer than 0.3 s and ${told}`);
  });

  it('goes on while connections break and the session ends in its wait', async () => {
    await newVm();
    await vcenter.fault('slow-task', { ms: 1500, count: 1 });
    await vcenter.fault('drop', { for: 'WaitForUpdatesEx', count: 2 });
    const work = snapshot();
    await until(async () => (await called('WaitForUpdatesEx')) > 2);
    await vcenter.expireSessions();
    await vcenter.fault('drop', { for: 'WaitForUpdatesEx', count: 1 });
    expect(optionalMoref(await work)).toMatchObject({ type: 'VirtualMachineSnapshot' });
    expect(await called('CreateSnapshot_Task')).toBe(1);
    expect(await machine.snapshots()).toHaveLength(1);
  });

  it('is started in a session of today when the old one has ended', async () => {
    await newVm();
    await vcenter.expireSessions();
    await snapshot();
    expect(await called('Login')).toBe(1);
    expect(await machine.snapshots()).toHaveLength(1);
  });

  it('is not started twice when its answer gets lost', async () => {
    await newVm();
    await vcenter.fault('drop', { for: 'CreateSnapshot_Task', count: 1 });
    await expect(snapshot()).rejects.toMatchObject({ code: 'vsphere.unreachable' });
    expect(await called('CreateSnapshot_Task')).toBe(1);
  });
});

describe('properties', () => {
  it('come in the order asked, without the objects that are gone', async () => {
    await newVm();
    const gone = { type: 'VirtualMachine', value: 'vm-999999' };
    const root = vsphere.content['rootFolder']!;
    expect((await vsphere.properties([vm, root], ['name'])).map(({ object }) => object)).toEqual([vm, root]);
    expect((await vsphere.properties([gone, root, vm], ['name'])).map(({ object }) => object)).toEqual([root, vm]);
    expect(await vsphere.properties([gone], ['name'])).toEqual([]);
    expect(await vsphere.properties([], ['name'])).toEqual([]);
  });
});

describe('lists of all objects', () => {
  const many = 40;
  let names: string[];

  beforeAll(async () => {
    for (let index = 0; index < many; index++)
      await vcenter.addVm({ name: `many-${index}`, folder: 'many', disks: [{ capacity: 65536 }] });
    names = Array.from({ length: many }, (_, index) => `many-${index}`).sort();
  });

  const listed = async (): Promise<string[]> =>
    (await vsphere.all('VirtualMachine', ['name']))
      .map(({ values }) => values.get('name')?.text ?? '')
      .filter((name) => name.startsWith('many-'))
      .sort();

  it('are read to their last page', async () => {
    await vcenter.fault('max-objects', { objects: 7 });
    await vcenter.clearCalls();
    expect(await listed()).toEqual(names);
    expect(await called('ContinueRetrievePropertiesEx')).toBeGreaterThan(4);
    expect(await called('DestroyView')).toBe(1);
  });

  it('are read whole where the session ends between two pages', async () => {
    await vcenter.fault('max-objects', { objects: 7 });
    await vcenter.fault('session-expiry', { method: 'ContinueRetrievePropertiesEx', after: 2, count: 1 });
    expect(await listed()).toEqual(names);
  });

  it('are read whole where the session ends before the first', async () => {
    await vcenter.fault('session-expiry', { method: 'RetrievePropertiesEx', count: 1 });
    expect(await listed()).toEqual(names);
  });

  it('are read whole where a page gets lost on the way', async () => {
    await vcenter.fault('max-objects', { objects: 7 });
    await vcenter.fault('drop', { for: 'ContinueRetrievePropertiesEx', after: 1, count: 1 });
    expect(await listed()).toEqual(names);
  });
});

it('knows how far the clocks are apart', async () => {
  await vcenter.fault('clock', { ms: 3_600_000 });
  expect(Math.abs((await vsphere.clockOffset()) - 3_600_000)).toBeLessThan(5_000);
});

it('leaves no session behind', async () => {
  const before = await vcenter.sessions();
  {
    await using other = await connectVsphere({ ...vcenter, ca: null });
    await other.clockOffset();
    expect(await vcenter.sessions()).toBe(before + 1);
  }
  expect(await vcenter.sessions()).toBe(before);
});

it('is refused with a wrong password, at the first attempt', async () => {
  await vcenter.clearCalls();
  const error: unknown = await connectVsphere({ ...vcenter, ca: null, password: 'wrong-canary' }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'vsphere.login' });
  expect((error as Error).message).not.toContain('wrong-canary');
  expect(await called('Login')).toBe(1);
});
