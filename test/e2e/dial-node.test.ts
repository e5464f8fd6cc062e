import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { describe, expect, test, vi } from 'vitest';
import { makeKeyPair } from '../../src/host/ssh/keys.ts';
import type { RunEvent } from '../../src/schemas/types.ts';
import { processesNaming } from '../support/processes.ts';
import { dialledWorkspace, keyOptions, nbdPorts, writeKey, type DialledWorkspace } from './dialled-node.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, disksOf, makeRaw, program, restorePlan, sameBytes, writeAt } from './workspace.ts';
import { randomBytes } from '../support/random.ts';

const MiB = 1024 * 1024;
const patience = { timeout: 200_000, interval: 50 };

async function twoDisks({ work }: DialledWorkspace, more = ''): Promise<void> {
  for (const name of ['disk0.raw', 'disk1.raw'])
    await makeRaw(work.path(name), 24 * MiB, [
      [0, 3 * MiB],
      [20 * MiB, 2 * MiB + 512],
    ]);
  await work.write('plan.yaml', backupPlan([work.path('disk0.raw'), work.path('disk1.raw')], `node: sna1\n${more}`));
}

/** Processes of tunnels of this test: the hub's, which name the node's address, and the node's, of its sshd. */
const tunnels = (at: DialledWorkspace): string[] =>
  processesNaming(at.hosts.node.address).filter((argv) => argv.includes('HostKeyAlias'));

async function expectNothingLeft(at: DialledWorkspace): Promise<void> {
  expect(tunnels(at)).toEqual([]);
  expect(leftovers(at.work.folder)).toEqual([]);
  expect(await readdir(at.jobsFolder).catch(() => [])).toEqual([]);
  await vi.waitUntil(async () => !/:101[0-9][0-9]\s/.test(await at.hosts.node.run('ss', '-Hltn')), patience);
}

