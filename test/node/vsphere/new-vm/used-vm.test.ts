import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import { markOptionOf, noteOptionOf } from '../../../../src/node/vsphere/in-place/in-place-mark.ts';
import { finishVm, reopenVm } from '../../../../src/node/vsphere/new-vm/finish-vm.ts';
import { judgePlace } from '../../../../src/node/vsphere/new-vm/judge-place.ts';
import { makeVm, type NewVm } from '../../../../src/node/vsphere/new-vm/make-vm.ts';
import { changeVm } from '../../../../src/node/vsphere/new-vm/marked-vm.ts';
import { giveDisk } from '../../../../src/node/vsphere/new-vm/give-disk.ts';
import { notesOption } from '../../../../src/node/vsphere/new-vm/disk-notes.ts';
import { findPlace } from '../../../../src/node/vsphere/new-vm/place.ts';
import { removeUnfinished } from '../../../../src/node/vsphere/new-vm/remove-unfinished.ts';
import { markedAnnotation } from '../../../../src/node/vsphere/new-vm/restore-mark.ts';
import { noteDisks, takeOver } from '../../../../src/node/vsphere/new-vm/take-over.ts';
import { wantedVm } from '../../../../src/node/vsphere/new-vm/wanted-vm.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { rawSoap, type RawSoap } from '../../../simulators/vcenter/raw-soap.ts';
import type { SimulatedVm } from '../../../simulators/vcenter/simulated-vm.ts';
import { disk } from '../../../simulators/vcenter/spec-xml.ts';
import { startVcenter, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { until } from '../../support.ts';
import { savedConfig } from './saved-config.ts';

const MiB = 1024 * 1024;
const asked = 'a'.repeat(64);
const other = { run: 'run-2', point: 'p-1' };
const inPlace = { run: 'run-3', point: 'p-3', isTorn: true, safety: null, disks: null, since: null };
let vcenter: Vcenter;
let vsphere: Vsphere;
let soap: RawSoap;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  soap = rawSoap(vcenter);
  await soap.login();
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

interface Unfinished {
  readonly run: string;
  readonly made: NewVm;
  readonly vm: SimulatedVm;
  again(): Promise<NewVm>;
  takenOver(): Promise<void>;
  removed(): ReturnType<typeof removeUnfinished>;
  annotation(): Promise<string>;
}

/** A VM that a run has made and not finished. */
async function unfinished(): Promise<Unfinished> {
  const run = `used-${++number}`;
  const wanted = {
    name: run,
    folder: '/DC1/vm',
    pool: null,
    datastore: 'LocalDS_0',
    disks: new Map(),
    networks: new Map(),
  };
  const vm = wantedVm(savedConfig(), { disks: new Map([[2000, 4 * MiB]]), withoutTpm: false });
  const again = async (): Promise<NewVm> => {
    const place = await findPlace(vsphere, wanted);
    const fitting = await judgePlace(vsphere, { vm, wanted, place, thin: true, used: new Map(), run, by: 'vddk' });
    const how = { mac: 'new', identity: 'new', connect: false, thin: true, asked } as const;
    return makeVm(vsphere, vm, { ...how, name: run, fitting, place, mark: { run, point: 'p-1' } });
  };
  const made = await again();
  const found = await vcenter.findVm(run);
  if (!found) throw new Error('no VM');
  return {
    run,
    made,
    vm: found,
    again,
    takenOver: () => takeOver(vsphere, run, other, asked),
    removed: () => removeUnfinished(vsphere, run),
    annotation: async () =>
      /<annotation>([^<]*)</.exec(await soap.property('VirtualMachine', found.moref, 'config'))?.[1] ?? '',
  };
}

/** Somebody writes notes below the mark of a run. */
const writeNotes = async ({ run, made }: Unfinished, notes: string, by = run): Promise<void> =>
  changeVm(vsphere, made.object, () => [['annotation', markedAnnotation({ run: by, point: 'p-1' }, notes)]]);
/** Does something while the server has not begun with a call of that name. */
async function during(method: string, work: () => Promise<unknown>, act: () => Promise<unknown>, after = 0) {
  await vcenter.clearCalls();
  await vcenter.fault('slow', { for: method, ms: 2500, count: 1, ...(after > 0 ? { after } : {}) });
  const working = work();
  const times = async (): Promise<number> => (await vcenter.calls()).filter((call) => call.method === method).length;
  await until(async () => (await times()) > after, `${method} is asked for`);
  await act();
  await working;
}

const reconfigure = ({ vm }: Unfinished, spec: string): Promise<unknown> =>
  soap.task('ReconfigVM_Task', 'VirtualMachine', vm.moref, `<spec>${spec}</spec>`);
const startAndStop = async ({ vm }: Pick<Unfinished, 'vm'>): Promise<void> => {
  await vm.power('on');
  await vm.power('off');
};
/** As it is while Sendense gives it a disk: its hardware is noted after that. */
const unsettle = async ({ made }: Unfinished): Promise<void> =>
  changeVm(vsphere, made.object, ({ notes }) => [
    ['extraConfig', notes === null ? [] : [notesOption({ ...notes, hardware: null })]],
  ]);
/** A disk that no VM has: vSphere would delete it with the VM. */
async function strayDisk(): Promise<string> {
  const owner = await vcenter.addVm({ name: `owner-${++number}`, disks: [{ capacity: MiB }], poweredOn: false });
  const file = owner.disks[0]?.fileName ?? '';
  await soap.call('UnregisterVM', 'VirtualMachine', owner.moref, '');
  return file;
}

/** What somebody does with the VM, what the server keeps silent about, and what Sendense says. */
const uses: readonly [
  title: string,
  use: (made: Unfinished) => Promise<unknown>,
  silent: string | null,
  why: string,
][] = [
  ['starts and stops it', startAndStop, null, 'somebody has started it'],
  ['starts and stops it, and no event is kept', startAndStop, 'events', 'somebody has started it'],
  ['starts and stops it, and only events tell', startAndStop, 'config,log', 'somebody has started it'],
  ['starts and stops it, and only its log tells', startAndStop, 'events,config', 'somebody has started it'],
  ['starts it', ({ vm }) => vm.power('on'), null, 'it runs'],
  [
    'restores it in place by another run',
    ({ made: { object } }) => changeVm(vsphere, object, () => [['extraConfig', [markOptionOf(inPlace)]]]),
    null,
    'another run restores it in place, or has done so',
  ],
  [
    'has restored it in place by another run',
    ({ made: { object } }) =>
      changeVm(vsphere, object, () => [['extraConfig', [noteOptionOf({ ...inPlace, isWhole: true })]]]),
    null,
    'another run restores it in place, or has done so',
  ],
  [
    'makes a template of it',
    ({ vm }) => soap.call('MarkAsTemplate', 'VirtualMachine', vm.moref, ''),
    null,
    'it is a template',
  ],
  [
    'attaches a disk of no VM while it is made',
    async (made) => {
      await reconfigure(made, disk({ controller: 1000, unit: 9, bytes: MiB, file: await strayDisk(), attach: true }));
      await unsettle(made);
    },
    null,
    'somebody has given it a disk',
  ],
  ['makes a snapshot', ({ vm }) => vm.snapshot('mine'), null, 'it has a snapshot'],
  [
    'gives it more memory',
    (made) => reconfigure(made, '<memoryMB>4096</memoryMB>'),
    null,
    'somebody has changed its hardware or its disks',
  ],
  [
    'attaches a disk of no VM',
    async (made) =>
      reconfigure(made, disk({ controller: 1000, unit: 9, bytes: MiB, file: await strayDisk(), attach: true })),
    null,
    'somebody has changed its hardware or its disks',
  ],
  ['takes its disk away', ({ vm }) => vm.removeDisk(0), null, 'somebody has changed its hardware or its disks'],
];

it.each([
  ['gives it a disk', (carrier: SimulatedVm) => carrier.addDisk({ capacity: MiB }), 'somebody has given it a disk'],
  ['starts and stops it', (vm: SimulatedVm) => startAndStop({ vm }), 'somebody has started it'],
])('a VM that brings a disk stays where somebody %s', async (_, use, why) => {
  const made = await unfinished();
  const annotation = `sendense-disk/1 vm=${made.made.object.value} disk=2000\nSendense brings it.`;
  const spec = { name: `carrier-${++number}`, annotation, disks: [{ capacity: 4 * MiB }], poweredOn: false };
  const carrier = await vcenter.addVm(spec);
  const carriers = new Map([[2000, { vm: carrier.moref, lease: null }]]);
  await changeVm(vsphere, made.made.object, ({ notes }) => [
    ['extraConfig', notes === null ? [] : [notesOption({ ...notes, carriers })]],
  ]);
  await use(carrier);
  // What is on its disk may be theirs: it is brought again.
  const given = { object: made.made.object, run: made.run, key: 2000, address: 'scsi0:0', bytes: 4 * MiB };
  expect(await giveDisk(vsphere, given)).toBe(false);
  expect(await made.removed()).toMatchObject({
    removed: made.run,
    warnings: [`the VM ${carrier.name} (${carrier.moref}), which was to bring a disk, stays: ${why}`],
  });
  expect(await vcenter.findVm(carrier.name)).not.toBeNull();
});

describe('an unfinished VM that somebody has used', () => {
  it.each(uses)('is neither gone on with nor removed: somebody %s', async (_, use, silent, why) => {
    const made = await unfinished();
    if (silent !== null) await vcenter.fault('no-traces', { of: silent });
    await use(made);
    await expect(made.again()).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining(`is not written to: ${why}`) as string,
      remedy: expect.stringContaining('another name') as string,
    });
    await expect(made.takenOver()).rejects.toThrow(why);
    await expect(noteDisks(vsphere, made.made.object, made.run, () => ({}))).rejects.toThrow(why);
    expect((await made.removed()).left).toEqual({ name: made.run, vm: made.vm.moref, why });
    expect(await vcenter.findVm(made.run)).not.toBeNull();
    const annotation = await made.annotation();
    expect(annotation).toMatch(/^Sendense began to make this VM of the restore point p-1 .* 0 of \d disks are copied/);
    expect(annotation).toContain(why);
    // From now on it is like any other VM.
    expect((await made.removed()).left).toBeNull();
  });

  it('stays where its disk is attached to another VM, too', async () => {
    const made = await unfinished();
    const taker = await vcenter.addVm({ name: `taker-${number}`, disks: [{ capacity: MiB }], poweredOn: false });
    const attach = disk({
      controller: 1000,
      unit: 9,
      bytes: 4 * MiB,
      file: made.vm.disks[0]?.fileName ?? '',
      attach: true,
    });
    await soap.task('ReconfigVM_Task', 'VirtualMachine', taker.moref, `<spec>${attach}</spec>`);
    await expect(made.removed()).rejects.toThrow('has disks of other VMs');
    await expect(made.again()).rejects.toThrow('has disks of other VMs');
  });

  it.each(['', ' \n', 'Restored by Sendense from p-0.'])(
    'says of which restore point it was made, where its notes were %j',
    async (annotation) => {
      const made = await unfinished();
      await writeNotes(made, annotation);
      await finishVm(vsphere, made.made.object, { run: made.run, point: 'p-1' });
      expect(await made.annotation()).toBe('Restored by Sendense from p-1.');
    },
  );

  it('is not marked again by an undo, once it is finished', async () => {
    const made = await unfinished();
    const mark = { run: made.run, point: 'p-1' };
    await writeNotes(made, 'mine');
    await finishVm(vsphere, made.made.object, mark);
    await reopenVm(vsphere, made.made.object, mark);
    expect(await made.annotation()).toContain('sendense-restore/1');
    await finishVm(vsphere, made.made.object, mark);
    await startAndStop(made);
    await expect(reopenVm(vsphere, made.made.object, mark)).rejects.toThrow('stays: somebody has started it');
    expect(await made.annotation()).toBe('mine');
  });
});

