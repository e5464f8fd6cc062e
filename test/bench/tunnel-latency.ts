import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNbdTarget } from '../../src/host/nbd/nbd-target.ts';
import { isPortFree } from '../../src/host/net/port-probe.ts';
import { openTunnel } from '../../src/host/ssh/tunnel.ts';
import { freePorts } from '../support/free-ports.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { median } from './measure.ts';

const KiB = 1024;
const request = Buffer.alloc(64 * KiB, 0xa5);
const diskBytes = 64 * KiB ** 2;

/** One NBD write of 64 KiB after the other: with Nagle's algorithm on, each takes some 40 ms (FIELD-NOTES.md, section 5). */
export async function tunnelLatency(rounds: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sendense-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [direct = 0, naked = 0, openssh = 0, ssh2 = 0] = await freePorts(4);
  const sshd = stack.use(await startSshd(join(folder, 'sshd')));
  const disk = execa('nbdkit', ['-f', '-i', '127.0.0.1', '-p', String(direct), 'memory', String(diskBytes)]);
  stack.defer(async () => {
    disk.kill();
    await disk.catch(() => {});
  });
  for (const [program, port] of [
    ['openssh', openssh],
    ['ssh2', ssh2],
  ] as const) {
    const tunnel = stack.use(
      openTunnel({
        server: sshd.server,
        keyFile: sshd.keyFile,
        folder: join(folder, program),
        command: 'cat',
        program,
        local: [{ listen: { host: '127.0.0.1', port }, connect: { host: '127.0.0.1', port: direct } }],
        remote: [],
      }),
    );
    await tunnel.ready(AbortSignal.timeout(30_000));
  }
  stack.use(await sshWithoutSession(sshd, naked, direct, join(folder, 'known_hosts')));
  console.log('\nNBD writes of 64 KiB, one after the other: milliseconds each, median and 99 of 100');
  for (const [name, port, requests] of [
    ['direct', direct, 500],
    ['tunnel, openssh', openssh, 500],
    ['tunnel, ssh2', ssh2, 500],
    ['ssh -N -L, without a session', naked, 50],
  ] as const) {
    const times = (await measure(port, requests * rounds)).toSorted((a, b) => a - b);
    const slow = times[Math.floor(times.length * 0.99)] ?? 0;
    console.log(`  ${name.padEnd(30)} ${median(times).toFixed(2).padStart(8)} ${slow.toFixed(2).padStart(8)}`);
  }
}

async function measure(port: number, requests: number): Promise<number[]> {
  await using target = await connectNbdTarget(`nbd://127.0.0.1:${port}/`);
  const times: number[] = [];
  for (let index = 0; index < requests; index++) {
    const started = performance.now();
    await target.write((index * request.length) % diskBytes, request);
    times.push(performance.now() - started);
  }
  return times;
}

/** What one would write by hand, for comparison. */
async function sshWithoutSession(
  sshd: Sshd,
  port: number,
  target: number,
  knownHosts: string,
): Promise<AsyncDisposable> {
  const { server } = sshd;
  const [key = ''] = server.hostKeys;
  await writeFile(knownHosts, `[${server.host}]:${server.port} ${key}\n`);
  const options = [
    '-F',
    'none',
    '-N',
    '-o',
    'BatchMode=yes',
    '-o',
    `UserKnownHostsFile=${knownHosts}`,
    '-i',
    sshd.keyFile,
  ];
  const there = ['-p', String(server.port), '-l', server.user, server.host];
  const child = execa('ssh', [...options, '-L', `127.0.0.1:${port}:127.0.0.1:${target}`, ...there]);
  while (await isPortFree(port)) if (child.nodeChildProcess.exitCode !== null) await child;
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.catch(() => {});
    },
  };
}
