import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { leftovers } from './nothing-left.ts';
import {
  expectClean,
  expectFrozen,
  guestWorks,
  keepFrozen,
  MiB,
  pgtest1,
  vsphereWorkspace,
  type VsphereWorkspace,
} from './vsphere-workspace.ts';
import { disksOf, program, restorePlan, sameContent, type RunOutcome } from './workspace.ts';
import { all, enough, rounds, type Repeated } from '../support/rounds.ts';
import { busyGuest } from '../simulators/vcenter/busy-guest.ts';
import type { ListOutput, Manifest } from '../../src/schemas/types.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';

const modes = (outcome: Parameters<typeof disksOf>[0]): string[] => disksOf(outcome).map(({ mode }) => mode);

/** What the restore plan brings back is what the snapshot of that run had frozen. */
async function expectRestored(
  { work }: VsphereWorkspace,
  point: string | null,
  truth: string,
  disks = 2,
): Promise<void> {
  await work.write(`restore-${truth}.yaml`, restorePlan(`./restored-${truth}`, `point: ${point}\n`));
  expect((await work.run(`restore-${truth}.yaml`)).finished).toMatchObject({ status: 'succeeded', exit_code: 0 });
  for (let disk = 0; disk < disks; disk++) {
    const cmp = await execa(
      'cmp',
      [work.path(`restored-${truth}/disk-${disk}.raw`), work.path(`${truth}-${disk}.truth`)],
      {
        reject: false,
      },
    );
    expect(cmp.exitCode, `${truth} disk ${disk}: ${cmp.stdout}`).toBe(0);
  }
}

describe('backups of a VM in vSphere', () => {
  test(
    'a full and a chain of incrementals hold what each snapshot froze, while the guest goes on writing',
    { timeout: 300_000 },
    async () => {
      await using at = await vsphereWorkspace();
      const vm = await at.vcenter.addVm(pgtest1);
      await at.plan('plan.yaml', vm);
      const points: (string | null)[] = [];
      const last = rounds(3, 10);
      for (let round = 0; round <= last; round++) {
        await guestWorks(vm);
        const guests = vm.disks.map((_, disk) => busyGuest(vm, disk, { pauseMs: 20 }));
        const outcome = await at.run('plan.yaml');
        for (const guest of guests) await guest[Symbol.asyncDispose]();
        expect(outcome.finished, JSON.stringify(outcome.finished.error)).toMatchObject({
          status: 'succeeded',
          exit_code: 0,
          warnings: [],
        });
        expect(modes(outcome)).toEqual(round === 0 ? ['full', 'full'] : ['incremental', 'incremental']);
        for (const disk of disksOf(outcome)) expect(disk.change_id).toMatch(/^[0-9a-f -]{40,}\/[0-9]+$/);
        if (round > 0) for (const disk of disksOf(outcome)) expect(disk.reason).toContain('changed areas since');
        points.push(outcome.finished.backup_id);
        await keepFrozen(at, vm, `round${round}`);
        for (const [number, disk] of disksOf(outcome).entries())
          expect(await sameContent(disk.path ?? '', at.work.path(`round${round}-${number}.truth`))).toBe(true);
        await expectClean(vm);
      }
      expect(leftovers(at.work.folder)).toEqual([]);
      for (const round of [0, 1, last]) await expectRestored(at, points[round] ?? null, `round${round}`);
      expect((await at.work.call(['check'])).exitCode).toBe(0);

      const manifest = await at.manifest(points[last] ?? null);
      expect(manifest).toMatchObject({
        vm: { instance_uuid: vm.instanceUuid, path: vm.path },
        snapshot: { quiesce: 'try', quiesced: true, transport: 'vddk' },
      });
      const config = at.work.path('repository/pgtest1', manifest.vm_config?.path ?? '');
      expect((await stat(config)).size).toBe(manifest.vm_config?.bytes);
      expect(JSON.parse(await readFile(config, 'utf8'))).toMatchObject({ name: 'pgtest1' });
    },
  );
});

/** What the run after a fault must find: nothing of ours at the VM, nothing in the repository that is not committed. */
async function expectRecovered(at: VsphereWorkspace, vm: SimulatedVm): Promise<RunOutcome> {
  await at.vcenter.clearFaults();
  await guestWorks(vm);
  const outcome = await at.run('plan.yaml');
  expect(outcome.finished, JSON.stringify(outcome.finished.error)).toMatchObject({ status: 'succeeded', exit_code: 0 });
  await expectFrozen(at, vm, outcome);
  await expectClean(vm);
  expect(leftovers(at.work.folder)).toEqual([]);
  return outcome;
}

