import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatePlace } from '../../../src/host/nbd/gate/listen.ts';
import { readPsk } from '../../../src/host/nbd/psk-file.ts';
import type { TestHost } from '../../simulators/network/host.ts';
import { startChild, type Child } from './start-child.ts';

/** Disks that take everything and keep nothing, so that the way to them is what is measured. */
export interface Disks extends AsyncDisposable {
  readonly pids: readonly number[];
}

/** At the hub's or the node's end, where sockets are forwarded in place of ports. */
export const socketOf = (folder: string, end: 'hub' | 'node', port: number): string =>
  join(folder, `${end}-${port}.sock`);

export interface DiskOptions {
  readonly pskFolder?: string | undefined;
  readonly bySockets?: boolean;
  /** At Unix sockets, with gates of ours at the ports. */
  readonly gate?: boolean;
}

/** One qemu-nbd for each port, on all addresses of the host, or at a Unix socket. */
export async function serveDisks(
  host: TestHost,
  folder: string,
  ports: readonly number[],
  bytes: number,
  { pskFolder, bySockets = false, gate = false }: DiskOptions,
): Promise<Disks> {
  await using stack = new AsyncDisposableStack();
  const pids: number[] = [];
  for (const port of ports) {
    const pidFile = join(folder, `disk-${port}.pid`);
    await rm(pidFile, { force: true });
    const at = bySockets || gate ? [`--socket=${socketOf(folder, 'hub', port)}`] : ['--bind=0.0.0.0', `--port=${port}`];
    const place = [...at, '--export-name=disk', `--description=${randomUUID()}`];
    const tls = [`--object=tls-creds-psk,id=tls,endpoint=server,dir=${pskFolder}`, '--tls-creds=tls'];
    const image = ['--image-opts', `driver=null-co,size=${bytes},read-zeroes=on`];
    const qemu = [
      'qemu-nbd',
      '--persistent',
      '--shared=20',
      `--pid-file=${pidFile}`,
      ...place,
      ...(pskFolder ? tls : []),
      ...image,
    ];
    const [file = '', ...args] = [...host.prefix, ...qemu];
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    stack.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    });
    pids.push(child.pid ?? 0);
    while ((await stat(pidFile).catch(() => null)) === null) {
      if (child.exitCode !== null) throw new Error(`qemu-nbd did not start on port ${port}`);
      await delay(5);
    }
  }
  if (gate) pids.push(stack.use(await openGates(host, folder, ports, pskFolder ?? '')).pid);
  const made = stack.move();
  return { pids, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

async function openGates(host: TestHost, folder: string, ports: readonly number[], pskFolder: string): Promise<Child> {
  const psk = (await readPsk(pskFolder)) ?? '';
  const places: GatePlace[] = ports.map((port) => ({
    address: '0.0.0.0',
    port,
    socket: socketOf(folder, 'hub', port),
    psk,
  }));
  const argv = [process.execPath, join(import.meta.dirname, 'gate-child.ts')];
  return startChild(host, argv, { ready: /^open$/m, input: `${JSON.stringify(places)}\n` });
}
