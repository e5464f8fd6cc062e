import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { identityOf, isRunning } from '../../src/host/programs/process-identity.ts';
import { connectNbd } from '../../src/host/nbd/nbd-client.ts';
import { pskFileIn, readPsk } from '../../src/host/nbd/psk-file.ts';
import { createQcow2 } from '../../src/host/images/qemu-img.ts';
import { makeRunFolder, runFolderOf } from '../../src/host/programs/run-folder.ts';
import type { NbdServeOutput } from '../../src/schemas/types.ts';
import { allocatePorts, listLeases } from '../../src/state/runs/port-leases.ts';
import { pskFolderOf } from '../../src/steps/nbd/data-address.ts';
import { nbdServe } from '../../src/steps/nbd/nbd-serve.ts';
import { nbdStop } from '../../src/steps/nbd/nbd-stop.ts';
import { MiB } from '../host/disk-images.ts';
import { someDecision } from './some-decision.ts';
import { servers, stepBench, type StepBench } from './step-bench.ts';
import { ownPorts } from '../support/free-ports.ts';
import { argvOf, tcpListenersOf } from '../support/listeners.ts';

const disks = [someDecision(), someDecision({ number: 1 })];

/** A hub with a node of its own process, whose disks are served at ports. */
const farNode = { mode: 'direct', url: 'http://127.0.0.1:1', token: { secret: { env: 'NO_TOKEN' } } } as const;
const far = { nodes: { far: { ...farNode, tls: 'none' } } } as const;

/** Two qcow2 files in a repository, and the input that serves them. */
async function toServe(bench: StepBench) {
  const { from } = bench.services.settings.ports;
  const files = disks.map(({ disk, path }) => ({ disk, file: bench.folder.file('repository', path), backing: null }));
  for (const { file } of files) {
    await mkdir(dirname(file), { recursive: true });
    await createQcow2(file, MiB, null);
  }
  return { node: 'far', disks, files, leases: disks.map(({ disk }, at) => ({ disk, port: from + at })) };
}