describe('somebody who works on a VM in the middle of a step of Sendense', () => {
  it('keeps the notes that he writes while the mark goes', async () => {
    const made = await unfinished();
    const finish = () => finishVm(vsphere, made.made.object, { run: made.run, point: 'p-1' });
    await during('ReconfigVM_Task', finish, () => writeNotes(made, 'call Ann first'));
    expect(await made.annotation()).toBe('call Ann first');
  });

  it('takes a VM over that was to be left alone: its mark stays', async () => {
    const made = await unfinished();
    await made.vm.snapshot('mine');
    await during('ReconfigVM_Task', made.removed, () => writeNotes(made, 'mine', 'run-b'));
    expect(await made.annotation()).toMatch(/^sendense-restore\/1 run=run-b point=p-1&#xA;/);
  });

  it.each([
    ['makes a snapshot', ({ vm }: Unfinished) => vm.snapshot('mine'), 'it has a snapshot'],
    ['starts and stops it', startAndStop, 'somebody has started it'],
    [
      'gives it a disk',
      async (made: Unfinished) =>
        reconfigure(made, disk({ controller: 1000, unit: 9, bytes: MiB, file: await strayDisk(), attach: true })),
      'somebody has changed its hardware or its disks',
    ],
    ['takes it over', (made: Unfinished) => writeNotes(made, 'mine', 'run-b'), null],
  ])('%s while it is judged: it is not removed', async (_, use, why) => {
    const made = await unfinished();
    let removal: Awaited<ReturnType<typeof made.removed>> | null = null;
    // The second one: whether other VMs have its disks.
    const remove = async (): Promise<void> => void (removal = await made.removed());
    await during('CreateContainerView', remove, () => use(made), 1);
    expect(removal).toMatchObject({ removed: null, left: why === null ? null : { vm: made.vm.moref, why } });
    expect(await vcenter.findVm(made.run)).not.toBeNull();
  });

  it('changes it all the time: it stays', async () => {
    const made = await unfinished();
    await vcenter.fault('slow', { for: 'CreateContainerView', ms: 500 });
    const ended = new AbortController();
    const writing = (async () => {
      for (let nth = 0; !ended.signal.aborted; nth++) await writeNotes(made, `note ${nth}`);
    })();
    await expect(made.removed()).rejects.toMatchObject({
      code: 'vsphere.busy',
      message: expect.stringContaining('somebody changes it all the time') as string,
    });
    ended.abort();
    await writing;
  });
});

describe('a VM that somebody has made', () => {
  it('stays as it is, although its notes are those of an unfinished one', async () => {
    const run = `copied-${++number}`;
    const annotation = `sendense-restore/1 run=${run} point=p-1\nmine`;
    const vm = await vcenter.addVm({ name: run, annotation, disks: [{ capacity: MiB }], poweredOn: false });
    const why = 'nothing but its notes says that Sendense made it';
    expect((await removeUnfinished(vsphere, run)).left).toEqual({ name: run, vm: vm.moref, why });
    await expect(takeOver(vsphere, run, other, asked)).rejects.toThrow(why);
    expect(await soap.property('VirtualMachine', vm.moref, 'config')).toContain(`run=${run} `);
  });

  it('stays, although all of its configuration is a copy', async () => {
    const made = await unfinished();
    const config = await soap.property('VirtualMachine', made.vm.moref, 'config');
    const notes = /sendense\.disks<\/key><value[^>]*>([^<]*)</.exec(config)?.[1] ?? '';
    expect(notes).toContain(`vm=${made.vm.moref} `);
    expect((await made.removed()).removed).toBe(made.run);
    const annotation = `sendense-restore/1 run=${made.run} point=p-1`;
    const copy = await vcenter.addVm({ name: made.run, annotation, disks: [{ capacity: MiB }], poweredOn: false });
    const option = `<key>sendense.disks</key><value xsi:type="xsd:string">${notes}</value>`;
    await soap.task(
      'ReconfigVM_Task',
      'VirtualMachine',
      copy.moref,
      `<spec><extraConfig xsi:type="OptionValue">${option}</extraConfig></spec>`,
    );
    expect((await made.removed()).left?.why).toBe('it is a copy of the VM that Sendense made');
  });
});

describe('two runs at a time', () => {
  it('take one VM over once: the other one is told', async () => {
    const made = await unfinished();
    const runs = ['one', 'two', 'three'].map((run) => ({ run: `${made.run}-${run}`, point: 'p-1' }));
    const ended = await Promise.allSettled(runs.map((mark) => takeOver(vsphere, made.run, mark, asked)));
    const winners = runs.filter((_, at) => ended[at]?.status === 'fulfilled');
    // One that looks for the VM after another has taken it finds none.
    const annotation = await made.annotation();
    const [winner] = runs.filter(({ run }) => annotation.startsWith(`sendense-restore/1 run=${run} `));
    expect(winners).toContainEqual(winner);
    for (const loser of runs.filter((one) => one !== winner)) {
      await expect(noteDisks(vsphere, made.made.object, loser.run, () => ({}))).rejects.toThrow(
        'does not bear the mark',
      );
      expect(await removeUnfinished(vsphere, loser.run)).toEqual({ removed: null, kept: null, left: null });
    }
    await noteDisks(vsphere, made.made.object, winner?.run ?? '', () => ({ copied: new Set([2000]) }));
  });

  it('are told by vSphere: a change that was decided on an older state is decided again', async () => {
    const made = await unfinished();
    await vcenter.fault('method', { method: 'ReconfigVM_Task', fault: 'ConcurrentAccess', count: 2 });
    await noteDisks(vsphere, made.made.object, made.run, () => ({ begun: new Set([2000]) }));
    await vcenter.fault('method', { method: 'ReconfigVM_Task', fault: 'ConcurrentAccess' });
    await expect(noteDisks(vsphere, made.made.object, made.run, () => ({}))).rejects.toMatchObject({
      code: 'vsphere.busy',
    });
  });
});

it('a VM whose creation nobody confirmed is found by its mark at once', async () => {
  await vcenter.fault('answer-lost', { method: 'CreateVM_Task', count: 1 });
  const made = await unfinished();
  expect(made.made.object.value).toBe(made.vm.moref);
  expect(await made.removed()).toEqual({ removed: made.run, kept: null, left: null });
});
