import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { finishAndStart } from '../../../src/node/restores/finish-and-start.ts';
import { unbroken } from '../../../src/node/restores/unbroken.ts';
import { refusedLogins } from '../../../src/node/vsphere/refused-logins.ts';
import { digestExport } from '../../../src/blocks/digest-export.ts';
import { connectVsphere } from '../../../src/node/vsphere/connect.ts';
import { finishInPlace, inPlaceState, releaseInPlace } from '../../../src/node/vsphere/in-place/end-in-place.ts';
import { markOptionOf, noMark, noteOptionOf } from '../../../src/node/vsphere/in-place/in-place-mark.ts';
import { finishVm } from '../../../src/node/vsphere/new-vm/finish-vm.ts';
import { changeVm } from '../../../src/node/vsphere/new-vm/marked-vm.ts';
import { markedAnnotation } from '../../../src/node/vsphere/new-vm/restore-mark.ts';
import { optionalText } from '../../../src/node/vsphere/xml.ts';
import { serveNbd } from '../../../src/host/nbd/qemu-nbd.ts';
import type {
  InPlaceEndRequest,
  InPlaceStartRequest,
  JobStatus,
  VsphereSourceSpec,
} from '../../../src/schemas/types.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';
import { printedRandom, randomBytes } from '../../support/random.ts';
import { all, rounds } from '../../support/rounds.ts';
import { finished, MiB, sha256Of, testNode, workshop, type TestNode, type Workshop } from '../support.ts';
import { asksTwice, timesAsked } from './asks-twice.ts';

const block = 65_536;
const capacity = 8 * MiB;
const timeout = 300_000;

let vcenter: Vcenter;
let at: Workshop;
let node: TestNode;
let stack: AsyncDisposableStack;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
}, timeout);
afterAll(() => vcenter?.[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const [name, value] of Object.entries(vcenter.vddkEnvironment)) vi.stubEnv(name, value);
  at = await workshop();
  node = await testNode(at);
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  await stack.disposeAsync();
  for (const job of await readdir(join(node.stateDir, 'jobs'))) await node.api.remove(job);
  await node[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await vcenter.vddkFault();
  await vcenter.clearFaults();
  await at[Symbol.asyncDispose]();
});

const source = (): VsphereSourceSpec => ({
  type: 'vsphere',
  name: 'test',
  host: vcenter.host,
  port: vcenter.port,
  user: '',
  credential: null,
  thumbprint: vcenter.thumbprint,
  ca: null,
  path: null,
  moref: null,
  quiesce: 'try',
  cbt: 'auto',
  foreign_snapshots: 'refuse',
  transports: ['vddk'],
  vddk: { libdir: vcenter.vddkLibdir, plugin: vcenter.vddkPlugin, modes: 'nbdssl:nbd', compression: 'none' },
  ssh: null,
  disks_per_host: 8,
});
const login = () => ({ source: source(), vcenter_user: vcenter.user, vcenter_password: vcenter.password });

/** A VM that is off, with one disk. */
const newVm = (content: Buffer = randomBytes(capacity), annotation = 'the accounts'): Promise<SimulatedVm> =>
  vcenter.addVm({
    name: `back-${++number}`,
    cbt: true,
    poweredOn: false,
    annotation,
    disks: [{ capacity, content }],
  });
const notesOf = async ({ moref: value }: SimulatedVm): Promise<string> => {
  await using vsphere = await connectVsphere({ ...vcenter, ca: null });
  const [shown] = await vsphere.properties([{ type: 'VirtualMachine', value }], ['config.annotation']);
  return optionalText(shown?.values.get('config.annotation')) ?? '';
};
const contentOf = async (vm: SimulatedVm): Promise<Buffer> => {
  await vm.snapshots();
  return readFile(vm.disks[0]?.flatFile ?? '');
};

interface Point {
  readonly name: string;
  readonly content: Buffer;
  readonly index: string;
  readonly uri: string;
}

/** A restore point of the disk as it is, served, its block index known to the node. */
async function pointOf(vm: SimulatedVm): Promise<Point> {
  const content = await contentOf(vm);
  const name = `point-${++number}`;
  await writeFile(at.path(name), content);
  const server = stack.adopt(
    await serveNbd({
      file: at.path(name),
      format: 'raw',
      readOnly: true,
      listen: { socket: at.path(`${name}.sock`) },
      exportName: '',
      pidFile: at.path(`${name}.pid`),
      clients: 8,
    }),
    async (one) => void (await one.stop()),
  );
  const indexPath = at.path(`${name}.index`);
  await digestExport({ uri: server.uri, indexPath, store: { format: 1, parent: null } });
  const index = await sha256Of(indexPath);
  await node.api.putIndex(index, indexPath);
  return { name, content, index, uri: server.uri };
}

