import { readFileSync } from 'node:fs';

/**
 * What /proc/<pid>/stat says from the third field on, proc(5).
 * @throws NodeJS.ErrnoException `ENOENT` or `ESRCH` where there is no such process
 */
export function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the command in parentheses and may hold anything: count from the last parenthesis.
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Whether a process is `ancestor` or was started, directly or not, by it. From /proc/<pid>/stat, proc(5). */
export function isWithin(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
}

/** 0 where there is no such process. */
function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1] ?? 0);
  } catch {
    return 0;
  }
}
