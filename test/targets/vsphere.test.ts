import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { digestExport } from '../../src/blocks/digest-export.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';
import type { Settings, VmConfig } from '../../src/schemas/types.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { targetHub } from '../../src/steps/restore/target-hub.ts';
import type { Comparing, RestoredDisk, TargetKind, TargetType, ToOf } from '../../src/targets/target-kind.ts';
import { olderNode } from '../../src/targets/vsphere/check-vm.ts';
import { claimOf } from '../../src/targets/vsphere/vsphere-claim.ts';
import { vsphereTarget } from '../../src/targets/vsphere/vsphere-target.ts';
import { savedCard, savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { MiB, workshop, type Workshop } from '../node/support.ts';
import { startVcenter, type Vcenter } from '../simulators/vcenter/start-vcenter.ts';
import { stepBench, type StepBench } from '../steps/step-bench.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { runId, targetChecks, type TargetSubject } from './target-checks.ts';

let vcenter: Vcenter;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
}, 300_000);
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

/** The target, as a step of a run of this bench has it. */
const kindAt = (bench: StepBench, warned: string[] = []): TargetKind<'vsphere', object, object> =>
  vsphereTarget(
    targetHub({
      services: bench.services,
      runId,
      stepId: 'restore-write',
      planFolder: bench.folder.path,
      signal: new AbortController().signal,
      warn: (message) => void warned.push(message),
    }),
  ) as TargetKind<'vsphere', object, object>;

interface Subject extends TargetSubject<'vsphere'> {
  readonly bench: StepBench;
  readonly at: Workshop;
}

async function subject(to: Partial<ToOf<'vsphere'>> = {}, config: Partial<VmConfig> = {}): Promise<Subject> {
  await using stack = new AsyncDisposableStack();
  const at = stack.use(await workshop());
  const bench = stack.use(await stepBench(settings()));
  await writeFile(bench.folder.file('password'), vcenter.password, { mode: 0o600 });
  const raw = [
    await rawDisk(at.path('a.raw'), 2 * MiB, [[65_536, 100_000]]),
    await rawDisk(at.path('b.raw'), MiB, [[8192, 512]]),
  ];
  const saved = JSON.stringify(
    savedConfig({
      folder: '/DC1/vm',
      hardware_version: 'vmx-19',
      controllers: [savedController(1000, 'ParaVirtualSCSIController')],
      disks: raw.map((_, disk) => savedDisk(disk, { datastore: 'LocalDS_0' })),
      networks: [],
      ...config,
    }),
  );
  await writeFile(at.path('saved.vm-config'), saved);
  const sha256 = createHash('sha256').update(saved).digest('hex');
  const { disks, contents, from } = await restoredDisks(at, raw, {
    vm_config: { file: at.path('saved.vm-config'), sha256, encryption: null },
  });
  const name = `target-${++number}`;
  const plain: ToOf<'vsphere'> = {
    vsphere: 'test',
    node: 'local',
    name,
    connect: false,
    identity: 'new',
    withoutTpm: false,
    powerOn: false,
    start: false,
    resume: false,
  };
  const kind = kindAt(bench);
  const held = stack.move();
  return {
    bench,
    at,
    kind,
    request: { to: { ...plain, ...to }, disks, from },
    planFolder: bench.folder.path,
    contents,
    mayHoldRepository: false,
    seen: async () => (await readdir(join(vcenter.folder, 'LocalDS_0'), { recursive: true })).toSorted(),
    occupy: null,
    stored: async (disk) => {
      const place = disks.findIndex((one) => one.disk === disk);
      return readFile((await vcenter.findVm(name))?.disks[place]?.flatFile ?? '');
    },
    [Symbol.asyncDispose]: async () => {
      await vcenter.clearFaults();
      await vcenter.vddkFault();
      const spec = targetHub({
        services: bench.services,
        runId,
        stepId: 'x',
        planFolder: bench.folder.path,
        signal: new AbortController().signal,
      }).vsphere('test', undefined);
      const claim = claimOf(plain, { runId, stepId: 'restore-write', planFolder: '' });
      await kind.undoWrite(claim, { spec });
      await held.disposeAsync();
    },
  };
}

describe('a new VM in vSphere as a target', () => {
  test.each(Object.entries(targetChecks))('%s', { timeout: 300_000 }, async (_title, check) => {
    await using of = await subject();
    await check(of as unknown as TargetSubject<TargetType>);
  });
});

test(
  'a card whose network was not saved gets the one that is named for all, or for the card',
  { timeout: 300_000 },
  async () => {
    const networks = [savedCard({ network: null })];
    await using one = await subject({ network: 'VM Network' }, { networks });
    expect((await write(one)).written).not.toBeInstanceOf(Error);
    // The write begins with the same look.
    const look = async (network: ToOf<'vsphere'>['network']): Promise<void> => {
      await using of = await subject(network === undefined ? {} : { network }, { networks });
      const claim = of.kind.claim(of.request.to, of.request.disks, { ...facts, planFolder: of.planFolder });
      await of.kind.assertFree(of.request, claim);
    };
    await look({ 'Network adapter 1': 'VM Network' });
    await expect(look(undefined)).rejects.toThrow('network: { "Network adapter 1": NAME }');
  },
);