const run = 'run-nbd';
describe('nbd.serve', () => {
  test('serves each disk on its own port of the loopback and says where, for the node', async () => {
    await using bench = await stepBench(far);
    const input = await toServe(bench);
    const { from } = bench.services.settings.ports;
    await using served = await bench.run<NbdServeOutput>(nbdServe, input, { run });
    expect(served.output.targets).toBe(
      `2000:nbd://127.0.0.1:${from}/disk-0-${run},2001:nbd://127.0.0.1:${from + 1}/disk-1-${run}`,
    );
    for (const { uri } of served.output.servers)
      expect((await execa('nbdinfo', ['--size', uri])).stdout).toBe(String(MiB));
    expect(Object.keys(served.remembered).toSorted()).toEqual(['disk-0', 'disk-1']);
    const preview = await bench.plan(nbdServe, input, run);
    expect((preview.output as NbdServeOutput).targets).toBe(served.output.targets);
    expect(preview.effects[0]?.argv).toEqual(
      expect.arrayContaining(['qemu-nbd', '--persistent', '--shared=100', '--bind=127.0.0.1', `--port=${from}`]),
    );
  });

  test('for a node of its own process only who has the key of the run gets to a disk, which no command line shows', async () => {
    await using bench = await stepBench({ nodes: { far: farNode } });
    await using served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
    const { from } = bench.services.settings.ports;
    expect(served.output.targets).toContain(`2000:nbds://sendense@127.0.0.1:${from}/disk-0-${run},`);
    const keys = pskFolderOf(run);
    const plain = await execa('qemu-io', ['-f', 'raw', `nbd://127.0.0.1:${from}/disk-0-${run}`, '-c', 'read 0 512'], {
      reject: false,
    });
    expect(plain.exitCode).not.toBe(0);
    const [server] = served.output.servers;
    const withKey = `${server?.uri}?tls-psk-file=${encodeURIComponent(pskFileIn(keys))}`;
    expect((await execa('nbdinfo', ['--size', withKey])).stdout).toBe(String(MiB));
    expect((await stat(pskFileIn(keys))).mode & 0o777).toBe(0o600);
    const [, psk = 'no key'] = (await readFile(pskFileIn(keys), 'utf8')).trim().split(':');
    expect(psk).toMatch(/^[0-9a-f]{64}$/);
    expect(argvOf(server?.process.pid ?? 0).join(' ')).not.toContain(psk);
    await served.close();
    expect(await exists(keys)).toBe(false);
  });

  test(
    'hundreds of silent connections to the port of a run keep its node from nothing',
    { timeout: 300_000 },
    async () => {
      await using bench = await stepBench({ nodes: { far: farNode } });
      await using served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
      const { uri = '', port } = served.output.servers[0] ?? {};
      const silent = Array.from({ length: 400 }, () => connect(port ?? 0, '127.0.0.1').on('error', () => undefined));
      await Promise.all(silent.map((socket) => once(socket, 'connect')));
      const psk = await readPsk(pskFolderOf(run));
      await using client = await connectNbd(uri, { psk, signal: AbortSignal.timeout(20_000) });
      expect(client.size).toBe(MiB);
      for (const socket of silent) socket.destroy();
    },
  );

  test('for an embedded node at Unix sockets in a folder that this user alone can open, and at no port', async () => {
    await using bench = await stepBench();
    const input = { ...(await toServe(bench)), node: 'local', leases: [] };
    await using served = await bench.run<NbdServeOutput>(nbdServe, input, { run });
    const socketOf = (disk: string): string => encodeURIComponent(join(runFolderOf(run), `${disk}.sock`));
    expect(served.output.targets).toBe(
      `2000:nbd+unix:///disk-0-${run}?socket=${socketOf('disk-0')},2001:nbd+unix:///disk-1-${run}?socket=${socketOf('disk-1')}`,
    );
    for (const folder of [runFolderOf(run), dirname(runFolderOf(run))])
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const { uri, port, process } of served.output.servers) {
      expect((await execa('nbdinfo', ['--size', uri])).stdout).toBe(String(MiB));
      expect(port).toBeNull();
      expect(tcpListenersOf([process.pid])).toEqual([]);
    }
    const preview = await bench.plan(nbdServe, input, run);
    expect((preview.output as NbdServeOutput).targets).toBe(served.output.targets);
    const argv = preview.effects[0]?.argv ?? [];
    expect(argv).toContain(`--socket=${join(runFolderOf(run), 'disk-0.sock')}`);
    expect(argv.filter((word) => /^--(port|bind)=/.test(word))).toEqual([]);
  });

  test('its servers end with its scope', async () => {
    await using bench = await stepBench(far);
    const served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
    await served.close();
    expect(served.output.servers.map(({ process }) => isRunning(process))).toEqual([false, false]);
    expect(await exists(runFolderOf(run))).toBe(false);
  });

  test.each(['as it is', 'without its pid files'])(
    'after a kill -9 the claim alone finds the servers (folder %s)',
    async (how) => {
      await using bench = await stepBench(far);
      const served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
      if (how !== 'as it is')
        for (const name of await readdir(runFolderOf(run))) await rm(join(runFolderOf(run), name));
      await bench.undo(nbdServe, served.claim, { run, remembered: {} });
      expect(servers(bench.folder.path)).toEqual([]);
      expect(served.output.servers.map(({ process }) => isRunning(process))).toEqual([false, false]);
      expect(await exists(runFolderOf(run))).toBe(false);
      await served.close();
    },
  );

  test('undo after a half-done run stops the one that was started, and only that', async () => {
    await using bench = await stepBench(far);
    const input = await toServe(bench);
    await using other = await bench.run<NbdServeOutput>(
      nbdServe,
      { ...input, leases: input.leases.map((lease) => ({ ...lease, port: lease.port + 10 })) },
      { run: 'run-other' },
    );
    const second = { ...input, files: input.files.map((file) => ({ ...file, file: `${file.file}.missing` })) };
    await expect(bench.run(nbdServe, second, { run })).rejects.toMatchObject({ code: 'file.unreadable' });
    await bench.undo(nbdServe, nbdServe.claim(second, bench.facts(nbdServe, run)), { run });
    expect(other.output.servers.every(({ process }) => isRunning(process))).toBe(true);
    expect(await exists(runFolderOf(run))).toBe(false);
  });

  test('a pid file that names a foreign process harms nobody', async () => {
    await using bench = await stepBench(far);
    const foreign = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(foreign, 'spawn');
    const identity = identityOf(foreign.pid ?? -1);
    await writeFile(join(await makeRunFolder(run), 'disk-0.pid'), String(foreign.pid));
    await bench.undo(nbdServe, { folder: runFolderOf(run) }, { run });
    expect(identity && isRunning(identity)).toBe(true);
    foreign.kill('SIGKILL');
    await once(foreign, 'exit');
  });

  test('a port that another program took meanwhile is replaced by another one, which undo gives back', async () => {
    await using bench = await stepBench(far);
    const input = await toServe(bench);
    const { from } = bench.services.settings.ports;
    const holder = createServer().listen(from + 1, '127.0.0.1');
    await once(holder, 'listening');
    const served = await bench.run<NbdServeOutput>(nbdServe, input, { run });
    const [, second] = served.output.servers;
    expect(second?.port).not.toBe(from + 1);
    expect(served.output.targets).toContain(`2001:nbd://127.0.0.1:${second?.port}/disk-1`);
    expect((await execa('nbdinfo', ['--size', second?.uri ?? ''])).stdout).toBe(String(MiB));
    expect(served.logs).toContainEqual(expect.stringContaining(`port ${from + 1} was taken meanwhile`));
    // Somebody else may have had the other one for a moment, too; then that is one of ours now.
    const leased = listLeases(bench.state).map(({ port }) => port);
    expect(leased).toContain(second?.port);
    expect(served.output.servers.map(({ port }) => port)).toEqual(expect.arrayContaining(leased));
    await bench.undo(nbdServe, served.claim, { run });
    expect(listLeases(bench.state)).toEqual([]);
    expect(servers(bench.folder.path)).toEqual([]);
    await served.close();
    holder.close();
    await once(holder, 'close');
  });

  test('where no other port is free, that is the error, and nothing runs', async () => {
    const from = ownPorts(2);
    await using bench = await stepBench({ ...far, ports: { from, to: from + 1, wait: '0s' } });
    const input = await toServe(bench);
    const holder = createServer().listen(from + 1, '127.0.0.1');
    await once(holder, 'listening');
    await allocatePorts(bench.state, {
      count: 1,
      from,
      to: from,
      owner: { ...bench.facts(nbdServe, run), stepId: 'ports' },
      isFree: () => true,
    });
    await expect(bench.run(nbdServe, input, { run })).rejects.toMatchObject({ code: 'ports.exhausted' });
    expect(servers(bench.folder.path)).toEqual([]);
    holder.close();
    await once(holder, 'close');
  });

  test('a disk without file or port is a fault of ours', async () => {
    await using bench = await stepBench(far);
    const input = await toServe(bench);
    await expect(bench.run(nbdServe, { ...input, leases: [] }, { run })).rejects.toMatchObject({
      code: 'run.internal',
    });
  });
});

