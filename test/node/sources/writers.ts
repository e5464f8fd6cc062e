import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { identityOf, terminate } from '../../../src/host/programs/process-identity.ts';
import { qemuSystem } from '../../../src/host/images/qemu-system.ts';
import type { Workshop } from '../support.ts';

/** A program that has an image open for writing, until it is closed. */
export type Writer = AsyncDisposable;

type Hold = (at: Workshop, image: string, format: string, options?: string) => Writer;

/** A virtual machine that has the image as its disk. `options` are of its drive. */
export const inGuest: Hold = (at, image, format, options = '') => {
  const pidFile = at.path('guest.pid');
  const machine = '-nodefaults -display none -machine pc -accel tcg -m 64 -daemonize'.split(' ');
  const drive = ['-drive', `file=${image},format=${format},if=virtio${options}`];
  execFileSync(qemuSystem, [...machine, ...drive, '-pidfile', pidFile]);
  return endOf(pidFile);
};

/** A qemu-nbd that serves the image. */
export const inQemuNbd: Hold = (at, image, format) => {
  const pidFile = at.path('writer.pid');
  const served = [`--pid-file=${pidFile}`, `--socket=${at.path('writer.sock')}`, '-f', format, image];
  execFileSync('qemu-nbd', ['--fork', '--persistent', ...served]);
  return endOf(pidFile);
};

function endOf(pidFile: string): Writer {
  const process = identityOf(Number(readFileSync(pidFile, 'utf8').trim()));
  if (!process) throw new Error(`${pidFile}: it is gone`);
  return { [Symbol.asyncDispose]: async () => void (await terminate(process, { graceMs: 10_000, againMs: 200 })) };
}

/** A loop device on the file. */
export function loopDevice(file: string, ...options: string[]): Disposable & { readonly path: string } {
  const path = execFileSync('losetup', ['--find', '--show', ...options, file])
    .toString()
    .trim();
  return { path, [Symbol.dispose]: () => void execFileSync('losetup', ['--detach', path]) };
}