test.each<[Partial<ToOf<'vsphere'>>, string]>([
  [{ network: { 'VM Netwrok': 'DC0_DVPG0' } }, 'no network card of the VM was in VM Netwrok'],
  // The network of that card was saved, so the card is named by it.
  [{ network: { 'Network adapter 1': 'DC0_DVPG0' } }, 'no network card of the VM was in Network adapter 1'],
  [{ datastore: { 'disk-9': 'LocalDS_0' } }, 'a datastore is named for disk-9, which is not restored'],
])('%o, a name that the VM does not have, is refused', async (to, message) => {
  await using of = await subject(to, { networks: [savedCard({ network: 'VM Network' })] });
  const claim = of.kind.claim(of.request.to, of.request.disks, { ...facts, planFolder: of.planFolder });
  await expect(of.kind.assertFree(of.request, claim)).rejects.toMatchObject({ code: 'target.unfit', message });
});

test('a VM in which VMware Tools never ran is not made where they are waited for', async () => {
  const extra = (value: string) => ({ extra_config: [{ key: 'vmware.tools.internalversion', value }] });
  const look = async (to: Partial<ToOf<'vsphere'>>, value: string): Promise<void> => {
    await using of = await subject(to, extra(value));
    const claim = of.kind.claim(of.request.to, of.request.disks, { ...facts, planFolder: of.planFolder });
    await of.kind.assertFree(of.request, claim);
  };
  await expect(look({ start: { timeout: '1m' } }, '0')).rejects.toMatchObject({
    code: 'target.unfit',
    message: expect.stringContaining('VMware Tools have never run') as string,
  });
  await look({ powerOn: true }, '0');
  await look({ start: true }, '12352');
});

test('a node that does not know how to judge a VM is called an older one', () => {
  const refused = new SendenseError('request.invalid', '/judged is none of the fields that there are');
  expect(olderNode(refused, 'far', 'makes no VMs')).toMatchObject({
    code: 'node.protocol',
    message: expect.stringContaining('does not tell whether a VM comes up') as string,
  });
});

const facts = { runId, stepId: 'restore-write' };
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

async function index(at: Workshop, disk: RestoredDisk): Promise<void> {
  await using served = await serveNbd({
    file: disk.file,
    format: 'qcow2',
    readOnly: true,
    listen: { socket: at.path(`${disk.disk}.sock`) },
    exportName: '',
    pidFile: at.path(`${disk.disk}.pid`),
  });
  await digestExport({ uri: served.uri, indexPath: disk.index, store: { format: 2, parent: null } });
}

test('what was written is compared where it is, and a VM that somebody has deleted cannot be published', async () => {
  await using of = await subject();
  const { claim, remembered, written } = await write(of);
  if (written instanceof Error) throw written;
  for (const disk of of.request.disks) await index(of.at, disk);
  // The index travels, not the data.
  const compare = (at: number): Promise<unknown> => {
    const [file, disk] = [written.files[at], of.request.disks[at]];
    if (!file || !disk || !of.kind.compare) throw new Error('no disk');
    const how: Comparing = { disk, machine: written.machine ?? null, from: of.request.from };
    return of.kind.compare(file, how);
  };
  expect(await compare(0)).toEqual({ comparedBytes: 2 * MiB, isCompared: true });
  expect(await compare(1)).toEqual({ comparedBytes: MiB, isCompared: true });
  const vm = await vcenter.findVm(of.request.to.name ?? '');
  await vm?.write(1, 512 * 1024, Buffer.alloc(512, 1));
  await expect(compare(1)).rejects.toMatchObject({ code: 'content.mismatch' });

  // Removes the VM, as somebody in vSphere would.
  await of.kind.undoWrite(claim, remembered);
  const { disks, from } = of.request;
  const signal = new AbortController().signal;
  const run = { ...facts, disks, from, signal, log: () => undefined, remember: () => undefined };
  const { files, machine } = written;
  await expect(of.kind.publish(of.kind.claimNames(files, machine), run)).rejects.toMatchObject({
    code: 'target.unfit',
    message: expect.stringContaining('is not there any more') as string,
    remedy: expect.stringContaining('Run the restore again') as string,
  });
});

test('a disk that the look at it still holds is waited for', { timeout: 300_000 }, async () => {
  await using of = await subject();
  // The first opening looks, the second one writes.
  await vcenter.vddkFault({ 'open-locked-at': 1 });
  const { written } = await write(of);
  await vcenter.vddkFault();
  expect(written).toMatchObject({ files: [{ disk: 'disk-0' }, { disk: 'disk-1' }] });
});

