import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { queryChangedAreas } from '../../../src/node/vsphere/changed-areas.ts';
import { connectVsphere, type Moref } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { removeOurs } from '../../../src/node/vsphere/remove-snapshot.ts';
import { snapshotDescription, snapshotName, type SnapshotMark } from '../../../src/node/vsphere/snapshot-mark.ts';
import { takeSnapshot, type SnapshotOptions } from '../../../src/node/vsphere/take-snapshot.ts';
import type { SimulatedVm, VmSpec } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

const MiB = 1024 * 1024;
const times = { idle: 5000, look: 20, retry: 2000, delay: 20 };
const mark: SnapshotMark = { job: 'job-7', backup: 'b-7', node: 'node-1', time: Date.UTC(2026, 0, 2) };

let vcenter: Vcenter;
let vsphere: Vsphere;
let number = 0;
let said: { warned: string[]; logged: string[] };

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connect();
}, 300_000);
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  said = { warned: [], logged: [] };
});
afterEach(async () => {
  await vcenter.clearFaults();
});

const connect = (): Promise<Vsphere> => connectVsphere({ ...vcenter, ca: null });
const ref = (vm: SimulatedVm): Moref => ({ type: 'VirtualMachine', value: vm.moref });
const newVm = (spec: Partial<VmSpec> = {}): Promise<SimulatedVm> =>
  vcenter.addVm({ name: `vm-under-test-${++number}`, disks: [{ capacity: 4 * MiB }], cbt: true, ...spec });
const take = (vm: SimulatedVm, options: Partial<SnapshotOptions> = {}, session = vsphere) =>
  takeSnapshot(session, ref(vm), {
    mark,
    quiesce: 'try',
    cbt: 'auto',
    foreignSnapshots: 'refuse',
    isAlive: () => Promise.resolve(false),
    warn: (message) => void said.warned.push(message),
    log: (message) => void said.logged.push(message),
    times,
    ...options,
  });
const leave = (vm: SimulatedVm, left: SnapshotMark) => vm.snapshot(snapshotName(left), snapshotDescription(left));
const names = async (vm: SimulatedVm): Promise<string[]> => (await vm.snapshots()).map(({ name }) => name);
const countOf = async (method: string): Promise<number> =>
  (await vcenter.calls()).filter((one) => one.method === method).length;

