import { readFileSync } from 'node:fs';

/** Whether a process is `ancestor` or was started, directly or not, by it. From /proc/<pid>/stat, proc(5). */
export function isWithin(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
}

/** 0 where there is no such process. */
function parentOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  } catch {
    return 0;
  }
}