describe('nbd.stop', () => {
  test('ends all servers and counts them', async () => {
    await using bench = await stepBench(far);
    await using served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
    await using stopped = await bench.run(nbdStop, { servers: served.output.servers }, { run });
    expect(stopped.output).toEqual({ stopped: 2 });
    expect(servers(bench.folder.path)).toEqual([]);
  });

  test('one that ended too early is an error: what it held may be lost', async () => {
    await using bench = await stepBench(far);
    await using served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
    process.kill(served.output.servers[0]?.process.pid ?? 0, 'SIGKILL');
    await expect
      .poll(() => isRunning(served.output.servers[0]?.process ?? { pid: 1, start_time: '', boot_id: '' }))
      .toBe(false);
    await expect(bench.run(nbdStop, { servers: served.output.servers }, { run })).rejects.toMatchObject({
      code: 'nbd.failed',
      message: expect.stringContaining('disk-0 ended too early') as string,
    });
  });

  test('an abort ends it with its reason', async () => {
    await using bench = await stepBench(far);
    await using served = await bench.run<NbdServeOutput>(nbdServe, await toServe(bench), { run });
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(
      bench.run(nbdStop, { servers: served.output.servers }, { run, signal: controller.signal }),
    ).rejects.toThrow('enough');
  });
});