test('what a restore point does not say is asked for, before anything is made', { timeout: 300_000 }, async () => {
  const refusals = [
    [{}, { folder: null }, 'in which folder the VM was'],
    [{}, { disks: [0, 1].map((disk) => savedDisk(disk, { datastore: null })) }, 'on which datastore the VM was'],
    [{}, { disks: [savedDisk(0)] }, 'does not say which of its disks disk-1 is'],
    [{ vsphere: 'none' }, {}, 'sendense.yaml has no source none'],
    [{}, { hardware_version: 'vmx-99' }, 'the hardware version is vmx-99'],
  ] as const;
  for (const [to, config, message] of refusals) {
    await using of = await subject(to as Partial<ToOf<'vsphere'>>, config as unknown as Partial<VmConfig>);
    const before = await of.seen();
    const { written, remembered } = await write(of);
    expect((written as Error).message).toContain(message);
    expect(remembered).toEqual({});
    expect(await of.seen()).toEqual(before);
  }
  await using none = await subject();
  const { point } = none.request.from;
  const from = { ...none.request.from, point: () => ({ ...point(), vm_config: null }) };
  const { written } = await write({ ...none, request: { ...none.request, from } });
  expect(written).toMatchObject({ code: 'machine.unknown', remedy: expect.stringContaining('ova:') as string });
});

/** As a run that has ended has left it. */
async function leftBy(of: Subject, run: string): Promise<void> {
  const about = { runId: run, stepId: 'restore-write', planFolder: of.planFolder };
  const claim = of.kind.claim(of.request.to, of.request.disks, about);
  const signal = new AbortController().signal;
  const doing = { ...about, signal, log: () => undefined, progress: () => undefined, remember: () => undefined };
  await vcenter.vddkFault({ 'disk-full-after': 1024 });
  await expect(of.kind.write(of.request, claim, doing)).rejects.toMatchObject({ code: 'disk.full' });
  await vcenter.vddkFault();
}

function hasEnded({ bench }: Subject, run: string): void {
  bench.facts({ uses: 'x.y' } as never, run);
  createJournal(bench.state, () => true).finishRun(run, {
    status: 'failed',
    exitCode: 1,
    result: {},
    error: null,
    warnings: [],
    published: false,
    unclean: false,
    undoErrors: [],
    finished: Date.now(),
  });
}

test(
  'of a run that has ended, a VM without a whole disk goes, and others are left alone',
  { timeout: 300_000 },
  async () => {
    await using of = await subject({ resume: true });
    const { name = '' } = of.request.to;
    await leftBy(of, 'run-of-another-hub');
    const { written } = await write(of);
    expect(written).toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining('does not go on with it') as string,
    });
    const theirs = await vcenter.findVm(name);
    expect(theirs).not.toBeNull();
    hasEnded(of, 'run-of-another-hub');
    const again = await write(of);
    expect(again.written).not.toBeInstanceOf(Error);
    expect((await vcenter.findVm(name))?.moref).not.toBe(theirs?.moref);
  },
);

test('a VM that somebody has used is not replaced, and an undo says why it stays', { timeout: 300_000 }, async () => {
  await using of = await subject({ resume: true });
  const { name = '' } = of.request.to;
  await leftBy(of, 'run-before');
  hasEnded(of, 'run-before');
  const vm = await vcenter.findVm(name);
  await vm?.power('on');
  await vm?.power('off');
  const { written } = await write(of);
  expect(written).toMatchObject({
    code: 'file.exists',
    message: expect.stringContaining('leaves it alone: somebody has started it') as string,
    remedy: expect.stringContaining('another name') as string,
  });
  const warned: string[] = [];
  const claim = claimOf(of.request.to, { runId: 'run-before', stepId: 'restore-write', planFolder: '' });
  const signal = new AbortController().signal;
  const hub = { services: of.bench.services, runId, stepId: 'x', planFolder: of.planFolder, signal };
  await kindAt(of.bench, warned).undoWrite(claim, { spec: targetHub(hub).vsphere('test', undefined) });
  expect(warned).toEqual([expect.stringMatching(/stays in vSphere .* from now on: somebody has started it/)]);
  expect((await vcenter.findVm(name))?.moref).toBe(vm?.moref);
});

test('a VM with a whole disk stays after undo, and the user is told', { timeout: 300_000 }, async () => {
  await using of = await subject({ resume: true });
  const warned: string[] = [];
  const kind = kindAt(of.bench, warned);
  await vcenter.vddkFault({ 'disk-full-after': 1024 });
  const { claim, remembered, written } = await write(of);
  expect(written).toBeInstanceOf(Error);
  await kind.undoWrite(claim, remembered);
  expect(warned).toEqual([]);
  expect(await vcenter.findVm(of.request.to.name ?? '')).toBeNull();
  await vcenter.vddkFault();
  const whole = await write(of);
  expect(whole.written).not.toBeInstanceOf(Error);
  await kind.undoWrite(whole.claim, whole.remembered);
  expect(warned).toEqual([
    expect.stringContaining('stays in vSphere (127.0.0.1), unfinished, with 2 of 2 disks copied'),
  ]);
  expect(await vcenter.findVm(of.request.to.name ?? '')).not.toBeNull();
});
