import { access, constants } from 'node:fs/promises';
import { runTool } from '../programs/process.ts';

/** Paths of one call: an argument list may not be longer than the kernel takes. */
const perCall = 500;

/**
 * Which of these files the kernel keeps anybody from changing (`chattr +i`). Files that are gone, and those on a file
 * system that knows no such flag, are not among them.
 */
export async function immutableFiles(paths: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
  const found = new Set<string>();
  const refused: string[] = [];
  for (const path of paths) if (await isRefused(path)) refused.push(path);
  for (let from = 0; from < refused.length; from += perCall) {
    const some = refused.slice(from, from + perCall);
    const { stdout } = await runTool('lsattr', ['-d', '--', ...some], { signal, allowFailure: true });
    for (const line of stdout.split('\n')) {
      const [, flags = '', path = ''] = /^([A-Za-z-]+) (.*)$/.exec(line) ?? [];
      if (flags.includes('i')) found.add(path);
    }
  }
  return found;
}

/**
 * Whether it could be immutable, without starting a program: nobody, not even root, may write to such a file, and for that the kernel
 * answers EPERM whatever its mode says (fs/namei.c, inode_permission).
 */
async function isRefused(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Sets or takes away the immutable flag. Needs CAP_LINUX_IMMUTABLE and a file system that has the flag (ext4, XFS, btrfs).
 * @throws SendenseError `tool.failed` with what chattr said, `tool.missing`
 */
export async function setImmutable(paths: readonly string[], on: boolean, signal?: AbortSignal): Promise<void> {
  for (let from = 0; from < paths.length; from += perCall)
    await runTool('chattr', [on ? '+i' : '-i', '--', ...paths.slice(from, from + perCall)], { signal });
}