interface BackedUp extends VsphereWorkspace {
  readonly vm: SimulatedVm;
}

/** A VM with one committed full backup. */
async function backedUp(): Promise<BackedUp> {
  const at = await vsphereWorkspace();
  const vm = await at.vcenter.addVm(pgtest1);
  await at.plan('plan.yaml', vm);
  const first = await at.run('plan.yaml');
  expect(first.finished, JSON.stringify(first.finished.error)).toMatchObject({ exit_code: 0 });
  await guestWorks(vm);
  return { ...at, vm };
}

let shared: { readonly at: BackedUp; cases: number } | null = null;

async function dropShared(): Promise<void> {
  await shared?.at[Symbol.asyncDispose]();
  shared = null;
}

/** What failed last, and what had to take another way, has not spoiled the next run. */
async function endShared(): Promise<void> {
  if (shared) await expectRecovered(shared.at, shared.at.vm);
  await dropShared();
}

/** The same for several cases, one after the other, each of which leaves it as it should be; the chain stays short. */
async function backedUpBefore(): Promise<BackedUp> {
  if (shared && shared.cases >= 8) await endShared();
  shared ??= { at: await backedUp(), cases: 0 };
  if (shared.cases++ > 0) await guestWorks(shared.at.vm);
  return shared.at;
}

interface Case extends Repeated {
  readonly what: string;
  readonly fault?: readonly [name: string, options?: Record<string, string | number>];
  readonly before?: (vm: SimulatedVm, at: VsphereWorkspace) => Promise<void>;
  readonly lines?: readonly string[];
  readonly exit: number;
  readonly code?: string;
  /** Of the disks. */
  readonly modes?: readonly string[];
  /** In the reason of disk 0, or among the warnings. */
  readonly says?: RegExp;
  readonly after?: (vm: SimulatedVm, at: VsphereWorkspace) => Promise<void>;
}

const incremental = ['incremental', 'incremental'];

/** After the last backup: a snapshot by hand, guest writes, back to it. What the guest wrote then is gone from the disks. */
async function revertedByHand(vm: SimulatedVm, { vcenter }: VsphereWorkspace): Promise<void> {
  await vcenter.fault('revert-keeps-tracking');
  const snapshot = await vm.snapshot('before the upgrade');
  await guestWorks(vm);
  await vm.revert(snapshot);
  await vm.removeSnapshot(snapshot);
}

/** Whatever made it fail, no second one was made. */
async function expectOneSnapshot(_vm: SimulatedVm, { vcenter }: VsphereWorkspace): Promise<void> {
  expect((await vcenter.calls()).filter(({ method }) => method === 'CreateSnapshot_Task')).toHaveLength(1);
}

/** What the newest restore point says of its snapshot. */
async function lastSnapshot(at: VsphereWorkspace): Promise<Manifest['snapshot']> {
  const listed = JSON.parse((await at.work.call(['--json', 'list'])).stdout) as ListOutput;
  return (
    await at.manifest(
      listed.points
        .map((one) => one.backup_id)
        .toSorted()
        .at(-1) ?? null,
    )
  ).snapshot;
}

