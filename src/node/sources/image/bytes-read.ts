import { readFileSync } from 'node:fs';

/** Bytes that a process has read from files so far, from cache or disk; null where that cannot be told. Source: proc_pid_io(5). */
export function bytesReadBy(pid: number): number | null {
  try {
    const match = /^rchar: ([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'));
    return match ? Number(match[1]) : null;
  } catch {
    return null;
  }
}