describe('a snapshot', () => {
  it('bears our mark, is quiesced, shows its disks, and is gone when closed', async () => {
    const vm = await newVm({
      disks: [
        { capacity: 4 * MiB },
        { capacity: 8 * MiB, controller: 'scsi1', unit: 0 },
        { capacity: 4 * MiB, mode: 'independent_persistent' },
        { capacity: 4 * MiB, backing: 'rdm-physical' },
      ],
    });
    {
      await using snapshot = await take(vm);
      expect(await vm.snapshots()).toEqual([
        { name: 'sendense-b-7', description: snapshotDescription(mark), moref: snapshot.moref.value, quiesced: true },
      ]);
      expect(snapshot).toMatchObject({ quiesced: true, note: null, foreign: [], changeTracking: true });
      expect(snapshot.disks.map(({ key, uuid, capacity_bytes: bytes }) => [key, uuid, bytes])).toEqual(
        vm.disks.slice(0, 2).map(({ key, uuid, capacity }) => [key, uuid, capacity]),
      );
      expect(snapshot.disks.every(({ change_id: id, has_parent: parent }) => id !== null && !parent)).toBe(true);
      expect(snapshot.notProtected.map(({ uuid }) => uuid)).toEqual(vm.disks.slice(2).map(({ uuid }) => uuid));
      expect(snapshot.notProtected.every(({ reason }) => reason !== '')).toBe(true);
    }
    expect(await names(vm)).toEqual([]);
    expect(await vm.layers()).toBe(0);
    expect(said.warned).toEqual([]);
  });

  it('reports disks that its configuration does not even show', async () => {
    const vm = await newVm({ disks: [{ capacity: MiB }, { capacity: MiB, mode: 'independent_nonpersistent' }] });
    await vcenter.fault('hide-independent');
    await using snapshot = await take(vm);
    expect(snapshot.disks).toHaveLength(1);
    expect(snapshot.notProtected.map(({ uuid }) => uuid)).toEqual([vm.disks[1]?.uuid]);
  });

  it('answers what changed since another one', async () => {
    const vm = await newVm();
    const first = await take(vm);
    const since = first.disks[0]?.change_id ?? '';
    await first[Symbol.asyncDispose]();
    await vm.write(0, 3 * 65536 + 5, Buffer.from('changed'));
    await using second = await take(vm);
    const [disk] = second.disks;
    if (!disk) throw new Error('no disk');
    const tracked = { vm: ref(vm), snapshot: second.moref, disk };
    expect(await queryChangedAreas(vsphere, tracked, since)).toEqual({ areas: [{ offset: 3 * 65536, length: 65536 }] });
    await vm.resetTracking();
    await vcenter.fault('file-fault', { key: 'noEpoch', count: 1 });
    expect(await queryChangedAreas(vsphere, tracked, since)).toHaveProperty('reset');
  });

  it('is closed once, however often that is asked', async () => {
    const vm = await newVm();
    const snapshot = await take(vm);
    await vcenter.clearCalls();
    await Promise.all([snapshot[Symbol.asyncDispose](), snapshot[Symbol.asyncDispose]()]);
    expect(await countOf('RemoveSnapshot_Task')).toBe(1);
  });

  it('that is gone already closes without complaint', async () => {
    const vm = await newVm();
    await using snapshot = await take(vm);
    await vm.removeSnapshot(snapshot.moref.value);
  });

  it('of a VM that is gone is an error that says so', async () => {
    await expect(
      takeSnapshot(
        vsphere,
        { type: 'VirtualMachine', value: 'vm-99999' },
        {
          mark,
          quiesce: 'off',
          cbt: 'off',
          foreignSnapshots: 'refuse',
          isAlive: () => Promise.resolve(false),
          warn: () => {},
          log: () => {},
        },
      ),
    ).rejects.toMatchObject({ code: 'source.missing' });
  });

  it('is removed when the job is cancelled while it is made', async () => {
    const vm = await newVm();
    await vcenter.fault('slow-task', { method: 'CreateSnapshot_Task', ms: 400, count: 1 });
    const abort = new AbortController();
    const reason = new Error('cancelled by the test');
    const taking = take(vm, { signal: abort.signal });
    taking.catch(() => {});
    while ((await countOf('CreateSnapshot_Task')) === 0) await delay(10);
    abort.abort(reason);
    await expect(taking).rejects.toBe(reason);
    expect(await names(vm)).toEqual([]);
  });

  it('is removed under a time limit of its own when the job was cancelled', async () => {
    const vm = await newVm();
    const abort = new AbortController();
    const snapshot = await take(vm, { signal: abort.signal });
    abort.abort(new Error('cancelled'));
    await snapshot[Symbol.asyncDispose]();
    expect(await names(vm)).toEqual([]);
  });

  it('survives the end of the session in the middle', async () => {
    const vm = await newVm();
    for (const method of ['CreateSnapshot_Task', 'RemoveSnapshot_Task', 'WaitForUpdatesEx'])
      await vcenter.fault('session-expiry', { method, count: 1 });
    {
      await using snapshot = await take(vm);
      expect(await names(vm)).toEqual([snapshot.name]);
    }
    expect(await names(vm)).toEqual([]);
  });

  it('whose answer got lost is found by its mark, and no second one is made', async () => {
    const vm = await newVm();
    let lost = 0;
    const lossy: Vsphere = {
      ...vsphere,
      task: async (method, ...rest) => {
        const answer = await vsphere.task(method, ...rest);
        if (method === 'CreateSnapshot_Task' && lost++ === 0) throw new SendenseError('vsphere.unreachable', 'lost');
        return answer;
      },
    };
    await vcenter.clearCalls();
    {
      await using snapshot = await take(vm, {}, lossy);
      expect(await names(vm)).toEqual([snapshot.name]);
      expect(snapshot.quiesced).toBe(true);
    }
    expect(await countOf('CreateSnapshot_Task')).toBe(1);
    expect(await names(vm)).toEqual([]);
  });

  it('whose request got lost is asked for again', async () => {
    const vm = await newVm();
    await vcenter.fault('drop', { for: 'CreateSnapshot_Task', count: 1 });
    await using snapshot = await take(vm);
    expect(await names(vm)).toEqual([snapshot.name]);
  });
});