const cases: readonly Case[] = [
  {
    what: 'change tracking began anew',
    before: (vm) => vm.resetTracking(),
    exit: 0,
    modes: incremental,
    says: /digest.*anew/,
  },
  {
    what: 'the host lost its power',
    before: async (vm) => (await vm.power('loss'), vm.power('on')),
    exit: 0,
    modes: incremental,
    says: /digest/,
  },
  ...['noTrack', 'noEpoch', 'cannotGetChanges'].map((key): Case => ({
    what: `QueryChangedDiskAreas faults with ${key}`,
    fault: ['file-fault', { key: `vim.hostd.vmsvc.cbt.${key}` }],
    again: key !== 'noTrack',
    exit: 0,
    modes: incremental,
    says: /digest.*vSphere/,
  })),
  {
    what: 'a FileFault that passes',
    fault: ['file-fault', { count: 1 }],
    exit: 0,
    modes: incremental,
    says: /changed areas/,
  },
  {
    what: 'somebody reverts the VM, and change tracking shows nothing of it',
    fault: ['revert-keeps-tracking'],
    before: revertedByHand,
    exit: 0,
    modes: ['full', 'full'],
    says: /was reverted to a snapshot on/,
  },
  {
    what: 'events cannot be read, and the VM was reverted',
    fault: ['no-permission', { method: 'QueryEvents', privilege: 'System.View' }],
    before: revertedByHand,
    exit: 3,
    modes: incremental,
    says: /digest.*vSphere does not tell whether the VM was reverted[^]*its events cannot be read.*NoPermission/,
  },
  {
    what: 'events are kept for too short a time, and the VM was reverted',
    before: async (vm, at) => (await revertedByHand(vm, at), at.vcenter.forgetEvents()),
    exit: 0,
    modes: incremental,
    says: /digest.*vSphere does not tell whether the VM was reverted/,
  },
  {
    what: 'events that cannot be read any more when the snapshot is there',
    fault: ['no-permission', { method: 'QueryEvents', privilege: 'System.View', after: 1 }],
    exit: 0,
    modes: incremental,
    says: /digest.*vSphere does not tell whether the VM was reverted to a snapshot meanwhile/,
  },
  {
    what: 'a VDDK that cannot reach the hosts (port 902)',
    before: (_vm, at) => at.vcenter.vddkFault({ 'connect-error': 18000 }),
    exit: 0,
    modes: incremental,
    after: async (_vm, at) => {
      expect(await lastSnapshot(at)).toMatchObject({
        transport: 'https',
        transport_reason: expect.stringMatching(/not vddk: .*cannot connect to the host/) as string,
      });
      await at.vcenter.vddkFault();
    },
  },
  {
    what: 'a VDDK that refuses the login, in a plan that allows no other transport',
    before: (_vm, at) => at.vcenter.vddkFault({ 'connect-error': 3014 }),
    lines: ['transport: vddk'],
    exit: 12,
    code: 'vsphere.login',
    after: (_vm, at) => at.vcenter.vddkFault(),
  },
  {
    what: 'a VDDK that refuses the login, and a datastore that does not answer',
    again: true,
    before: (_vm, at) => at.vcenter.vddkFault({ 'connect-error': 3014 }),
    fault: ['folder-status', { status: 403 }],
    exit: 1,
    code: 'transport.unavailable',
    after: (_vm, at) => at.vcenter.vddkFault(),
  },
  {
    what: 'a privilege that is missing for the snapshot is told before there is one',
    fault: ['privileges', { missing: 'VirtualMachine.State.RemoveSnapshot' }],
    before: (_vm, at) => at.vcenter.clearCalls(),
    exit: 12,
    code: 'vsphere.permission',
    after: async (_vm, at) =>
      expect((await at.vcenter.calls()).map(({ method }) => method)).not.toContain('CreateSnapshot_Task'),
  },
  { what: 'no progress in the pages', fault: ['page-no-progress'], exit: 1, code: 'cbt.protocol' },
  { what: 'a page from the wrong start', fault: ['page-wrong-start'], exit: 1, code: 'cbt.protocol', again: true },
  { what: 'a page beyond the end', fault: ['page-beyond-end'], exit: 1, code: 'cbt.protocol', again: true },
  ...['overlap', 'falling', 'duplicate'].map((kind): Case => ({
    what: `changed areas that contradict themselves: ${kind}`,
    fault: [`page-${kind}`],
    again: kind !== 'overlap',
    exit: 0,
    modes: incremental,
    says: /digest.*list of changes contradicts itself/,
  })),
  {
    what: 'pages of one byte',
    fault: ['page-length', { bytes: 1 }],
    exit: 0,
    modes: incremental,
    says: /digest.*pieces that are too small/,
  },
  {
    what: 'an answer that a proxy cuts off, once',
    fault: ['garble', { method: 'QueryChangedDiskAreas', count: 1 }],
    exit: 0,
    modes: incremental,
    says: /changed areas/,
  },
  {
    what: 'a page of a proxy in place of the changed areas, always',
    fault: ['garble', { method: 'QueryChangedDiskAreas', kind: 'html' }],
    exit: 0,
    modes: incremental,
    says: /digest.*no answer that is understood.*Sign in/,
  },
  {
    what: 'a page of a proxy in place of any answer, now and then',
    fault: ['garble', { method: 'RetrievePropertiesEx', kind: 'html', count: 2, after: 3 }],
    exit: 0,
    modes: incremental,
    again: true,
  },
  ...[
    ['InvalidPowerState', 75, 'vsphere.busy'],
    ['SystemError', 1, 'snapshot.failed'],
  ].map(([fault, exit, code], number): Case => ({
    what: `a snapshot that fails for what has nothing to do with quiescing: ${fault}`,
    fault: ['create-snapshot', { fault: String(fault) }],
    before: (_vm, at) => at.vcenter.clearCalls(),
    again: number > 0,
    exit: Number(exit),
    code: String(code),
    after: expectOneSnapshot,
  })),
  {
    what: 'empty and short pages',
    fault: ['page-length', { bytes: 1048576 }],
    exit: 0,
    modes: incremental,
    says: /changed areas/,
  },
  {
    what: 'a session that expires in the middle',
    fault: ['session-expiry', { after: 6, count: 1 }],
    exit: 0,
    modes: incremental,
  },
  { what: 'quiescing fails and is only tried', fault: ['quiesce'], exit: 3, modes: incremental, says: /quiesc/i },
  {
    what: 'quiescing fails and is required',
    fault: ['quiesce'],
    lines: ['quiesce: required'],
    exit: 1,
    code: 'snapshot.quiesce',
  },
  {
    what: 'a snapshot that cannot be removed at first',
    fault: ['remove-snapshot', { count: 2 }],
    exit: 0,
    modes: incremental,
  },
  {
    what: 'a snapshot that somebody removes while it is read',
    before: async (vm, at) => {
      await at.plan('plan.yaml', vm, [], ['limits: { jobRate: 256KiB }']);
      for (let piece = 0; piece < 8; piece++) await vm.write(0, piece * MiB, Buffer.alloc(300_000, piece + 1));
      void (async () => {
        for (;;) {
          const [ours] = await vm.snapshots();
          if (ours) return delay(1500).then(() => vm.removeSnapshot(ours.moref));
          await delay(50);
        }
      })();
    },
    exit: 1,
    code: 'source.changed',
  },
  {
    what: 'a foreign snapshot',
    before: async (vm) => void (await vm.snapshot('before the upgrade')),
    exit: 1,
    code: 'snapshot.foreign',
    after: async (vm) => {
      const [foreign] = await vm.snapshots();
      expect(foreign?.name).toBe('before the upgrade');
      await vm.removeSnapshot(foreign?.moref ?? '');
    },
  },
  {
    what: 'a snapshot that another task delays',
    fault: ['create-snapshot', { count: 1 }],
    exit: 0,
    modes: incremental,
  },
  {
    what: 'a snapshot that cannot be made',
    fault: ['create-snapshot', { fault: 'SnapshotFault' }],
    exit: 1,
    code: 'snapshot.failed',
  },
  { what: 'a wrong password', fault: ['login'], exit: 12, code: 'vsphere.login' },
  {
    what: 'a missing privilege',
    fault: ['no-permission', { method: 'CreateSnapshot_Task' }],
    exit: 12,
    code: 'vsphere.permission',
  },
  { what: 'slow answers', fault: ['slow', { ms: 150 }], exit: 0, modes: incremental, again: true },
  { what: 'dropped connections', fault: ['drop', { count: 2, after: 3 }], exit: 0, modes: incremental },
  {
    what: 'a resized disk',
    before: (vm) => vm.resizeDisk(0, 12 * MiB),
    exit: 0,
    modes: ['full', 'incremental'],
    says: /capacity/,
  },
  { what: 'disks that change places', before: (vm) => vm.swapDisks(0, 1), exit: 0, modes: incremental },
  {
    what: 'a disk that becomes independent',
    before: (vm) => vm.set({ disk: 1, mode: 'independent_persistent' }),
    exit: 3,
    modes: ['incremental'],
    says: /NOT PROTECTED/,
    after: (vm) => vm.set({ disk: 1, mode: 'persistent' }),
  },
];