/** The same as the backup before a restore: what changes from now on, vSphere can tell. */
async function safetyOf(vm: SimulatedVm): Promise<{ readonly index: string; readonly change_id: string }> {
  await vm.snapshots();
  const changeId = vm.disks[0]?.changeId ?? '';
  await vm.removeSnapshot(await vm.snapshot('of a backup'));
  return { index: (await pointOf(vm)).index, change_id: changeId };
}

type Base = InPlaceStartRequest['disks'][number]['base'];

const startOf = (
  vm: SimulatedVm,
  { index, uri }: Point,
  { base = null, ...more }: Partial<InPlaceStartRequest> & { readonly base?: Base } = {},
): InPlaceStartRequest => {
  const [disk] = vm.disks;
  const run = more.run ?? `run-${++number}`;
  return {
    ...login(),
    job_id: `${run}-write`,
    vm: vm.moref,
    name: vm.name,
    run,
    point: 'p-1',
    safety: null,
    takes_over: null,
    disks: [{ key: String(disk?.key), uuid: disk?.uuid ?? '', bytes: capacity, index, base }],
    compare_all: false,
    power_on: false,
    nbd_sources: `${disk?.key}:${uri}`,
    ...more,
  };
};
const restore = async (request: InPlaceStartRequest): Promise<JobStatus> => {
  await node.api.startInPlace(request);
  return finished(node.api, request.job_id);
};
const end = (vm: SimulatedVm, run: string, action: InPlaceEndRequest['action']) =>
  node.api.endInPlace(endOf(vm, run, action));
const endOf = (vm: SimulatedVm, run: string, action: InPlaceEndRequest['action']): InPlaceEndRequest => ({
  ...login(),
  run,
  point: 'p-1',
  vm: vm.moref,
  action,
  jobs: [],
  power_on: false,
});
const check = (vm: SimulatedVm) =>
  node.api.checkInPlace({
    ...login(),
    instance_uuid: vm.instanceUuid,
    name: vm.name,
    disks: [{ uuid: vm.disks[0]?.uuid ?? '', bytes: capacity }],
    power_on: false,
  });

/** Offsets of blocks that differ. */
const differing = (one: Buffer, other: Buffer): Set<number> =>
  new Set(
    Array.from({ length: capacity / block }, (_, nth) => nth * block).filter(
      (offset) => !one.subarray(offset, offset + block).equals(other.subarray(offset, offset + block)),
    ),
  );

/** Offsets of blocks that were written to since. */
async function writtenSince(before: number): Promise<{ readonly blocks: Set<number>; readonly bytes: number }> {
  const writes = (await vcenter.writes()).slice(before);
  const blocks = writes.flatMap(({ offset, length }) =>
    Array.from(
      { length: Math.ceil((offset + length) / block) - Math.floor(offset / block) },
      (_, nth) => (Math.floor(offset / block) + nth) * block,
    ),
  );
  return { blocks: new Set(blocks), bytes: writes.reduce((sum, { length }) => sum + length, 0) };
}

