import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Settings } from '../../src/schemas/types.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { list, text } from '../../src/node/vsphere/xml.ts';
import { targetHub } from '../../src/steps/restore/target-hub.ts';
import { claimOf } from '../../src/targets/attach/attach-claim.ts';
import { attachTarget } from '../../src/targets/attach/attach-target.ts';
import type { TargetKind, TargetType, ToOf } from '../../src/targets/target-kind.ts';
import { manageAttached } from '../../src/hub/attached/manage-attached.ts';
import { savedConfig } from '../machines/saved-config.ts';
import { makeRaw, MiB, workshop } from '../node/support.ts';
import type { SimulatedVm, VmSpec } from '../simulators/vcenter/simulated-vm.ts';
import { rawSoap } from '../simulators/vcenter/raw-soap.ts';
import { disk as diskSpec } from '../simulators/vcenter/spec-xml.ts';
import { startVcenter, type Vcenter } from '../simulators/vcenter/start-vcenter.ts';
import { stepBench, type StepBench } from '../steps/step-bench.ts';
import { restoredDisks } from './restored-disks.ts';
import { runId, targetChecks, type TargetSubject } from './target-checks.ts';

const timeout = 600_000;
let vcenter: Vcenter;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
}, timeout);
afterAll(() => vcenter?.[Symbol.asyncDispose]());
beforeEach(() => {
  for (const [name, value] of Object.entries(vcenter.vddkEnvironment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await vcenter.vddkFault();
  await vcenter.clearFaults();
});

const settings = (): Partial<Settings> => ({
  sources: {
    test: {
      type: 'vsphere',
      host: `${vcenter.host}:${vcenter.port}`,
      user: vcenter.user,
      password: { secret: { file: './password' } },
      thumbprint: vcenter.thumbprint,
      transports: ['vddk'],
      vddk: {
        libdir: vcenter.vddkLibdir,
        ...(vcenter.vddkPlugin === null ? {} : { plugin: vcenter.vddkPlugin }),
        compression: 'none',
      },
    },
  } as unknown as Settings['sources'],
});

interface Subject extends TargetSubject<'attach'> {
  readonly bench: StepBench;
  /** The VM that gets the disks. */
  readonly vm: SimulatedVm;
}

const hubOf = (bench: StepBench, warned: string[] = []) =>
  targetHub({
    services: bench.services,
    runId,
    stepId: 'restore-write',
    planFolder: bench.folder.path,
    signal: new AbortController().signal,
    warn: (message) => void warned.push(message),
  });

async function subject(to: Partial<ToOf<'attach'>> = {}, spec: Partial<VmSpec> = {}): Promise<Subject> {
  await using stack = new AsyncDisposableStack();
  const at = stack.use(await workshop());
  const bench = stack.use(await stepBench(settings()));
  await writeFile(bench.folder.file('password'), vcenter.password, { mode: 0o600 });
  const raw = [
    await makeRaw(at.path('a.raw'), 2 * MiB, [[65_536, 100_000]]),
    await makeRaw(at.path('b.raw'), MiB, [[8192, 512]]),
  ];
  const vm = await vcenter.addVm({ name: `living-${++number}`, disks: [{ capacity: MiB }], ...spec });
  const saved = JSON.stringify(savedConfig({ instance_uuid: vm.instanceUuid }));
  await writeFile(at.path('saved.vm-config'), saved);
  const sha256 = createHash('sha256').update(saved).digest('hex');
  const { disks, contents, from } = await restoredDisks(at, raw, {
    vm_config: { file: at.path('saved.vm-config'), sha256, encryption: null },
  });
  const plain: ToOf<'attach'> = { attach: 'test', node: 'local', thin: true, resume: false };
  const kind = attachTarget(hubOf(bench)) as TargetKind<'attach', object, object>;
  const held = stack.move();
  return {
    bench,
    vm,
    kind,
    request: { to: { ...plain, ...to }, disks, from },
    planFolder: bench.folder.path,
    contents,
    mayHoldRepository: false,
    seen: async () => (await readdir(join(vcenter.folder, 'LocalDS_0'), { recursive: true })).toSorted(),
    occupy: null,
    stored: (disk) => readFile(join(vm.home, `sendense-${runId}-${disk}-flat.vmdk`)),
    [Symbol.asyncDispose]: async () => {
      await vcenter.clearFaults();
      await vcenter.vddkFault();
      const left = { spec: hubOf(bench).vsphere('test', undefined) };
      await kind.undoWrite(claimOf(plain, { runId, stepId: 'restore-write', planFolder: '' }), left);
      await held.disposeAsync();
    },
  };
}

describe('a disk of a VM that runs as a target', () => {
  test.each(Object.entries(targetChecks))('%s', { timeout }, async (_title, check) => {
    await using of = await subject();
    await check(of as unknown as TargetSubject<TargetType>);
    expect(await of.vm.powerState()).toBe('poweredOn');
  });
});

const facts = { runId, stepId: 'restore-write' };
const place = { kind: 'vsphere', source: 'test' } as const;

async function write({ kind, request, planFolder }: Subject) {
  const claim = kind.claim(request.to, request.disks, { ...facts, planFolder });
  const remembered: Record<string, unknown> = {};
  const run = {
    ...facts,
    signal: new AbortController().signal,
    log: () => undefined,
    progress: () => undefined,
    remember: (name: string, value: unknown) => void (remembered[name] = value),
  };
  return {
    claim,
    remembered,
    written: await kind.write(request, claim, run).catch((error: unknown) => error as Error),
  };
}

/** To the end. */
async function attached(of: Subject) {
  const { written, claim, remembered } = await write(of);
  if (written instanceof Error) throw written;
  const names = of.kind.claimNames(written.files, written.machine);
  const { disks, from } = of.request;
  const publish = () =>
    of.kind.publish(names, {
      runId,
      signal: new AbortController().signal,
      disks,
      from,
      remember: (name, value) => void (remembered[name] = value),
    });
  return { written, claim, remembered, names, publish };
}

test('what speaks against it is said before anything is made', { timeout }, async () => {
  const full = Array.from({ length: 15 }, () => ({ capacity: MiB }));
  await vcenter.addDatastore('small', { free: 4096 });
  const refusals: [Partial<ToOf<'attach'>>, Partial<VmSpec>, string][] = [
    [{ vm: 'nobody' }, {}, 'there is no VM nobody'],
    [{ vm: '/DC1/vm/nobody' }, {}, 'there is no VM /DC1/vm/nobody'],
    [{ attach: 'none' }, {}, 'sendense.yaml has no source none'],
    [{}, { disks: full }, 'no unit is free'],
    [{}, { disks: full.slice(1) }, 'only 1 of 2 units are free'],
    [{ datastore: 'elsewhere' }, {}, 'has no datastore "elsewhere", but LocalDS_0'],
    [{ datastore: 'small', thin: false }, {}, 'the datastore "small" has 4096 bytes free'],
  ];
  for (const [to, spec, message] of refusals) {
    await using of = await subject(to, spec);
    const before = await of.seen();
    const { written, remembered } = await write(of);
    expect((written as Error).message).toContain(message);
    expect(remembered).toEqual({});
    expect(await of.seen()).toEqual(before);
  }
});

test('two VMs of a name, snapshots, privileges and an older run are said, too', { timeout }, async () => {
  await using of = await subject();
  const refused = async (message: string, to: Partial<ToOf<'attach'>> = {}): Promise<void> => {
    const { written } = await write({ ...of, request: { ...of.request, to: { ...of.request.to, ...to } } });
    expect((written as Error).message).toContain(message);
  };
  const same = { disks: [{ capacity: MiB }], name: `twin-${number}` };
  for (const folder of ['one', 'two']) await vcenter.addVm({ ...same, folder });
  await refused('2 VMs match', { vm: same.name });
  const snapshot = await of.vm.snapshot('before the update');
  await refused('it has snapshots: before the update');
  await of.vm.removeSnapshot(snapshot);
  await vcenter.fault('privileges', { missing: 'VirtualMachine.Config.AddExistingDisk', object: of.vm.moref });
  await refused('VirtualMachine.Config.AddExistingDisk (to attach the disk)');
  await vcenter.clearFaults();
  const { point } = of.request.from;
  const from = { ...of.request.from, point: () => ({ ...point(), vm_config: null }) };
  const { written } = await write({ ...of, request: { ...of.request, from } });
  expect(written).toMatchObject({ code: 'machine.unknown', remedy: expect.stringContaining('--vm VM') as string });
});

test('what breaks off in the middle of the last step is gone on with', { timeout }, async () => {
  await using of = await subject();
  const { publish, names, remembered } = await attached(of);
  const count = async (): Promise<number> => {
    await of.vm.snapshots();
    return of.vm.disks.length;
  };
  const helpers = async () => (await of.seen()).filter((name) => name.startsWith('sendense-attach-'));
  await vcenter.fault('reconfigure', { vm: of.vm.moref, count: 1 });
  await expect(publish()).rejects.toMatchObject({ code: 'vsphere.fault' });
  expect(await of.kind.isPublished(names, remembered)).toBe(false);
  expect(await count()).toBe(1);
  // The VM has its disks, and nobody hears of it; then the other VM does not go.
  await vcenter.fault('answer-lost', { method: 'ReconfigVM_Task', count: 1 });
  await vcenter.fault('method', { method: 'Destroy_Task', fault: 'InvalidState', count: 1 });
  await publish().catch(() => publish().catch((error: unknown) => error));
  expect(await count()).toBe(3);
  expect(await helpers()).not.toEqual([]);
  // As a recovery asks: what is attached is whole, and what it was made with goes.
  expect(await of.kind.isPublished(names, remembered)).toBe(true);
  expect(await helpers()).toEqual([]);
  await of.kind.undoPublish(names, remembered);
  expect(await count()).toBe(1);
});

test('detach removes what agrees with its mark, and nothing else', { timeout }, async () => {
  await using of = await subject({ vm: 'a/b%c ü' }, { name: 'a%2fb%25c ü' });
  const { publish } = await attached(of);
  await publish();
  const { vm, bench } = of;
  // The same disk of a restore point twice is a mistake.
  expect((await write(of)).written).toMatchObject({
    message: expect.stringContaining('it has disk-0, disk-1 of') as string,
  });
  const calls = manageAttached(bench.services, bench.state);
  const shownDisks = async (moref = vm.moref) => (await calls.list({ place, vm: moref })).disks;
  const [first, second] = await shownDisks();
  if (!first || !second) throw new Error('two disks');
  expect([first, second]).toEqual([
    expect.objectContaining({ disk: 'disk-0', vm: 'a/b%c ü', address: 'scsi0:1', problem: null }),
    expect.objectContaining({ disk: 'disk-1', address: 'scsi0:2', capacity_bytes: MiB, problem: null }),
  ]);
  expect((await calls.list({ place })).disks).toEqual([first, second]);
  const refused = async (why: string): Promise<void> => {
    await expect(calls.detach({ place, disks: [first, second] })).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining(why) as string,
    });
    await vm.snapshots();
  };
  /** A clone of the VM has its configuration, and so the marks. */
  async function expectCopyIsLeftAlone(): Promise<void> {
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const [shown] = await vsphere.properties([{ type: 'VirtualMachine', value: vm.moref }], ['config.extraConfig']);
    const marks = list(shown?.values.get('config.extraConfig'), 'OptionValue')
      .map((option) => [text(option, 'key'), text(option, 'value')] as const)
      .filter(([key]) => key.startsWith('sendense.attached.'));
    expect(marks).toHaveLength(2);
    const xsd = 'xsi:type="xsd:string" xmlns:xsd="http://www.w3.org/2001/XMLSchema"';
    const options = (value: (own: string) => string): string =>
      marks
        .map(([key, own]) => `<key>${key}</key><value ${xsd}>${value(own)}</value>`)
        .map((option) => `<extraConfig xsi:type="OptionValue">${option}</extraConfig>`)
        .join('');
    await reconfigure(options((own) => own));
    const copied = await shownDisks(other.moref);
    const problem = 'the VM is a copy of the one that got the disk';
    expect(copied).toMatchObject([{ problem }, { problem }]);
    await expect(calls.detach({ place, disks: copied })).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining(problem) as string,
    });
    expect(await shownDisks(vm.moref)).toMatchObject([{ problem: null }, { problem: null }]);
    await reconfigure(options(() => ''));
  }
  await vm.set({ disk: 1, mode: 'persistent' });
  await refused('its mode is persistent: somebody has changed it');
  await vm.set({ disk: 1, mode: 'independent_persistent' });
  const snapshot = await vm.snapshot('of somebody');
  await refused('it is in the snapshot of somebody');
  await vm.removeSnapshot(snapshot);
  expect(vm.disks).toHaveLength(3);
  // Another VM has one of them, too.
  const other = await vcenter.addVm({ name: `borrower-${number}`, disks: [{ capacity: MiB }], poweredOn: false });
  const soap = rawSoap(vcenter);
  await soap.login();
  const reconfigure = (change: string) =>
    soap.task('ReconfigVM_Task', 'VirtualMachine', other.moref, `<spec>${change}</spec>`);
  await vm.power('off');
  await reconfigure(diskSpec({ controller: 1000, unit: 1, bytes: MiB, file: second.file ?? '', attach: true }));
  await refused(`the VM ${other.name} has ${second.file}, too`);
  await reconfigure(
    '<deviceChange><operation>remove</operation><device xsi:type="VirtualDisk"><key>2001</key></device></deviceChange>',
  );
  await vm.power('on');
  await expectCopyIsLeftAlone();
  // Somebody has taken one off by hand.
  await vm.removeDisk(1);
  await refused('somebody has removed or replaced it');
  const done = await calls.detach({ place, disks: [first, second], forget: true });
  expect(done.removed.map(({ disk }) => disk)).toEqual(['disk-1']);
  expect(done.forgotten.map(({ disk }) => disk)).toEqual(['disk-0']);
  expect(await shownDisks()).toEqual([]);
  await vm.snapshots();
  expect(vm.disks).toHaveLength(1);
  expect(await calls.detach({ place, disks: [first] })).toMatchObject({ removed: [], forgotten: [] });
});
