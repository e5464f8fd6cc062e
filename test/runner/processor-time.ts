import { readFileSync } from 'node:fs';

/** Of Linux on every platform that Node supports (`getconf CLK_TCK`). */
const ticksPerSecond = 100;

export interface ProcessorTime {
  /** Of this process, ms. */
  readonly ownMs: number;
  /** Of all programs that it started and that have ended, with what those started (proc(5): cutime, cstime), ms. */
  readonly programsMs: number;
}

/** What this process has used since it began. */
export function processorTime(): ProcessorTime {
  const { user, system } = process.cpuUsage();
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    ownMs: (user + system) / 1000,
    programsMs: ((Number(fields[13]) + Number(fields[14])) * 1000) / ticksPerSecond,
  };
}

/** Of all processors of this machine together, since it started, whoever used them; ms. */
export interface MachineTime {
  readonly busyMs: number;
  readonly idleMs: number;
}

/** Source: proc_stat(5). Time of another machine on the same processors (steal) is neither. */
export function machineTime(text: string = readFileSync('/proc/stat', 'utf8')): MachineTime {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = text
    .slice('cpu'.length, text.indexOf('\n'))
    .trim()
    .split(/\s+/)
    .map((ticks) => (Number(ticks) * 1000) / ticksPerSecond);
  return { busyMs: user + nice + system + irq + softirq, idleMs: idle + iowait };
}