describe('quiescing', () => {
  it.each(['application', 'filesystem'])('that fails (%s) is an error where it is required', async (kind) => {
    const vm = await newVm();
    await vcenter.fault('quiesce', { kind });
    await expect(take(vm, { quiesce: 'required' })).rejects.toMatchObject({ code: 'snapshot.quiesce' });
    expect(await names(vm)).toEqual([]);
  });

  it.each(['application', 'filesystem'])('that fails (%s) is gone without where it is tried', async (kind) => {
    const vm = await newVm();
    await vcenter.fault('quiesce', { kind });
    await using snapshot = await take(vm, { quiesce: 'try' });
    expect(snapshot).toMatchObject({ quiesced: false, note: expect.stringContaining('not quiesced') });
    expect(await vm.snapshots()).toMatchObject([{ quiesced: false }]);
    expect(said.warned.join()).toContain('trying without');
  });

  it('that fails with a general fault is gone without too', async () => {
    const vm = await newVm();
    await vcenter.fault('create-snapshot', { fault: 'GenericVmConfigFault', count: 1 });
    await using snapshot = await take(vm, { quiesce: 'try' });
    expect(snapshot).toMatchObject({ quiesced: false });
  });

  it('that fails leaves no snapshot behind, even where vSphere made one', async () => {
    const vm = await newVm();
    const odd: Vsphere = {
      ...vsphere,
      task: async (method, self, args, options) => {
        if (method === 'CreateSnapshot_Task' && args.some(([name, value]) => name === 'quiesce' && value === true))
          await leave(vm, mark);
        return vsphere.task(method, self, args, options);
      },
    };
    await vcenter.fault('quiesce');
    await using snapshot = await take(vm, { quiesce: 'try' }, odd);
    expect(await vm.snapshots()).toMatchObject([{ moref: snapshot.moref.value, quiesced: false }]);
  });

  it('is not asked for where it is off', async () => {
    const vm = await newVm();
    await vcenter.fault('quiesce');
    await using snapshot = await take(vm, { quiesce: 'off' });
    expect(snapshot).toMatchObject({ quiesced: false, note: null });
  });

  it('is not tried without VMware Tools, and refused where it is required', async () => {
    const vm = await newVm({ tools: false });
    {
      await using snapshot = await take(vm);
      expect(snapshot).toMatchObject({ quiesced: false, note: expect.stringContaining('VMware Tools') });
    }
    await expect(take(vm, { quiesce: 'required' })).rejects.toThrow('VMware Tools');
  });

  it('of a VM that is off is no work', async () => {
    const vm = await newVm({ poweredOn: false });
    await vcenter.fault('quiesce');
    await using snapshot = await take(vm, { quiesce: 'required' });
    expect(snapshot).toMatchObject({ quiesced: true, note: expect.stringContaining('the VM is off') });
  });
});

describe('what others left', () => {
  it('a left-over of ours is removed first, and the log says so', async () => {
    const vm = await newVm();
    await leave(vm, { ...mark, job: 'job-6', backup: 'b-6' });
    await using snapshot = await take(vm);
    expect(await vm.snapshots()).toMatchObject([{ moref: snapshot.moref.value }]);
    expect(said.logged.join()).toContain('sendense-b-6');
  });

  it('a snapshot of ours that a job works with is let be', async () => {
    const vm = await newVm();
    await leave(vm, { ...mark, job: 'job-6', backup: 'b-6' });
    const error = await take(vm, { isAlive: ({ job }) => Promise.resolve(job === 'job-6') }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'snapshot.owned', message: expect.stringContaining('job-6') });
    expect(await names(vm)).toEqual(['sendense-b-6']);
  });

  it("another node's is let be for three days, whatever our clock says", async () => {
    const vm = await newVm();
    await leave(vm, { ...mark, job: 'job-6', backup: 'b-6', node: 'node-2' });
    await expect(take(vm)).rejects.toMatchObject({ code: 'snapshot.owned', details: { node: 'node-2' } });
    await vcenter.fault('clock', { ms: 73 * 3_600_000 });
    await using snapshot = await take(vm);
    expect(await names(vm)).toEqual([snapshot.name]);
  });

  it('foreign ones are refused with their names, and nothing is touched', async () => {
    const vm = await newVm();
    await vm.snapshot('before the upgrade');
    await vm.snapshot('sendense-looks-like-ours', 'made by hand');
    await expect(take(vm)).rejects.toMatchObject({
      code: 'snapshot.foreign',
      message: expect.stringMatching(/before the upgrade.*sendense-looks-like-ours/),
    });
    expect(await names(vm)).toEqual(['before the upgrade', 'sendense-looks-like-ours']);
  });

  it('foreign ones stay where the plan allows them', async () => {
    const vm = await newVm();
    await vm.snapshot('before the upgrade');
    {
      await using snapshot = await take(vm, { foreignSnapshots: 'allow' });
      expect(snapshot.foreign).toEqual(['before the upgrade']);
      expect(snapshot.note).toContain('before the upgrade');
      expect(snapshot.disks[0]?.has_parent).toBe(true);
    }
    expect(await names(vm)).toEqual(['before the upgrade']);
  });

  it("somebody's snapshot on top of ours stays when ours goes", async () => {
    const vm = await newVm();
    {
      await using _snapshot = await take(vm);
      await vm.snapshot('on top');
    }
    expect(await names(vm)).toEqual(['on top']);
  });
});