describe('a restore in place', () => {
  it('writes what differs, and nothing else, whatever has changed', { timeout: timeout * 4 }, async () => {
    const random = printedRandom('in place');
    for (let round = 0; round < rounds(1, 20); round++) {
      const vm = await newVm(Buffer.concat([random.bytes(5 * MiB), Buffer.alloc(MiB), random.bytes(2 * MiB)]));
      const point = await pointOf(vm);
      const change = async (times: number): Promise<void> => {
        for (let time = 0; time < times; time++) {
          const length = random.int(1, 3 * block);
          const offset = random.int(0, (capacity - length) / 512) * 512;
          // Some of it goes back to what it was.
          const back = point.content.subarray(offset, offset + length);
          await vm.write(
            0,
            offset,
            random.chance(0.3) ? back : random.chance(0.2) ? Buffer.alloc(length) : random.bytes(length),
          );
        }
      };
      await change(random.int(1, 30));
      const base = random.chance(0.7) ? await safetyOf(vm) : null;
      if (random.chance(0.5)) await change(random.int(1, 5));
      const present = await contentOf(vm);
      const expected = differing(present, point.content);
      const before = (await vcenter.writes()).length;
      const request = startOf(vm, point, { base, compare_all: random.chance(0.3) });
      const status = await restore(request);
      expect(status, JSON.stringify(status.error)).toMatchObject({ status: 'succeeded' });
      const written = await writtenSince(before);
      expect(written.blocks).toEqual(expected);
      expect(written.bytes).toBe(expected.size * block);
      expect(status.disks[0]?.bytes_transferred).toBe(expected.size * block);
      expect((await contentOf(vm)).equals(point.content)).toBe(true);
      expect(await end(vm, request.run, 'finish')).toMatchObject({ state: 'finished' });
      expect(await vm.snapshots()).toEqual([]);
      await node.api.remove(request.job_id);
    }
  });

  it('marks the VM before the first byte, and says so until its end', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(block));
    expect(await check(vm)).toMatchObject({ vm: vm.moref, unfinished: null, others: [] });
    await vcenter.vddkFault({ 'disk-full-after': 100 });
    const request = startOf(vm, point);
    expect(await restore(request)).toMatchObject({ status: 'failed' });
    expect(await check(vm)).toMatchObject({ unfinished: { run: request.run, point: 'p-1', torn: true } });
    expect(await end(vm, request.run, 'release')).toMatchObject({ state: 'torn' });
    const discovered = await node.api.discover({
      ...login(),
      source: { ...source(), moref: vm.moref },
      vm_name: vm.name,
    });
    expect(discovered.refused).toMatchObject({ code: 'source.half_restored' });
    // Another run does not write until it takes over.
    await vcenter.vddkFault();
    const stranger = startOf(vm, point);
    expect((await restore(stranger)).error).toMatchObject({ code: 'source.half_restored' });
    const heir = startOf(vm, point, { takes_over: request.run });
    expect(await restore(heir)).toMatchObject({ status: 'succeeded' });
    expect(await end(vm, request.run, 'look')).toMatchObject({ state: 'other' });
    expect(await end(vm, heir.run, 'finish')).toMatchObject({ state: 'finished' });
    expect(await end(vm, heir.run, 'finish')).toMatchObject({ state: 'finished' });
    await expect(end(vm, request.run, 'finish')).rejects.toMatchObject({ code: 'target.unfit' });
    const after = await node.api.discover({ ...login(), source: { ...source(), moref: vm.moref }, vm_name: vm.name });
    expect(after).toMatchObject({
      refused: null,
      vm: { half_restored: null, restored_in_place: { run: heir.run, point: 'p-1' } },
    });
    expect((await contentOf(vm)).equals(point.content)).toBe(true);
  });

  it('does not believe a library that loses a write', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 2 * MiB, randomBytes(block));
    await vcenter.vddkFault({ 'write-lost-at': 2 * MiB });
    const request = startOf(vm, point);
    const status = await restore(request);
    expect(status.error).toMatchObject({ code: 'content.mismatch' });
    await vcenter.vddkFault();
    await node.api.remove(request.job_id);
    expect(await restore(request)).toMatchObject({ status: 'succeeded' });
    expect((await contentOf(vm)).equals(point.content)).toBe(true);
  });

  it('goes by what it reads where the lists of changes cannot tell', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(block));
    const base = await safetyOf(vm);
    await vm.write(0, 4 * MiB, randomBytes(block));
    await vm.resetTracking();
    const status = await restore(startOf(vm, point, { base }));
    expect(status).toMatchObject({ status: 'succeeded', disks: [{ bytes_transferred: 2 * block }] });
    expect((await contentOf(vm)).equals(point.content)).toBe(true);
  });

  it('refuses what it must not write to, and writes nothing', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    const before = (await vcenter.writes()).length;
    const refused = async (message: string, byJob = all): Promise<void> => {
      await expect(check(vm)).rejects.toMatchObject({
        code: 'target.unfit',
        message: expect.stringContaining(message) as string,
      });
      if (!byJob) return;
      const request = startOf(vm, point);
      expect((await restore(request)).error?.message).toContain(message);
      expect(await end(vm, request.run, 'look')).toMatchObject({ state: 'free' });
    };
    await vm.power('on');
    // The job judges the VM by the same code, when it has marked it.
    await refused('it is on', true);
    await vm.power('off');
    const moref = await vm.snapshot('before the update');
    await refused('it has snapshots: before the update');
    await vm.removeSnapshot(moref);
    await vm.set({ disk: 0, mode: 'independent_persistent' });
    await refused('independent_persistent');
    await vm.set({ disk: 0, mode: 'persistent' });
    await vm.resizeDisk(0, capacity + MiB);
    await refused(`has ${capacity + MiB} bytes, it had ${capacity}`, true);
    expect((await vcenter.writes()).length).toBe(before);
  });

  it.each([
    ['notes', 'the accounts\nsecond line', {}, 'the accounts\nsecond line'],
    ['no notes', '', {}, ''],
    ['no notes, at a server that does not empty them', '', { 'empty-notes-stay': {} }, /^Sendense has ended its work/],
  ])(
    'gives a VM with %s its notes back, at its end and where it writes nothing',
    { timeout },
    async (_, notes, faults, then) => {
      const vm = await newVm(randomBytes(capacity), notes);
      const point = await pointOf(vm);
      for (const name of Object.keys(faults)) await vcenter.fault(name);
      const expectNotes = async (): Promise<void> => {
        expect(await notesOf(vm)).not.toMatch(/sendense-in-place|Do not start/);
        expect(await notesOf(vm)).toEqual(typeof then === 'string' ? then : expect.stringMatching(then));
      };
      await vm.write(0, 0, randomBytes(block));
      await vcenter.vddkFault({ 'open-error': 13 });
      const failing = startOf(vm, point);
      expect(await restore(failing)).toMatchObject({ status: 'failed' });
      expect(await notesOf(vm)).toMatch(/^sendense-in-place\/1 run=run-\d+ point=p-1\n/);
      expect(await end(vm, failing.run, 'release')).toMatchObject({ state: 'free' });
      await expectNotes();
      await vcenter.vddkFault();
      for (let time = 0; time < 2; time++) {
        const request = startOf(vm, point);
        expect(await restore(request)).toMatchObject({ status: 'succeeded' });
        expect(await end(vm, request.run, 'finish')).toMatchObject({ state: 'finished' });
        await expectNotes();
      }
    },
  );

  /** A job that has begun to write, slowly. */
  async function writingSlowly(
    vm: SimulatedVm,
    point: Point,
    more?: Parameters<typeof startOf>[2],
  ): Promise<InPlaceStartRequest> {
    await vm.write(0, 0, randomBytes(capacity));
    return begunSlowly(vm, point, more);
  }

  /** Writes what differs, and is not done when this returns. */
  async function begunSlowly(...[vm, point, more]: Parameters<typeof startOf>): Promise<InPlaceStartRequest> {
    await vcenter.vddkFault({ 'slow-ms': 200 });
    const before = (await vcenter.writes()).length;
    const request = startOf(vm, point, more);
    await node.api.startInPlace(request);
    await expect.poll(async () => (await vcenter.writes()).length, { timeout: 60_000 }).toBeGreaterThan(before);
    // What comes next may take its time on a busy machine.
    await vcenter.vddkFault({ 'slow-ms': 2000 });
    return request;
  }

  it('is never taken over while its job lives, by no node of this machine', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    const request = await writingSlowly(vm, point);
    const heir = startOf(vm, point, { takes_over: request.run });
    expect((await restore(heir)).error).toMatchObject({ code: 'source.half_restored' });
    await using place = await workshop();
    await using other = await testNode(place);
    await other.api.putIndex(point.index, at.path(`${point.name}.index`));
    const elsewhere = startOf(vm, point, { takes_over: request.run });
    await other.api.startInPlace(elsewhere);
    const refused = await finished(other.api, elsewhere.job_id);
    await other.api.remove(elsewhere.job_id);
    expect(refused.error).toMatchObject({ code: 'source.half_restored' });
    await vcenter.vddkFault();
    expect(await finished(node.api, request.job_id)).toMatchObject({ status: 'succeeded' });
    expect(await end(vm, request.run, 'look')).toMatchObject({ state: 'torn' });
    expect((await contentOf(vm)).equals(point.content)).toBe(true);
  });

  it.each([
    ['another run has taken over', 'run-of-another-hub'],
    ['somebody has removed its mark', null],
  ])('fails where %s meanwhile', { timeout }, async (_, run) => {
    const vm = await newVm();
    const request = await writingSlowly(vm, await pointOf(vm));
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const mark =
      run === null
        ? noMark()
        : markOptionOf({
            run,
            point: 'p-2',
            isTorn: true,
            safety: null,
            disks: [{ key: 2000, id: null }],
            since: null,
          });
    await changeVm(vsphere, { type: 'VirtualMachine', value: vm.moref }, () => [['extraConfig', [mark]]]);
    await vcenter.vddkFault();
    expect((await finished(node.api, request.job_id)).error).toMatchObject({ code: 'source.half_restored' });
    expect(await end(vm, request.run, 'look')).toMatchObject({ state: run === null ? 'unmarked' : 'other' });
  });

  it('leaves no mark where nothing was written', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(block));
    await vcenter.vddkFault({ 'open-error': 13 });
    const request = startOf(vm, point);
    expect(await restore(request)).toMatchObject({ status: 'failed' });
    expect(await end(vm, request.run, 'look')).toMatchObject({ state: 'marked' });
    expect(await end(vm, request.run, 'release')).toMatchObject({ state: 'free' });
    await vcenter.vddkFault();
    expect(await check(vm)).toMatchObject({ unfinished: null });
  });

  /** A VM whose disks a run has restored, and which it has not finished. */
  async function restored(): Promise<{ readonly vm: SimulatedVm; readonly run: string }> {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(block));
    const request = startOf(vm, point);
    expect(await restore(request)).toMatchObject({ status: 'succeeded' });
    return { vm, run: request.run };
  }

  it('is finished for a hub that goes away in the middle of that, and asks again', { timeout }, async () => {
    const { vm, run } = await restored();
    const ending = endOf(vm, run, 'finish');
    const told = await asksTwice(vcenter, 'ReconfigVM_Task', (signal) => node.api.endInPlace(ending, signal));
    expect(told).toMatchObject({ state: 'finished', warnings: [] });
    expect([await timesAsked(vcenter, 'ReconfigVM_Task'), await timesAsked(vcenter, 'CancelTask')]).toEqual([1, 0]);
  });

  /** Another run marks the VM. */
  async function markedBy(vm: SimulatedVm, run: string, isTorn: boolean): Promise<void> {
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const mark = markOptionOf({
      run,
      point: 'p-2',
      isTorn,
      safety: null,
      disks: [{ key: 2000, id: null }],
      since: null,
    });
    await changeVm(vsphere, { type: 'VirtualMachine', value: vm.moref }, () => [['extraConfig', [mark]]]);
  }

  it.each([true, false])(
    'does not start a VM that another run restores by now (torn: %s)',
    { timeout },
    async (isTorn) => {
      const { vm, run } = await restored();
      expect(await end(vm, run, 'finish')).toMatchObject({ state: 'finished' });
      await markedBy(vm, 'run-b', isTorn);
      for (const action of ['start', 'stop'] as const)
        expect(await node.api.powerRestore({ ...login(), run, vm: vm.moref, action, wait_seconds: 0 })).toMatchObject({
          state: 'other',
        });
      expect(await vm.powerState()).toBe('poweredOff');
    },
  );

  /** A run tears a VM, after the backup p-0. @returns what it restores */
  async function tornBy(vm: SimulatedVm): Promise<Point> {
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(capacity));
    const base = { ...(await safetyOf(vm)), restored_in_place: null };
    const begun = await begunSlowly(vm, point, { base, safety: 'p-0' });
    await node.api.cancel(begun.job_id);
    expect(await finished(node.api, begun.job_id)).toMatchObject({ status: 'cancelled', warnings: [] });
    await vcenter.vddkFault();
    expect(await check(vm)).toMatchObject({ unfinished: { run: begun.run, torn: true, safety: 'p-0', untouched: [] } });
    return point;
  }

  it.each([
    ['', ''],
    [', and only events tell', 'config,log'],
  ])('of a torn VM that was started says that what was written since is lost%s', { timeout }, async (_, silent) => {
    const vm = await newVm();
    const point = await tornBy(vm);
    if (silent !== '') await vcenter.fault('no-traces', { of: silent });
    const { unfinished } = await check(vm);
    await vm.power('on');
    await vm.power('off');
    const next = startOf(vm, point, { safety: 'p-0', takes_over: unfinished?.run ?? null });
    expect(await restore(next)).toMatchObject({
      status: 'succeeded',
      warnings: [
        expect.stringContaining(`started the VM ${vm.name} since run ${unfinished?.run} has restored it in part`),
      ],
      restored_vm: { not_in_safety: true },
    });
    expect((await contentOf(vm)).equals(point.content)).toBe(true);
    const other = await newVm();
    const again = await tornBy(other);
    const { unfinished: left } = await check(other);
    expect(await restore(startOf(other, again, { safety: 'p-0', takes_over: left?.run ?? null }))).toMatchObject({
      status: 'succeeded',
      warnings: [],
      restored_vm: { not_in_safety: false },
    });
  });

  it('reads the disks where another restore has written to them since the safety backup', { timeout }, async () => {
    const vm = await newVm();
    const first = await pointOf(vm);
    await vm.write(0, 0, randomBytes(MiB));
    const second = await pointOf(vm);
    await vcenter.fault('writes-untracked');
    const base = await safetyOf(vm);
    const between = startOf(vm, first);
    expect(await restore(between)).toMatchObject({ status: 'succeeded' });
    expect(await end(vm, between.run, 'finish')).toMatchObject({ state: 'finished' });
    expect(await restore(startOf(vm, second, { base, safety: 'p-0' }))).toMatchObject({
      status: 'succeeded',
      warnings: [
        `run ${between.run} has restored the VM ${vm.name} in place after the backup p-0: what was on its disks since is in no restore point`,
      ],
    });
    expect((await contentOf(vm)).equals(second.content)).toBe(true);
  });

  it('warns of what somebody has written since the safety backup, and of nothing else', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(block));
    const base = { ...(await safetyOf(vm)), restored_in_place: null };
    const done = await restore(startOf(vm, point, { base, safety: 'p-0' }));
    expect(done).toMatchObject({ status: 'succeeded', warnings: [], restored_vm: { not_in_safety: false } });
    const other = await newVm();
    const before = await pointOf(other);
    const early = { ...(await safetyOf(other)), restored_in_place: null };
    await other.write(0, MiB, randomBytes(block));
    const lost = await writingSlowly(other, before, { base: early, safety: 'p-0' });
    await node.api.cancel(lost.job_id);
    const warnings = [
      `the disks of the VM ${other.name} were written to after the backup p-0: what was written is in no restore point`,
    ];
    expect(await finished(node.api, lost.job_id)).toMatchObject({ status: 'cancelled', warnings });
    await vcenter.vddkFault();
    // Whoever goes on does not call that backup the state before.
    expect(await check(other)).toMatchObject({ unfinished: { run: lost.run, torn: true, safety: null } });
    const third = await newVm();
    const old = await pointOf(third);
    const tooEarly = { ...(await safetyOf(third)), restored_in_place: null };
    await third.write(0, MiB, randomBytes(block));
    expect(await restore(startOf(third, old, { base: tooEarly, safety: 'p-0' }))).toMatchObject({
      status: 'succeeded',
      warnings: [expect.stringContaining('what was written is in no restore point')],
      restored_vm: { not_in_safety: true },
    });
  });

  it.each([
    ['nothing', null, false],
    ['what is restored', 0, true],
    ['what stays as it is', MiB, true],
  ])(
    'sees that %s was written since the safety backup, also where vSphere does not tell',
    { timeout },
    async (_, offset, isLost) => {
      const vm = await newVm();
      const point = await pointOf(vm);
      await vm.write(0, 0, randomBytes(block));
      const base = { ...(await safetyOf(vm)), change_id: 'digest:none', restored_in_place: null };
      if (offset !== null) await vm.write(0, offset, randomBytes(block));
      expect(await restore(startOf(vm, point, { base, safety: 'p-0' }))).toMatchObject({
        status: 'succeeded',
        restored_vm: { not_in_safety: isLost },
        warnings: isLost ? [expect.stringContaining('what was written is in no restore point')] : [],
      });
      expect((await contentOf(vm)).equals(point.content)).toBe(true);
    },
  );

  it('says which disk the safety backup does not have', { timeout }, async () => {
    const vm = await newVm();
    expect(await restore(startOf(vm, await pointOf(vm), { safety: 'p-0' }))).toMatchObject({
      status: 'succeeded',
      restored_vm: { not_in_safety: true },
      warnings: [expect.stringMatching(/^the backup p-0 does not have .* is in no restore point$/)],
    });
  });

  it('leaves a note that backups see from the first byte on, and that is no end', { timeout }, async () => {
    const vm = await newVm();
    const request = await writingSlowly(vm, await pointOf(vm));
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const object = { type: 'VirtualMachine', value: vm.moref } as const;
    // Somebody gives it up.
    await changeVm(vsphere, object, () => [['extraConfig', [noMark()]]]);
    await vcenter.vddkFault();
    await finished(node.api, request.job_id);
    expect(await inPlaceState(vsphere, object)).toMatchObject({
      mark: null,
      note: { run: request.run, isWhole: false },
    });
    expect(await end(vm, request.run, 'look')).toMatchObject({ state: 'unmarked' });
  });

  it('does not take away a mark that it cannot read, if another disk may be torn', { timeout }, async () => {
    const vm = await vcenter.addVm({
      name: `back-${++number}`,
      cbt: true,
      poweredOn: false,
      disks: [{ capacity, content: randomBytes(capacity) }, { capacity }],
    });
    const point = await pointOf(vm);
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const strange = [
      ['key', 'sendense.in-place'],
      ['value', { string: 'v=2 run=run-z point=p-9 torn=yes disks=2000,2001' }],
    ] as const;
    const object = { type: 'VirtualMachine', value: vm.moref } as const;
    await changeVm(vsphere, object, () => [['extraConfig', [{ xsiType: 'OptionValue', fields: strange }]]]);
    const status = await restore(startOf(vm, point, { takes_over: 'unknown' }));
    expect(status.error).toMatchObject({ code: 'target.unfit' });
    expect((await inPlaceState(vsphere, object))?.mark).toMatchObject({ run: 'unknown', disks: null });
  });

  it('does not forget a torn disk that the VM does not have for a while', { timeout }, async () => {
    const vm = await newVm();
    const point = await pointOf(vm);
    await vm.write(0, 0, randomBytes(capacity));
    const away = { key: 2001, id: '6000C290-0000-0000-0000-000000000000' };
    const own = { key: vm.disks[0]?.key ?? 0, id: vm.disks[0]?.uuid ?? '' };
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const object = { type: 'VirtualMachine', value: vm.moref };
    const mark = markOptionOf({
      run: 'run-a',
      point: 'p-1',
      isTorn: true,
      safety: 'p-0',
      disks: [own, away],
      since: null,
    });
    await changeVm(vsphere, object, () => [['extraConfig', [mark]]]);
    await vcenter.vddkFault({ 'disk-full-after': MiB });
    const failed = await restore(startOf(vm, point, { takes_over: 'run-a', safety: 'p-0' }));
    expect(failed).toMatchObject({
      status: 'failed',
      warnings: [expect.stringContaining('does not have any more (device 2001)')],
    });
    expect((await inPlaceState(vsphere, object))?.mark).toMatchObject({ safety: 'p-0', disks: [own, away] });
    await vcenter.vddkFault();
  });

  it('knows a torn disk where it has changed places since', { timeout }, async () => {
    const contents = [randomBytes(capacity), randomBytes(capacity)];
    const vm = await vcenter.addVm({
      name: `back-${++number}`,
      cbt: true,
      poweredOn: false,
      disks: contents.map((content) => ({ capacity, content })),
    });
    const point = await pointOf(vm);
    const [torn = '', whole = ''] = vm.disks.map(({ uuid }) => uuid);
    const now = async (uuid: string) => {
      await vm.snapshots();
      const found = vm.disks.find((disk) => disk.uuid === uuid);
      return { key: String(found?.key), content: await readFile(found?.flatFile ?? '') };
    };
    const only = async (uuid: string, takesOver: string | null): Promise<InPlaceStartRequest> => {
      const { key } = await now(uuid);
      const { index, uri } = point;
      const disks: InPlaceStartRequest['disks'] = [{ key, uuid, bytes: capacity, index, base: null }];
      return startOf(vm, point, { disks, nbd_sources: `${key}:${uri}`, takes_over: takesOver });
    };
    await vm.write(0, 0, randomBytes(4 * MiB));
    await vcenter.vddkFault({ 'disk-full-after': MiB });
    const first = await only(torn, null);
    expect(await restore(first)).toMatchObject({ status: 'failed' });
    await vcenter.vddkFault();
    const { key } = await now(torn);
    await vm.swapDisks(0, 1);
    expect((await now(whole)).key).toBe(key);
    const refused = await restore(await only(whole, first.run));
    expect(refused.error).toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('restore that disk as well') as string,
    });
    const heir = await only(torn, first.run);
    expect(await restore(heir)).toMatchObject({ status: 'succeeded' });
    expect(await end(vm, heir.run, 'finish')).toMatchObject({ state: 'finished' });
    expect((await now(torn)).content.equals(point.content)).toBe(true);
    expect((await now(whole)).content.equals(contents[1] ?? Buffer.alloc(0))).toBe(true);
  });

  it.each([
    ['', ''],
    [', and only events tell', 'config,log'],
  ])('fails where somebody has started the VM while its disks were compared%s', { timeout }, async (_, silent) => {
    if (silent !== '') await vcenter.fault('no-traces', { of: silent });
    const vm = await newVm();
    const point = await pointOf(vm);
    await vcenter.vddkFault({ 'slow-ms': 100 });
    const request = startOf(vm, point);
    await node.api.startInPlace(request);
    const phase = async (): Promise<unknown> => (await node.api.status(request.job_id)).disks[0]?.phase;
    await expect.poll(phase, { timeout: 100_000, interval: 20 }).toBe('digesting');
    await vm.power('on');
    await vm.power('off');
    await vcenter.vddkFault();
    expect((await finished(node.api, request.job_id)).error).toMatchObject({
      code: 'source.half_restored',
      message: expect.stringContaining('somebody has started it') as string,
    });
  });

  /** A VM that run-a has made, and finished. */
  async function madeByA(): Promise<SimulatedVm> {
    const mark = { run: 'run-a', point: 'p-1' };
    const vm = await newVm(randomBytes(capacity), markedAnnotation(mark, 'the accounts'));
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    await finishVm(vsphere, { type: 'VirtualMachine', value: vm.moref }, mark);
    return vm;
  }

  it('keeps the run that made the VM from starting it', { timeout }, async () => {
    const vm = await madeByA();
    await markedBy(vm, 'run-b', true);
    const asked = { ...login(), run: 'run-a', point: 'p-1', vm: vm.moref, action: 'finish', power_on: true } as const;
    expect(await node.api.finishRestore(asked)).toMatchObject({
      powered_on: false,
      warnings: [expect.stringContaining('run run-b restores it in place')],
    });
    expect(await vm.powerState()).toBe('poweredOff');
    const undone = await node.api.undoRestore({ ...login(), run: 'run-a', jobs: [], keep_copied: false });
    expect(undone).toEqual({ removed: null, kept: null, left: null });
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const now = await inPlaceState(vsphere, { type: 'VirtualMachine', value: vm.moref });
    expect(now?.mark).toMatchObject({ run: 'run-b', isTorn: true });
  });

  it('keeps the run that made the VM from stopping it, also afterwards', { timeout }, async () => {
    const vm = await madeByA();
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const note = noteOptionOf({ run: 'run-b', point: 'p-2', isWhole: true });
    await changeVm(vsphere, { type: 'VirtualMachine', value: vm.moref }, () => [['extraConfig', [note]]]);
    await vm.power('on');
    const power = { ...login(), run: 'run-a', vm: vm.moref, action: 'stop', wait_seconds: 0 } as const;
    expect(await node.api.powerRestore(power)).toMatchObject({ state: 'other' });
    expect(await vm.powerState()).toBe('poweredOn');
  });

  it('does not guess which of two disks with one uuid is meant', { timeout }, async () => {
    const vm = await newVm();
    await vm.addDisk({ capacity, ...(vm.disks[0] ? { uuid: vm.disks[0].uuid } : {}) });
    await expect(check(vm)).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('have one uuid: detach the copy') as string,
    });
  });

  it('takes no mark of another run away', { timeout }, async () => {
    const vm = await newVm();
    await markedBy(vm, 'run-b', true);
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const object = { type: 'VirtualMachine', value: vm.moref } as const;
    await finishInPlace(vsphere, object, { run: 'run-a', point: 'p-1' });
    await releaseInPlace(vsphere, object, 'run-a');
    expect(await inPlaceState(vsphere, object)).toMatchObject({ mark: { run: 'run-b', isTorn: true }, note: null });
    await expect(end(vm, 'run-a', 'finish')).rejects.toMatchObject({ code: 'target.unfit' });
    // A byte may have been written since it was looked at: that is not forgotten.
    await releaseInPlace(vsphere, object, 'run-b');
    expect(await inPlaceState(vsphere, object)).toMatchObject({ mark: { run: 'run-b', isTorn: true } });
    await markedBy(vm, 'run-b', false);
    await releaseInPlace(vsphere, object, 'run-b');
    expect(await inPlaceState(vsphere, object)).toMatchObject({ mark: null, note: null });
  });

  it('tells of a start that goes on though its run was cancelled', { timeout }, async () => {
    const { vm, run } = await restored();
    await end(vm, run, 'finish');
    await vcenter.clearCalls();
    await vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 2000, count: 1 });
    const power = { ...login(), run, vm: vm.moref, wait_seconds: 0 };
    const gone = new AbortController();
    const first = node.api.powerRestore({ ...power, action: 'start' }, gone.signal).catch(String);
    await vi.waitFor(async () => expect(await timesAsked(vcenter, 'PowerOnVM_Task')).toBe(1), { timeout: 100_000 });
    gone.abort(new Error('the user cancels'));
    await first;
    expect(await node.api.powerRestore({ ...power, action: 'wait' })).toMatchObject({ state: 'on' });
  });

  it('tells at once how a restore is whose VM vSphere does not start', { timeout }, async () => {
    const { vm, run } = await restored();
    await vcenter.clearCalls();
    await vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 90_000, count: 1 });
    await vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
    const asked = { ...endOf(vm, run, 'finish'), power_on: true };
    const gone = new AbortController();
    const first = node.api.endInPlace(asked, gone.signal).catch(String);
    await vi.waitFor(async () => expect(await timesAsked(vcenter, 'PowerOnVM_Task')).toBe(1), { timeout: 100_000 });
    gone.abort(new Error('the user cancels'));
    await first;
    const before = performance.now();
    for (const action of ['look', 'release'] as const)
      expect(await end(vm, run, action)).toMatchObject({ state: 'finished', powered_on: false, warnings: [] });
    expect(await node.api.endInPlace(asked)).toMatchObject({
      state: 'finished',
      powered_on: false,
      warnings: [expect.stringContaining('was told to start it, but has not answered yet')],
    });
    const power = { ...login(), run, vm: vm.moref, wait_seconds: 0 };
    await expect(node.api.powerRestore({ ...power, action: 'wait' })).rejects.toMatchObject({ code: 'vsphere.busy' });
    expect(performance.now() - before).toBeLessThan(60_000);
    expect(await timesAsked(vcenter, 'PowerOnVM_Task')).toBe(1);
  });

  it('does not wait for ever for a start, and tells what it knows', { timeout }, async () => {
    const { vm, run } = await restored();
    await end(vm, run, 'finish');
    await vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 20_000, count: 1 });
    const asked = { ...endOf(vm, run, 'finish'), power_on: true };
    await using going = unbroken();
    const { signal } = new AbortController();
    const told = await finishAndStart(asked, { unbroken: going, refused: refusedLogins(), signal, waitMs: 300 }, () =>
      Promise.resolve({ name: vm.name, powered_on: false, warnings: [] }),
    );
    expect(told).toMatchObject({
      powered_on: false,
      warnings: [expect.stringContaining('was told to start it, but has not answered yet')],
    });
  });

  it('gives a start up that nobody waits for, if the VM asks something', { timeout }, async () => {
    const { vm, run } = await restored();
    await vcenter.fault('question', { text: 'Moved or copied?' });
    expect(await node.api.endInPlace({ ...endOf(vm, run, 'finish'), power_on: true })).toMatchObject({
      state: 'finished',
      powered_on: false,
      warnings: [expect.stringContaining('it asks: Moved or copied?')],
    });
  });
});
