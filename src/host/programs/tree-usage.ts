import { readdirSync, readFileSync } from 'node:fs';
import { statOf } from './process-tree.ts';

/** What a process uses together with all that it has started. */
export interface TreeUsage {
  /** Processor time, ms; of those that have ended only where their parent waited for them. */
  readonly cpuMs: number;
  /** Memory that is no file's and not shared, bytes. */
  readonly bytes: number;
  readonly processes: number;
}

/** Of proc(5): times are in these. Linux has had the same number on every machine that we run on. */
const tickMs = 10;

/** From /proc; processes that end meanwhile are left out. */
export function treeUsage(pid: number): TreeUsage {
  const sum = { cpuMs: 0, bytes: 0, processes: 0 };
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      // utime, stime, cutime, cstime
      for (const field of statOf(next).slice(11, 15)) sum.cpuMs += Number(field) * tickMs;
      const [, anonymous = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${next}/status`, 'latin1')) ?? [];
      sum.bytes += Number(anonymous) * 1024;
      sum.processes++;
      for (const task of readdirSync(`/proc/${next}/task`))
        waiting.push(
          ...readFileSync(`/proc/${next}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
        );
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return sum;
}
