import { execa } from 'execa';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { portHolder } from '../../src/host/net/port-holder.ts';
import { liveProcesses } from '../../src/host/programs/process-identity.ts';
import type { RunFinishedEvent } from '../../src/schemas/types.ts';
import { until } from '../node/support.ts';
import { programs } from '../programs.ts';
import { freePort } from '../support/free-ports.ts';
import { enough, type Repeated } from '../support/rounds.ts';
import { daemonsOf } from './daemons.ts';
import { leftovers } from './nothing-left.ts';
import { expectClean, expectFrozen, MiB, vsphereWorkspace } from './vsphere-workspace.ts';
import { backupPlan, defaultSettings, disksOf, makeRaw, program, sameContent, workspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** What a run consists of while it copies. */
type Part = 'run' | 'client' | 'source server' | 'hub server' | 'node';

/** Which process of a workspace is what, by its command line. */
const isPart: Readonly<Record<Part, (argv: readonly string[]) => boolean>> = {
  'run': (argv) => argv[1] === program && argv.includes('run'),
  'node': (argv) => argv[1] === programs.node,
  'client': (argv) => argv.includes('--job-dir'),
  'source server': ([name = '', ...args]) =>
    (basename(name) === 'qemu-nbd' && args.includes('--read-only')) ||
    (basename(name) === 'nbdkit' && args.includes('--readonly')),
  'hub server': ([name = '', ...args]) => basename(name) === 'qemu-nbd' && !args.includes('--read-only'),
};

const ofWorkspace = ({ folder }: Workspace): { pid: number; argv: readonly string[] }[] =>
  [...liveProcesses()]
    .filter(({ identity, argv }) => identity.pid !== process.pid && argv.some((word) => word.includes(folder)))
    .map(({ identity, argv }) => ({ pid: identity.pid, argv }));

const partOf = (work: Workspace, part: Part): number[] =>
  ofWorkspace(work)
    .filter(({ argv }) => isPart[part](argv))
    .map(({ pid }) => pid);

interface StartedRun {
  readonly child: ChildProcess;
  /** The last event that it told. */
  readonly ended: Promise<RunFinishedEvent | null>;
}

/** A run whose copy is slow, once all its parts are there. */
async function slowRun(work: Workspace, parts: readonly Part[], env: NodeJS.ProcessEnv = {}): Promise<StartedRun> {
  const child = spawn(process.execPath, [program, '--json', 'run', work.path('plan.yaml')], {
    cwd: work.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close').then(() => {
    const last = said.trim().split('\n').at(-1) ?? '';
    return last.includes('"run.finished"') ? (JSON.parse(last) as RunFinishedEvent) : null;
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
    return /"phase":"copying"/.test(said) && parts.every((part) => partOf(work, part).length > 0);
  }, 'it copies');
  return { child, ended };
}

/** All at once, so that none has time for what the death of another makes it do. */
function kill(work: Workspace, parts: readonly Part[]): void {
  const pids = parts.flatMap((part) => partOf(work, part));
  expect(pids.length, parts.join()).toBeGreaterThanOrEqual(parts.length);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

/** Nothing that a run started is there any more; `but` is none of it. */
async function untilNothingRuns(work: Workspace, but: readonly Part[] = []): Promise<void> {
  const left = (): string[] =>
    ofWorkspace(work)
      .filter(({ argv }) => !but.some((part) => isPart[part](argv)))
      .map(({ argv }) => argv.join(' '));
  await expect.poll(left, { timeout: 200_000 }).toEqual([]);
}

/** As the VM does when it is started: takes QEMU's lock, and writes. */
async function expectWritable(disk: string): Promise<void> {
  const { exitCode, stderr } = await execa('qemu-io', ['-f', 'raw', '-c', 'write -P 7 512 512', disk], {
    reject: false,
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

const slow = (more = ''): string => `limits: { jobRate: 256KiB }\n${more}`;

async function imageWorkspace(settings?: string): Promise<{ work: Workspace; disk: string } & AsyncDisposable> {
  const work = await workspace({ ownProcess: true, ...(settings ? { settings } : {}) });
  const disk = work.path('disk0.raw');
  await makeRaw(disk, 16 * MiB, [[0, 12 * MiB]]);
  return { work, disk, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

/** The plan without its limits, from what was left by the run that was killed. */
async function expectNextRun(work: Workspace, disk: string, more = ''): Promise<void> {
  await work.write('plan.yaml', backupPlan([disk], more));
  const next = await work.run('plan.yaml');
  expect(next.finished, JSON.stringify(next.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
  expect(await sameContent(disksOf(next)[0]?.path ?? '', disk)).toBe(true);
  await untilNothingRuns(work, ['node']);
}

interface Case extends Repeated {
  readonly killed: readonly Part[];
}

const embedded: Case[] = [
  { killed: ['run', 'client'] },
  { killed: ['run'], again: true },
  { killed: ['client'], again: true },
  { killed: ['source server'], again: true },
  { killed: ['hub server'], again: true },
  { killed: ['run', 'client', 'hub server', 'source server'], again: true },
];

describe('SIGKILL while an image is copied by the embedded node', () => {
  test.for(enough(embedded))('of $killed: nothing of the run outlives it', { timeout: 300_000 }, async ({ killed }) => {
    await using at = await imageWorkspace();
    const { work, disk } = at;
    await work.write('plan.yaml', backupPlan([disk], slow()));
    const run = await slowRun(work, ['client', 'source server', 'hub server']);
    kill(work, killed);
    const finished = await run.ended;
    await untilNothingRuns(work);
    await expectWritable(disk);
    if (killed.includes('hub server') && finished)
      expect(finished.error).toMatchObject({
        code: 'nbd.failed',
        message: expect.stringMatching(/^qemu-nbd of disk-0 \(process \d+\) ended while/) as string,
      });
    expect(finished?.status ?? 'died').toBe(killed.includes('run') ? 'died' : 'failed');
    await expectNextRun(work, disk);
    expect(leftovers(work.folder)).toEqual([]);
  });
});

const direct: Case[] = [
  { killed: ['hub server'] },
  { killed: ['run'], again: true },
  { killed: ['client'], again: true },
  { killed: ['source server'], again: true },
  { killed: ['run', 'client'], again: true },
  { killed: ['run', 'node'], again: true },
  { killed: ['run', 'node', 'client'], again: true },
];

const token = 'canary-token-0123456789abcdef';

/** A node as a process of its own. */
async function startNode(work: Workspace, port: number): Promise<AsyncDisposable> {
  const words = ['serve', '--listen', `127.0.0.1:${port}`, '--state-dir', work.path('node')];
  const child = spawn(process.execPath, [programs.node, ...words, '--token-file', work.path('token')], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await until(async () => portHolder(port) !== null, 'the node listens');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Ten minutes later nobody has asked. */
async function letTheLeaseRunOut(work: Workspace): Promise<void> {
  const jobs = work.path('node', 'jobs');
  const longAgo = String(Number(process.hrtime.bigint() / 1_000_000n) - 600_000);
  for (const job of readdirSync(jobs)) await writeFile(join(jobs, job, 'asked'), longAgo);
}

describe('SIGKILL while an image is copied by a node of its own', () => {
  test.for(enough(direct))('of $killed: nothing of the run outlives it', { timeout: 300_000 }, async ({ killed }) => {
    const [port, nbd] = [await freePort(), await freePort()];
    await using at = await imageWorkspace(
      `${defaultSettings}ports: { from: ${nbd}, to: ${nbd} }\nnodes:\n  esx: { mode: direct, url: "http://127.0.0.1:${port}", token: { secret: { file: ./token } } }\n`,
    );
    const { work, disk } = at;
    await writeFile(work.path('token'), token, { mode: 0o600 });
    await using stack = new AsyncDisposableStack();
    stack.use(await startNode(work, port));
    await work.write('plan.yaml', backupPlan([disk], slow('node: esx\n')));
    const run = await slowRun(work, ['client', 'source server', 'hub server']);
    const killedAt = performance.now();
    kill(work, killed);
    const finished = await run.ended;
    // A server that is gone is not waited for as a network is (60 s).
    if (killed.includes('hub server')) expect(performance.now() - killedAt).toBeLessThan(45_000);
    if (killed.includes('hub server')) expect(finished?.error?.code).toBe('nbd.failed');
    await until(
      async () => partOf(work, 'hub server').length === 0 && portHolder(nbd) === null,
      'the hub serves nothing',
    );
    // The client outlives the hub and the node's API, as long as somebody may come back for it.
    if (killed.includes('run') && !killed.includes('client')) {
      await until(async () => !killed.includes('node') || partOf(work, 'node').length === 0, 'the node is gone');
      await letTheLeaseRunOut(work);
    }
    await untilNothingRuns(work, ['node']);
    await expectWritable(disk);
    if (killed.includes('node')) stack.use(await startNode(work, port));
    await expectNextRun(work, disk, 'node: esx\n');
    expect(readdirSync(work.path('node', 'jobs'))).toEqual([]);
    await stack.disposeAsync();
    expect(leftovers(work.folder)).toEqual([]);
  });
});

const vsphere: Case[] = [
  { killed: ['run', 'client'] },
  { killed: ['run'], again: true },
  { killed: ['client'], again: true },
  { killed: ['source server'], again: true },
  { killed: ['hub server'], again: true },
];

describe('SIGKILL while a VM of vSphere is copied', () => {
  test.for(enough(vsphere))('of $killed: nothing of the run outlives it', { timeout: 300_000 }, async ({ killed }) => {
    await using at = await vsphereWorkspace();
    const { work, vcenter } = at;
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      disks: [{ capacity: 16 * MiB, controller: 'scsi0', unit: 0, content: Buffer.alloc(12 * MiB, 7) }],
    });
    await at.plan('plan.yaml', vm, [], ['limits: { jobRate: 256KiB }']);
    const run = await slowRun(work, ['client', 'source server', 'hub server'], vcenter.vddkEnvironment);
    kill(work, killed);
    const finished = await run.ended;
    await untilNothingRuns(work);
    // Who could not remove it has died; all others have, or they say so.
    if (!killed.includes('client')) await expectClean(vm);
    else if (finished && (await vm.snapshots()).length > 0) expect(JSON.stringify(finished)).toContain('snapshot.left');
    await at.plan('plan.yaml', vm);
    const next = await at.run('plan.yaml');
    expect(next.finished, JSON.stringify(next.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
    await expectFrozen(at, vm, next);
    await expectClean(vm);
    expect(leftovers(work.folder)).toEqual([]);
  });
});

test(
  'the daemon cleans up after a run that somebody else began and that was killed',
  { timeout: 300_000 },
  async () => {
    await using at = await imageWorkspace();
    const { work, disk } = at;
    await work.write('plan.yaml', backupPlan([disk], slow()));
    const daemons = daemonsOf(work);
    try {
      daemons.start();
      const going = await slowRun(work, ['client', 'hub server']);
      kill(work, ['run']);
      await going.ended;
      await daemons.until(() => leftovers(work.folder).every((what) => what.startsWith('process ')));
      await daemons.until(() => /runs died/.test(daemons.all[0]?.log() ?? ''));
      expect((await work.call(['history'])).stdout).toContain('crashed');
    } finally {
      await daemons.end();
    }
  },
);

test('a command of a plan and what that has started end with a run that is killed', { timeout: 300_000 }, async () => {
  await using at = await imageWorkspace();
  const { work, disk } = at;
  const hook = "before: [{ run: [sh, -c, 'sleep 1001 & sleep 1002'] }]\n";
  await work.write('plan.yaml', backupPlan([disk], hook));
  const sleeping = (): number[] =>
    [...liveProcesses()]
      .filter(({ argv }) => argv[0] === 'sleep' && ['1001', '1002'].includes(argv[1] ?? ''))
      .map(({ identity }) => identity.pid);
  const child = spawn(process.execPath, [program, 'run', work.path('plan.yaml')], {
    cwd: work.folder,
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await until(async () => sleeping().length === 2, 'the command runs');
  child.kill('SIGKILL');
  await ended;
  await until(async () => sleeping().length === 0, 'all of the command is gone');
  await untilNothingRuns(work);
});