describe('two nodes at once', () => {
  it('the second one gives way and leaves nothing', async () => {
    const vm = await newVm();
    const beaten: Vsphere = {
      ...vsphere,
      task: async (method, ...rest) => {
        if (method === 'CreateSnapshot_Task') await leave(vm, { ...mark, job: 'job-6', backup: 'b-6', node: 'node-2' });
        return vsphere.task(method, ...rest);
      },
    };
    await expect(take(vm, {}, beaten)).rejects.toMatchObject({ code: 'snapshot.owned' });
    expect(await names(vm)).toEqual(['sendense-b-6']);
  });
});

describe('changed areas of a snapshot', () => {
  const grain = 65536;
  const twoMoments = async (vm: SimulatedVm, between: () => Promise<void>) => {
    const first = await take(vm);
    const since = first.disks.map(({ change_id: id }) => id ?? '');
    await first[Symbol.asyncDispose]();
    await between();
    const second = await take(vm);
    const ask = (index: number) => {
      const disk = second.disks[index];
      if (!disk) throw new Error('no such disk');
      const tracked = { vm: ref(vm), snapshot: second.moref, disk };
      return queryChangedAreas(vsphere, tracked, since[index] ?? '', { delay: 5 });
    };
    return { ask, [Symbol.asyncDispose]: () => second[Symbol.asyncDispose]() };
  };

  it('are those of each disk, over empty pages and sessions that end', async () => {
    const vm = await newVm({ disks: [{ capacity: 8 * MiB }, { capacity: 8 * MiB, controller: 'scsi1', unit: 0 }] });
    await using moments = await twoMoments(vm, async () => {
      await vm.write(0, 7 * MiB, Buffer.from('x'));
      await vm.write(1, 0, Buffer.from('y'));
      await vm.write(1, 8 * MiB - 1, Buffer.from('z'));
    });
    await vcenter.fault('page-length', { bytes: MiB });
    await vcenter.fault('session-expiry', { method: 'QueryChangedDiskAreas', after: 3, count: 1 });
    expect(await moments.ask(0)).toEqual({ areas: [{ offset: 7 * MiB, length: grain }] });
    expect(await moments.ask(1)).toEqual({
      areas: [
        { offset: 0, length: grain },
        { offset: 8 * MiB - grain, length: grain },
      ],
    });
  });

  it.each(['page-no-progress', 'page-wrong-start', 'page-beyond-end', 'page-too-long', 'page-outside'])(
    'are an error on %s',
    async (name) => {
      const vm = await newVm();
      await using moments = await twoMoments(vm, () => vm.write(0, 0, Buffer.from('x')));
      await vcenter.fault(name);
      await expect(moments.ask(0)).rejects.toMatchObject({ code: 'cbt.protocol' });
    },
  );

  it('are a reset after a power failure', async () => {
    const vm = await newVm();
    await using moments = await twoMoments(vm, () => vm.power('loss'));
    expect(await moments.ask(0)).toHaveProperty('reset');
  });

  // The bench holds the figure, one second; other tests run beside this one.
  it('20,000 of them are asked and parsed in moments', async () => {
    const vm = await newVm({ disks: [{ capacity: 40_000 * grain, share: true }] });
    await using moments = await twoMoments(vm, () => Promise.resolve());
    await vcenter.fault('many-areas', { areas: 20_000 });
    const before = performance.now();
    const answer = await moments.ask(0);
    expect(performance.now() - before).toBeLessThan(20_000);
    expect('areas' in answer && answer.areas.length).toBe(20_000);
  });
});