describe('what goes wrong in vSphere ends in the right decision, without a snapshot left', () => {
  afterAll(endShared);
  test.for(enough(cases))(
    '$what',
    { timeout: 300_000 },
    async ({ fault, before, lines, exit, code, modes: expected, says, after }, { onTestFailed }) => {
      onTestFailed(dropShared);
      const at = await backedUpBefore();
      const { vm } = at;
      if (lines) await at.plan('plan.yaml', vm, lines);
      await before?.(vm, at);
      if (fault) await at.vcenter.fault(...fault);
      const outcome = await at.run('plan.yaml');
      const told = JSON.stringify(outcome.finished);
      expect(outcome.finished.exit_code, told).toBe(exit);
      if (code) expect(outcome.finished.error?.code, told).toBe(code);
      if (expected) expect(modes(outcome), told).toEqual(expected);
      if (says)
        expect([...disksOf(outcome).map(({ reason }) => reason), ...outcome.finished.warnings].join('\n')).toMatch(
          says,
        );
      if (exit === 0 || exit === 3) await expectFrozen(at, vm, outcome);
      await after?.(vm, at);
      await at.vcenter.clearFaults();
      await expectClean(vm);
      expect(leftovers(at.work.folder)).toEqual([]);
      await at.plan('plan.yaml', vm);
      // The next case has a chain that goes on; at full length each has a run of its own for that.
      if (all && (exit !== 0 || /digest/.test(says?.source ?? ''))) await expectRecovered(at, vm);
    },
  );
});

