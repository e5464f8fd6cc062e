import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ProcessIdentity } from '../schemas/types.ts';
import { argvOf, identityOf } from './process-identity.ts';
import { guestPidName } from './qemu-system.ts';
import { terminateQemuNbd } from './qemu-nbd.ts';

/**
 * Stops every qemu-nbd and virtual machine, and every process of a tunnel, whose command line names a file in `folder`, the folder of one run:
 * nothing but that run's own can. Also finds a qemu-nbd that was started a moment ago and has not written its pid file.
 * @returns how many there were
 */
export async function stopServersIn(
  folder: string,
  options: { graceMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const found = (await serversIn(folder)).map((identity) => terminateQemuNbd(identity, options));
  await Promise.all(found);
  return found.length;
}

async function serversIn(folder: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    const identity = identityOf(Number(name));
    const [program = '', ...args] = argvOf(Number(name));
    if (identity && isServerIn(folder, basename(program), args)) found.push(identity);
  }
  return found;
}

const isServerIn = (folder: string, program: string, args: readonly string[]): boolean =>
  (program.startsWith('qemu-system-') && args.includes(`${folder}/${guestPidName}`)) ||
  (program === 'qemu-nbd' && args.some((arg) => arg.startsWith(`--pid-file=${folder}/`))) ||
  (program === 'ssh' && args.some((arg) => arg.startsWith(`UserKnownHostsFile="${folder}/`))) ||
  (args.at(-1) === folder && args.some((arg) => /\/ssh2-child\.[jt]s$/.test(arg)));
