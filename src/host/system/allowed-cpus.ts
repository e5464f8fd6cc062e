import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Numbers of processors, such as `0-3,8`. Source: cpuset(7), "List format". */
export const cpusOf = (list: string): number[] =>
  list
    .split(',')
    .map((part) => part.split('-').map(Number))
    .flatMap(([first = 0, last = first]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

/** One of the processors that this process may use, for what is quicker on one. Source: proc_pid_status(5). */
export function anyCpu(): number {
  const list = /^Cpus_allowed_list:\s*([0-9,-]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const cpus = cpusOf(list);
  return cpus[randomInt(cpus.length)] ?? 0;
}