/** A run that has begun to move data, and all that it says. */
async function startedRun({ work, hosts }: DialledWorkspace): Promise<{ run: ChildProcess; events: RunEvent[] }> {
  const [file = '', ...args] = [...hosts.hub.prefix, process.execPath, program, '--json', 'run', 'plan.yaml'];
  const run = spawn(file, args, { cwd: work.folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const events: RunEvent[] = [];
  createInterface({ input: run.stdout }).on('line', (line) => events.push(JSON.parse(line) as RunEvent));
  const moves = (event: RunEvent): boolean =>
    event.type === 'step.progress' && event.disks.some((disk) => disk.bytes_done > 0);
  await vi.waitUntil(() => events.some(moves) || run.exitCode !== null, patience);
  return { run, events };
}

describe('a node that the hub dials', () => {
  test('full, incremental and restore, with no more allowed than is needed', { timeout: 300_000 }, async () => {
    await using at = await dialledWorkspace();
    const { work } = at;
    await twoDisks(at);
    for (const mode of ['full', 'incremental']) {
      const outcome = await work.run('plan.yaml');
      expect(outcome.finished, JSON.stringify(outcome.finished) + outcome.stderr).toMatchObject({ exit_code: 0 });
      expect(disksOf(outcome).map((disk) => disk.mode)).toEqual([mode, mode]);
      await work.write(`restore-${mode}.yaml`, restorePlan(`./restored-${mode}`));
      expect((await work.run(`restore-${mode}.yaml`)).finished).toMatchObject({ exit_code: 0 });
      for (const disk of [0, 1])
        expect(await sameBytes(work.path(`restored-${mode}/disk-${disk}.raw`), work.path(`disk${disk}.raw`))).toBe(
          true,
        );
      await expectNothingLeft(at);
      await writeAt(work.path('disk1.raw'), [7 * MiB, randomBytes(MiB)]);
      // A key that is no file, and a host key that is about to change.
      const [hostKey = ''] = at.sshd.server.hostKeys;
      await at.settings({
        key: `{ command: [cat, ${at.sshd.keyFile}] }`,
        hostKey: `["${makeKeyPair('next').publicKey}", "${hostKey}"]`,
      });
    }
  });

  test('whatever is wrong has its error and its exit code, and leaves nothing', { timeout: 300_000 }, async () => {
    await using at = await dialledWorkspace();
    const { work, hosts } = at;
    await twoDisks(at);
    const failure = async (): Promise<{ exit: number; code: string; message: string }> => {
      const { finished } = await work.run('plan.yaml');
      await expectNothingLeft(at);
      return { exit: finished.exit_code, code: finished.error?.code ?? '', message: finished.error?.message ?? '' };
    };
    const other = makeKeyPair('other');
    await at.settings({ hostKey: other.publicKey });
    expect(await failure()).toMatchObject({
      exit: 12,
      code: 'ssh.host-key',
      message: expect.stringContaining('SHA256:') as string,
    });
    await writeKey(work.path('stranger'), other.privateKey);
    await at.settings({ key: '{ file: ./stranger }' });
    expect(await failure()).toMatchObject({
      exit: 12,
      code: 'ssh.key',
      message: expect.stringContaining('refused the key') as string,
    });
    await at.settings({ api: '127.0.0.1:8080' });
    expect(await failure()).toMatchObject({
      exit: 1,
      code: 'ssh.forward',
      message: expect.stringContaining('127.0.0.1:8080') as string,
    });
    await at.settings({ port: '23' });
    expect(await failure()).toMatchObject({
      exit: 75,
      code: 'ssh.unreachable',
      message: expect.stringContaining('refused') as string,
    });

    // Data beside the tunnel, to an address at which this hub is not.
    await at.settings({
      api: `127.0.0.1:8081\n    data: { listen: ${hosts.hub.address}, host: ${hosts.node.address}, tls: psk }`,
    });
    expect(await failure()).toMatchObject({
      exit: 75,
      code: 'data.unreachable',
      message: expect.stringContaining(`${hosts.node.address}:${nbdPorts.to}`) as string,
    });

    // The ports that are tried first are the last ones; the run itself takes the first.
    await at.settings();
    const holder = spawn(
      hosts.node.prefix[0]!,
      [
        ...hosts.node.prefix.slice(1),
        process.execPath,
        '-e',
        `require('net').createServer().listen(${nbdPorts.from}, '127.0.0.1', () => console.log('up'))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder.stdout!, 'data');
    const taken = await work.run('plan.yaml');
    expect(taken.finished).toMatchObject({
      exit_code: 1,
      error: {
        code: 'ssh.forward',
        message: expect.stringMatching(
          new RegExp(`node sna1: port ${nbdPorts.from} is taken there: \\S+ \\(process [0-9]+\\) holds it`),
        ) as string,
      },
    });
    const begun = taken.events.filter((event) => event.type === 'step.started').map((event) => event.uses);
    expect(begun.at(-1)).toBe('ports.allocate');
    holder.kill();
    await once(holder, 'exit');
    await expectNothingLeft(at);
    expect((await work.run('plan.yaml')).finished).toMatchObject({ exit_code: 0 });
  });

  test(
    'a node that does not allow the NBD ports is refused before anything is done',
    { timeout: 300_000 },
    async () => {
      await using at = await dialledWorkspace({ keyOptions: keyOptions({ from: 10_200, to: 10_200 }) });
      await twoDisks(at);
      const outcome = await at.work.run('plan.yaml');
      expect(outcome.finished).toMatchObject({ exit_code: 1, error: { code: 'ssh.forward' } });
      expect(outcome.events.filter((event) => event.type === 'step.started').map((event) => event.uses)).toEqual([
        'hub.preflight',
      ]);
      await expectNothingLeft(at);
    },
  );

  test(
    'the connection breaks in the middle: the copy goes on, and every byte is right',
    { timeout: 300_000 },
    async () => {
      await using at = await dialledWorkspace();
      const { work, sshd } = at;
      await twoDisks(at, 'limits: { jobRate: 2MiB }\n');
      const { run, events } = await startedRun(at);
      const ended = once(run, 'close');
      expect(run.exitCode, JSON.stringify(events.at(-1))).toBeNull();
      for (let breaks = 0; breaks < 2; breaks++) {
        await sshd.stop();
        const said = (): number =>
          events.filter(
            (event) => event.type === 'step.log' && /^connection [12] of 2 to the node is back/.test(event.message),
          ).length;
        await vi.waitUntil(() => tunnels(at).length === 0, patience);
        await sshd.start();
        // A connection for each disk.
        await vi.waitUntil(() => said() === 2 * (breaks + 1), patience);
      }
      await ended;
      expect(events.at(-1), JSON.stringify(events.at(-1))).toMatchObject({ type: 'run.finished', status: 'succeeded' });
      await work.write('restore.yaml', restorePlan('./restored'));
      expect((await work.run('restore.yaml')).finished).toMatchObject({ exit_code: 0 });
      for (const disk of [0, 1])
        expect(await sameBytes(work.path(`restored/disk-${disk}.raw`), work.path(`disk${disk}.raw`))).toBe(true);
      await expectNothingLeft(at);
    },
  );

  test(
    'kill -9 of the run in the middle: no ssh is left, and recover removes the rest',
    { timeout: 300_000 },
    async () => {
      await using at = await dialledWorkspace();
      const { work } = at;
      await twoDisks(at, 'limits: { jobRate: 1MiB }\n');
      const { run, events } = await startedRun(at);
      expect(run.exitCode, JSON.stringify(events.at(-1))).toBeNull();
      // To the API, and one for each disk.
      await vi.waitFor(() => expect(tunnels(at)).toHaveLength(3), patience);
      const ended = once(run, 'exit');
      run.kill('SIGKILL');
      await ended;
      await vi.waitUntil(() => tunnels(at).length === 0, patience);
      // Where the client on the node takes its time to end, it says so and is to be called again.
      await vi.waitFor(async () => expect(await work.call(['recover'])).toMatchObject({ exitCode: 0 }), patience);
      await expectNothingLeft(at);
    },
  );
});
