import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { atMonitor } from '../../src/boot/monitor.ts';
import { socketPath } from '../../src/host/files/socket-path.ts';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import type { DrillOutput, SlotsOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { linuxDisk } from '../guests/linux-guest.ts';
import { testProgram } from '../programs.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { processesWith } from '../support/processes-with.ts';
import { processesNaming } from '../support/processes.ts';
import { bootCalls, endBoots } from './boot-bench.ts';
import { backupPlan, makeRaw, program, workspace, writeAt, type Workspace } from './workspace.ts';

const MiB = 2 ** 20;
const timeout = 300_000;

let work: Workspace;
let vm: ReturnType<typeof bootCalls>;

beforeAll(async () => {
  work = await workspace();
  vm = bootCalls(work);
  await makeRaw(work.path('boots.raw'), MiB, []);
  await writeAt(work.path('boots.raw'), [0, bootSector('login: ')]);
  await makeRaw(work.path('empty.raw'), MiB, []);
  await linuxDisk(work.path('linux.raw'), 'bios');
  for (const [name, disk] of [
    ['db1', 'boots.raw'],
    ['db2', 'boots.raw'],
    ['app1', 'boots.raw'],
    ['empty1', 'empty.raw'],
    ['linux1', 'linux.raw'],
    ['web1', 'boots.raw'],
  ] as const) {
    await work.write(`${name}.yaml`, backupPlan([disk]).replaceAll('pgtest1', name));
    const run = await work.run(`${name}.yaml`);
    if (run.exitCode !== 0) throw new Error(run.stderr);
  }
}, timeout);

afterAll(async () => {
  await endBoots(work);
  await work[Symbol.asyncDispose]();
});

const small = 'memory: 32MiB, cpus: 1, wait: { serial: { mark: "login:" } }';

const drill = (name: string, vms: readonly string[], more = ''): Promise<void> =>
  work.write(
    `${name}.yaml`,
    `version: 1\nkind: boot\nname: ${name}\nrepository: primary\naccel: tcg\nreserve: 1MiB\nvms:\n${vms.map((one) => `  - { ${one} }\n`).join('')}${more}`,
  );

function reportOf(runId: string): DrillOutput {
  const folder = work.path('state/logs');
  const [month = ''] = readdirSync(folder);
  const report: unknown = JSON.parse(readFileSync(join(folder, month, `${runId}-drill.json`), 'utf8'));
  const validate = validatorOf('output/drill.json');
  expect(validate(structuredClone(report)), describeErrors(validate.errors)).toBe(true);
  return report as DrillOutput;
}

const folders = (): string[] =>
  existsSync(work.path('state/boots'))
    ? readdirSync(work.path('state/boots')).filter((name) => name.startsWith('boot-'))
    : [];

/** Sockets of the networks of VMs. */
const networks = (): string[] => readdirSync(work.path('state/boots')).filter((name) => /^net-\w+\.sock$/.test(name));

/** A card that is plugged into the network of VMs hears one of them announce itself. @param mac hex */
async function hears(path: string, vmFolder: string, mac: string): Promise<void> {
  const card = connect(socketPath(path));
  await once(card, 'connect');
  let heard = '';
  card.on('data', (data: Buffer) => (heard += data.toString('hex')));
  // The switch may take the card a moment after it is plugged in.
  const announced = async (): Promise<boolean> => {
    await atMonitor(vmFolder, (ask) => ask('announce-self', { initial: 50, max: 50, rounds: 1, step: 0 }));
    return heard.includes(mac);
  };
  await vi.waitUntil(announced, { timeout: 200_000, interval: 100 });
  card.destroy();
}

describe('a plan of kind boot', { timeout }, () => {
  it('starts VMs in their order, judges each, reports, and leaves nothing behind', async () => {
    await drill('good', [
      `vm: db2, after: [linux1], ${small}`,
      `vm: db1, ${small}`,
      `vm: linux1, after: [db1], memory: 96MiB, cpus: 1, wait: { agent: true }`,
      `vm: web1, after: [app1], delay: 4s, ${small}`,
      `vm: app1, after: [db1, db2], memory: 32MiB, cpus: 1, wait: { time: 1s }`,
    ]);
    expect((await work.call(['plan', 'good.yaml'])).stdout).toContain('until its guest agent answers');
    const { exitCode, stdout, stderr } = await work.call(['run', 'good.yaml']);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/db2 \S+ {2}up after \d+ s \(serial\)[^]*report/);
    const report = reportOf(/run (\S+)$/m.exec(stdout)?.[1] ?? '');
    expect(report).toMatchObject({ ok: true, plan: 'good' });
    const byName = (name: string): DrillOutput['vms'][0] | undefined => report.vms.find(({ vm: one }) => one === name);
    const vms = ['db1', 'linux1', 'db2', 'app1', 'web1'].map(byName);
    expect(report.vms).toHaveLength(vms.length);
    // One of them is up when the agent in its guest answers.
    expect(vms.map((one) => `${one?.vm} ${one?.state} ${one?.sign}`)).toEqual([
      'db1 up serial',
      'linux1 up agent',
      'db2 up serial',
      'app1 up time',
      'web1 up serial',
    ]);
    for (const [at, one] of vms.entries()) {
      const before = vms[at - 1];
      if (before)
        expect(one?.started).toBeGreaterThanOrEqual(
          Math.floor((before.started ?? 0) + (before.seconds ?? 0) * 1000) + (one?.vm === 'web1' ? 4000 : 0),
        );
    }
    expect(
      readFileSync(vms[0]?.screenshot ?? '')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect([folders(), await vm.list(), networks(), processesNaming(work.path('state/boots/boot-'))]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  it('runs when it is due, and once', async () => {
    await drill(
      'weekly',
      [`vm: db1, ${small}`],
      'schedule: { cron: "0 0 * * 0", catchUp: latest, catchUpWindow: 8d }\n',
    );
    const timer = () => work.call(['schedule', 'run', '--timer', 'weekly.yaml']);
    const run = await timer();
    expect(run.exitCode, run.stderr).toBe(0);
    const { slots } = JSON.parse(await vm.call('schedule', 'history', '--json')) as SlotsOutput;
    expect(slots).toMatchObject([{ plan: 'weekly', state: 'succeeded' }]);
    expect(reportOf(slots[0]?.run_id ?? '')).toMatchObject({ ok: true, vms: [{ vm: 'db1', state: 'up' }] });
    expect((await timer()).stdout).toBe('weekly.yaml: nothing is due');
  });

  it('whose second VM does not come up starts no other one, if the plan says so', async () => {
    await drill(
      'stops',
      [`vm: db1, ${small}`, `vm: empty1, ${small}`, `vm: app1, ${small}`, `vm: db2, ${small}`],
      'onFailure: stop\n',
    );
    const { finished, stdout } = await work.run('stops.yaml');
    expect(finished.error?.code).toBe('boot.drill');
    expect(reportOf(finished.run_id).vms.map(({ vm: name, state }) => `${name} ${state}`)).toEqual([
      'db1 up',
      'empty1 failed',
      'app1 skipped',
      'db2 skipped',
    ]);
    expect(stdout).toContain('empty1 is not up, and the plan stops then');
    expect([folders(), await vm.list()]).toEqual([[], []]);
  });

  it('goes on without a VM that does not come up, does not start what comes after it, and fails', async () => {
    await drill('bad', [
      `vm: empty1, ${small}`,
      `vm: app1, after: [empty1], ${small}`,
      `vm: db1, ${small}`,
      `vm: nobody, ${small}`,
    ]);
    const { exitCode, finished, stdout } = await work.run('bad.yaml');
    expect([exitCode, finished.error?.code]).toEqual([1, 'boot.drill']);
    const report = reportOf(finished.run_id);
    expect(report.vms.map(({ vm: name, state }) => `${name} ${state}`)).toEqual([
      'empty1 failed',
      'app1 skipped',
      'db1 up',
      'nobody failed',
    ]);
    expect(report.vms.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('finds no disk'),
      'empty1 is not up',
      null,
      expect.stringContaining('nobody'),
    ]);
    expect(stdout).toContain('empty1 is not up');
    expect([folders(), await vm.list()]).toEqual([[], []]);
  });

  it('lets its VMs reach each other, also one that was started again, and nobody else can come in', async () => {
    await drill('net', [`vm: db1, ${small}`, `vm: db2, ${small}`], 'keepRunning: true\n');
    expect((await work.run('net.yaml')).exitCode).toBe(0);
    const [db1, db2] = await vm.list();
    expect([db1?.network, db2?.network]).toEqual(['isolated', 'isolated']);
    const [name = ''] = networks();
    expect(statSync(work.path('state/boots', name)).mode & 0o077).toBe(0);
    await vm.call('boot', 'stop', db2?.id ?? '', '--power-off', '--force');
    await vm.call('boot', 'start', db2?.id ?? '');
    for (const { id } of [db1, db2].flatMap((one) => one ?? [])) {
      const { folder, guest_pid: pid } = await vm.status(id);
      const mac = /mac=([0-9a-f:]+)/.exec(argvOf(pid ?? 0).join(' '))?.[1] ?? 'none';
      await hears(work.path('state/boots', name), folder, mac.replaceAll(':', ''));
    }
    for (const one of [db1, db2]) await vm.call('boot', 'stop', one?.id ?? '', '--yes');
    expect([processesNaming(name), existsSync(work.path('state/boots', name))]).toEqual([[], false]);
  });

  it('keeps those running that came up, if it is to, and somebody looks after them', async () => {
    await drill('stay', [`vm: db1, ${small}`, `vm: empty1, ${small}`], 'keepRunning: true\n');
    const { exitCode, stderr } = await work.call(['run', 'stay.yaml']);
    expect([exitCode, /boot\.drill/.test(stderr)]).toEqual([1, true]);
    const [left, ...others] = await vm.list();
    expect([left?.vm, left?.state, others]).toEqual(['db1', 'running', []]);
    process.kill(left?.disks[0]?.server_pid ?? 0, 'SIGKILL');
    const [name = ''] = networks();
    for (const pid of processesWith(name)) process.kill(pid, 'SIGKILL');
    await vm.until(
      left?.id ?? '',
      ({ disks }) => ![null, left?.disks[0]?.server_pid].includes(disks[0]?.server_pid ?? null),
    );
    const prune = await vm.call('prune', '--vm', 'db1', '--keep-last', '1', '--yes', '--json');
    expect(prune).toContain('"removed":[]');
    expect(networks()).toEqual([name]);
    await vm.call('boot', 'stop', left?.id ?? '', '--yes');
    expect(networks()).toEqual([]);
  });

  it.each([
    ['boot.start', 'says: db1 is started'],
    ['boot.start', 'after'],
    ['boot.finish', 'before'],
    ['boot.finish', 'after'],
  ])('that is killed (%s, %s) is cleaned up by the next command', async (step, when) => {
    await drill('killed', [`vm: db1, ${small}`, `vm: db2, after: [db1], memory: 32MiB, cpus: 1, wait: { time: 1s }`]);
    const killed = await execa(process.execPath, [testProgram('e2e/killed-run-child'), 'killed.yaml', step, when], {
      cwd: work.folder,
      reject: false,
    });
    expect(killed.signal).toBe('SIGKILL');
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect([folders(), await vm.list()]).toEqual([[], []]);
  });

  it('that is cancelled while a guest comes up ends all VMs', async () => {
    await drill('long', [`vm: db1, memory: 32MiB, cpus: 1, wait: { serial: { mark: "never said" } }`]);
    const run = execa(process.execPath, [program, 'run', 'long.yaml'], { cwd: work.folder, reject: false });
    await vi.waitUntil(async () => (await vm.list()).some(({ state }) => state === 'running'), {
      timeout: 300_000,
      interval: 100,
    });
    run.kill('SIGTERM');
    expect((await run).exitCode).not.toBe(0);
    expect([folders(), await vm.list()]).toEqual([[], []]);
  });

  it('says before anything starts what it would do, and what is wrong', async () => {
    const plan = await work.call(['plan', 'good.yaml']);
    expect(plan.stdout).toMatch(/db2: from \S+, after linux1, until its serial console says "login:"/);
    await drill('wrong', [`vm: db1, after: [db1], ${small}`]);
    expect((await work.call(['validate', 'wrong.yaml'])).stdout).toContain('cannot wait for itself');
    await drill('bridge', [`vm: db1, ${small}`], 'network: "bridge:a,b=c"\n');
    expect((await work.call(['run', 'bridge.yaml'])).exitCode).toBe(10);
  });
});
