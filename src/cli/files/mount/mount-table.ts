import { readFileSync } from 'node:fs';
import { isRunning, thisProcess } from '../../../host/programs/process-identity.ts';
import { runTool } from '../../../host/programs/process.ts';

/** A restore point that is mounted, as the kernel tells it. */
export interface FilesMount {
  readonly folder: string;
  /** Of the command. */
  readonly pid: number;
  /** The command that serves it is running. */
  readonly served: boolean;
}

/** What the kernel shows as the mounted device: which process serves it, and what it is. */
export function mountName(what: string): string {
  const { pid, start_time: start, boot_id: boot } = thisProcess();
  return `sendense:${pid}:${start}:${boot}:${what.replaceAll(/[^\w@.-]/g, '-')}`;
}

/** All restore points that `files mount` has mounted. No folder is looked at: one that nobody serves could hang. */
export function filesMounts(table = readFileSync('/proc/self/mountinfo', 'utf8')): FilesMount[] {
  return table.split('\n').flatMap((line) => {
    const words = line.split(' ');
    const source = unescaped(words[words.indexOf('-') + 2] ?? '');
    const [, pid, start, boot] = /^sendense:(\d+):(\d+):([\w-]+):/.exec(source) ?? [];
    if (pid === undefined || start === undefined || boot === undefined) return [];
    const served = isRunning({ pid: Number(pid), start_time: start, boot_id: boot });
    return [{ folder: unescaped(words[4] ?? ''), pid: Number(pid), served }];
  });
}

/** Source: proc_pid_mountinfo(5): spaces, tabs, newlines and backslashes are octal. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/**
 * Releases a folder, also one that is in use or that nobody serves.
 * @throws SendenseError `tool.failed`, `tool.missing`
 */
export async function release(folder: string): Promise<void> {
  await runTool('fusermount3', ['-u', '-z', '--', folder], { timeoutMs: 10_000 });
}

/** Releases what commands that were killed have left mounted; what belongs to somebody else stays. */
export async function releaseDead(): Promise<void> {
  for (const { folder, served } of filesMounts()) if (!served) await release(folder).catch(() => undefined);
}