describe('removing', () => {
  it.each(['call', 'task'])('is tried again where it fails at first (%s)', async (at) => {
    const vm = await newVm();
    {
      await using _snapshot = await take(vm);
      await vcenter.fault('remove-snapshot', { at, count: 3 });
    }
    expect(await names(vm)).toEqual([]);
    expect(said.logged.join()).toContain('trying again');
  });

  it('is tried again where files are locked, and where the connection breaks', async () => {
    const vm = await newVm();
    {
      await using _snapshot = await take(vm);
      await vcenter.fault('remove-snapshot', { fault: 'FileLocked', count: 1 });
      await vcenter.fault('drop', { for: 'RemoveSnapshot_Task', count: 1 });
    }
    expect(await names(vm)).toEqual([]);
  });

  it('that fails for too long is an error with name and VM, and the next run removes it', async () => {
    const vm = await newVm();
    const snapshot = await take(vm, { times: { ...times, retry: 200 } });
    await vcenter.fault('remove-snapshot');
    await expect(snapshot[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'snapshot.left',
      message: expect.stringMatching(new RegExp(`${vm.moref}.*sendense-b-7`)),
    });
    await vcenter.clearFaults();
    await using next = await take(vm, { mark: { ...mark, job: 'job-8', backup: 'b-8' } });
    expect(await names(vm)).toEqual([next.name]);
  });

  it('is not tried again where the privilege is missing', async () => {
    const vm = await newVm();
    const snapshot = await take(vm);
    await vcenter.fault('no-permission', { method: 'RemoveSnapshot_Task' });
    await vcenter.clearCalls();
    await expect(snapshot[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'snapshot.left' });
    expect(await countOf('RemoveSnapshot_Task')).toBe(1);
    await vcenter.clearFaults();
    expect(await removeOurs(workOn(vm), () => false, [snapshot.moref.value])).toEqual(['sendense-b-7']);
  });

  it('by the mark alone finds what a job made, and nothing else', async () => {
    const vm = await newVm();
    await leave(vm, { ...mark, job: 'job-6', backup: 'b-6' });
    await leave(vm, mark);
    await vm.snapshot('sendense-b-7', 'not ours');
    expect(await removeOurs(workOn(vm), ({ job }) => job === 'job-7')).toEqual(['sendense-b-7']);
    expect(await vm.snapshots()).toMatchObject([{ name: 'sendense-b-6' }, { description: 'not ours' }]);
    expect(await removeOurs(workOn(vm), ({ job }) => job === 'job-7')).toEqual([]);
  });

  const workOn = (vm: SimulatedVm) => ({
    vsphere,
    vm: ref(vm),
    times,
    log: (message: string) => void said.logged.push(message),
    warn: (message: string) => void said.warned.push(message),
  });
});

describe('consolidation', () => {
  it('that is going on is waited for', async () => {
    const vm = await newVm();
    await vm.consolidating(true);
    const taking = take(vm);
    while (!said.logged.join().includes('consolidate')) await delay(10);
    expect(await names(vm)).toEqual([]);
    await vm.consolidating(false);
    await using snapshot = await taking;
    expect(await names(vm)).toEqual([snapshot.name]);
  });

  it('that does not end is an error, and no snapshot is made', async () => {
    const vm = await newVm();
    await vm.consolidating(true);
    await expect(take(vm, { times: { ...times, idle: 100 } })).rejects.toMatchObject({
      code: 'vsphere.busy',
      message: expect.stringContaining('consolidate'),
    });
    await vm.consolidating(false);
    expect(await names(vm)).toEqual([]);
  });

  it('that a removal leaves to do is done', async () => {
    const vm = await newVm();
    {
      await using _snapshot = await take(vm);
      await vcenter.fault('consolidation-needed', { count: 1 });
    }
    expect(await vm.layers()).toBe(0);
    expect(said.logged.join()).toContain('consolidation');
    expect(said.warned).toEqual([]);
  });

  it('that fails after a removal is a warning, and before a snapshot an error', async () => {
    const vm = await newVm();
    {
      await using _snapshot = await take(vm);
      await vcenter.fault('consolidation-needed', { count: 1 });
      await vcenter.fault('consolidate');
    }
    expect(said.warned.join()).toContain('snapshot.consolidation');
    await expect(take(vm)).rejects.toMatchObject({ code: 'snapshot.consolidation' });
    await vcenter.clearFaults();
    await using _snapshot = await take(vm);
    expect(await vm.layers()).toBe(1);
  });
});

