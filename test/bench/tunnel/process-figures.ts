import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc a second: 100 on Linux everywhere (proc(5), sysconf(_SC_CLK_TCK)). */
const ticks = 100;

/** Fields of /proc/<pid>/stat after the command, from the state on (proc(5), counted from 0 there); null where it is gone. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Processor seconds of these processes, all threads, since they started. */
export const cpuOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const stat = statOf(pid);
    return sum + (stat ? (Number(stat[11]) + Number(stat[12])) / ticks : 0);
  }, 0);

/** Processor seconds of the children of this process that have ended and been waited for. */
export function cpuOfEndedChildren(): number {
  const stat = statOf(process.pid);
  return stat ? (Number(stat[13]) + Number(stat[14])) / ticks : 0;
}

/** Bytes of memory that these processes have at this moment, shared pages counted once for each. */
export const residentOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      const kib = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return sum + Number(kib ?? 0) * 1024;
    } catch {
      return sum;
    }
  }, 0);

/** All processes below one, itself not. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))?.[1] ?? -1);
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const below = (at: number): number[] => (parents.get(at) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}