test(
  'disks that are added between the look at the VM and its snapshot are not protected, and everything says so',
  { timeout: 300_000 },
  async () => {
    await using at = await backedUp();
    const { vm, vcenter } = at;
    await vcenter.clearCalls();
    await vcenter.fault('hang', { for: 'CreateSnapshot_Task' });
    const running = at.run('plan.yaml');
    while (!(await vcenter.calls()).some(({ method }) => method === 'CreateSnapshot_Task')) await delay(50);
    await vm.addDisk({ capacity: 4 * MiB });
    await vm.addDisk({ capacity: 4 * MiB, mode: 'independent_persistent' });
    await vcenter.clearFaults();
    const outcome = await running;
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 3 });
    const warnings = outcome.finished.warnings.filter((warning) => warning.includes('NOT PROTECTED')).join('\n');
    expect(warnings).toMatch(/Hard disk .* is NOT PROTECTED: it was added after the VM was looked at/);
    expect(warnings).toMatch(/Hard disk .* is NOT PROTECTED: the disk is independent/);
    const { disks, not_protected: missing } = await at.manifest(outcome.finished.backup_id);
    expect(disks).toHaveLength(2);
    expect(missing?.map(({ uuid }) => uuid).toSorted()).toEqual(
      vm.disks
        .slice(2)
        .map(({ uuid }) => uuid)
        .toSorted(),
    );
    await expectFrozen(at, vm, outcome);
    const next = await at.run('plan.yaml');
    expect(modes(next)).toEqual([...incremental, 'full']);
    expect(next.finished.warnings.filter((warning) => warning.includes('NOT PROTECTED'))).toHaveLength(1);
    await expectClean(vm);
  },
);

test(
  'a cancelled run whose snapshot cannot be removed says so, and recovery waits for it',
  { timeout: 300_000 },
  async () => {
    await using at = await backedUp();
    const { vm, work, vcenter } = at;
    for (let piece = 0; piece < 8; piece++) await vm.write(0, piece * MiB, Buffer.alloc(300_000, piece + 1));
    await at.plan('plan.yaml', vm, [], ['limits: { jobRate: 128KiB }']);
    await vcenter.fault('remove-snapshot');
    const hub = spawn(process.execPath, [program, '--json', 'run', 'plan.yaml'], {
      cwd: work.folder,
      env: { ...process.env, ...vcenter.vddkEnvironment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const said = text(hub.stdout);
    while ((await vm.snapshots()).length === 0) await delay(50);
    hub.kill('SIGINT');
    const lines = (await said).trim().split('\n');
    const finished = JSON.parse(lines.at(-1) ?? '') as RunOutcome['finished'];
    expect(finished).toMatchObject({ status: 'cancelled', exit_code: 16 });
    // Told while it is waited for, not only in the end.
    expect(lines.some((line) => /"step.log".*waiting for job .* to end: .*snapshot sendense-/.test(line))).toBe(true);
    expect(finished.undo_errors.map(({ message }) => message).join()).toContain('still removing its snapshot');

    await vcenter.clearFaults();
    expect((await work.call(['recover'])).exitCode).toBe(0);
    await expectClean(vm);
    expect(leftovers(work.folder)).toEqual([]);
  },
);
