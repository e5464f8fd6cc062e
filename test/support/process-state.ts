import { readFileSync } from 'node:fs';

/** State letter of a process, proc(5): `T` is stopped; null where there is none. */
export function stat(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[0] ?? null;
  } catch {
    return null;
  }
}