describe('changed block tracking', () => {
  it('is switched on with the stun that it needs, and leaves no snapshot of that', async () => {
    const vm = await newVm({ cbt: false });
    {
      await using snapshot = await take(vm, { cbt: 'enable' });
      expect(snapshot.changeTracking).toBe(true);
      expect(snapshot.disks.every(({ change_id: id }) => id !== null)).toBe(true);
      expect(await names(vm)).toEqual([snapshot.name]);
    }
    expect(await names(vm)).toEqual([]);
    expect(said.warned).toEqual([]);
  });

  it('is left alone where it is on, and where the plan says auto or off', async () => {
    const [on, off] = [await newVm(), await newVm({ cbt: false })];
    await vcenter.clearCalls();
    await using first = await take(on, { cbt: 'enable' });
    await using second = await take(off, { cbt: 'auto' });
    await first[Symbol.asyncDispose]();
    await using third = await take(on, { cbt: 'off' });
    expect([first, second, third].map(({ changeTracking }) => changeTracking)).toEqual([true, false, false]);
    expect(await countOf('ReconfigVM_Task')).toBe(0);
  });

  it('that is off is an error where it is required', async () => {
    const vm = await newVm({ cbt: false });
    await expect(take(vm, { cbt: 'require' })).rejects.toMatchObject({ code: 'cbt.off' });
    expect(await names(vm)).toEqual([]);
  });

  it('cannot be had below hardware version 7', async () => {
    const vm = await newVm({ cbt: false, hardwareVersion: 4 });
    await expect(take(vm, { cbt: 'enable' })).rejects.toMatchObject({ code: 'cbt.unsupported' });
    await using snapshot = await take(vm, { cbt: 'auto' });
    expect(snapshot.changeTracking).toBe(false);
  });

  it('cannot be switched on while there are snapshots', async () => {
    const vm = await newVm({ cbt: false });
    await vm.snapshot('before the upgrade');
    await expect(take(vm, { cbt: 'enable', foreignSnapshots: 'allow' })).rejects.toMatchObject({
      code: 'cbt.off',
      message: expect.stringContaining('before the upgrade'),
    });
  });

  it('whose stun snapshot cannot be removed at first leaves none', async () => {
    const vm = await newVm({ cbt: false });
    await vcenter.fault('remove-snapshot', { count: 2 });
    {
      await using snapshot = await take(vm, { cbt: 'enable' });
      expect(await names(vm)).toEqual([snapshot.name]);
    }
    expect(await names(vm)).toEqual([]);
  });

  it('that cannot be switched on is an error, and leaves nothing', async () => {
    const vm = await newVm({ cbt: false });
    await vcenter.fault('reconfigure');
    await expect(take(vm, { cbt: 'enable' })).rejects.toMatchObject({ code: 'vsphere.fault' });
    expect(await names(vm)).toEqual([]);
  });
});

it('a licence that allows no snapshots is a clear error', async () => {
  const vm = await newVm();
  await vcenter.fault('method', { method: 'CreateSnapshot_Task', fault: 'RestrictedVersion' });
  await expect(take(vm)).rejects.toMatchObject({ message: expect.stringContaining('licence') });
});

it('a bare ESXi host is no different', async () => {
  await using esx = await startVcenter({ esx: true });
  await using session = await connectVsphere({ ...esx, ca: null });
  const vm = await esx.addVm({ name: 'alone', disks: [{ capacity: MiB }] });
  {
    await using snapshot = await take(vm, { cbt: 'enable' }, session);
    expect(snapshot).toMatchObject({ quiesced: true, changeTracking: true });
    expect(await names(vm)).toEqual([snapshot.name]);
  }
  expect(await names(vm)).toEqual([]);
});
