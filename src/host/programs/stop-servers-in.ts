import { basename } from 'node:path';
import { liveProcesses } from './process-identity.ts';
import { guestPidName } from '../images/qemu-system.ts';
import { terminateQemuNbd } from '../nbd/qemu-nbd.ts';

/**
 * Stops every qemu-nbd and virtual machine, and every process of a tunnel, whose command line names a file in `folder`, the folder of one run:
 * nothing but that run's own can. Also finds a qemu-nbd that was started a moment ago and has not written its pid file.
 * @returns how many there were
 */
export async function stopServersIn(
  folder: string,
  options: { graceMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const found = [...liveProcesses()].filter(({ argv: [program = '', ...args] }) =>
    isServerIn(folder, basename(program), args),
  );
  await Promise.all(found.map(({ identity }) => terminateQemuNbd(identity, options)));
  return found.length;
}

const isServerIn = (folder: string, program: string, args: readonly string[]): boolean =>
  (program.startsWith('qemu-system-') && args.includes(`${folder}/${guestPidName}`)) ||
  (program === 'qemu-nbd' && args.some((arg) => arg.startsWith(`--pid-file=${folder}/`))) ||
  (program === 'ssh' && args.some((arg) => arg.startsWith(`UserKnownHostsFile="${folder}/`))) ||
  (args.at(-1) === folder && args.some((arg) => /\/ssh2-child\.[jt]s$/.test(arg)));
