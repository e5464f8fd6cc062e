import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../../simulators/network/host.ts';

/** Disks that take everything and keep nothing, so that the way to them is what is measured. */
export interface Disks extends AsyncDisposable {
  readonly pids: readonly number[];
}

/** One qemu-nbd for each port, on all addresses of the host. */
export async function serveDisks(
  host: TestHost,
  folder: string,
  ports: readonly number[],
  bytes: number,
  pskFolder?: string,
): Promise<Disks> {
  await using stack = new AsyncDisposableStack();
  const pids: number[] = [];
  for (const port of ports) {
    const pidFile = join(folder, `disk-${port}.pid`);
    await rm(pidFile, { force: true });
    const place = ['--bind=0.0.0.0', `--port=${port}`, '--export-name=disk', `--description=${randomUUID()}`];
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
  const made = stack.move();
  return { pids, [Symbol.asyncDispose]: () => made.disposeAsync() };
}
