import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { treeUsage } from '../../host/programs/tree-usage.ts';

/** What a reader may use. Whoever wrote the disk may have taken its kernel over, and may want to use all that there is. */
export interface ReaderBounds {
  /** Processor time since it last answered something, while somebody waits for it, ms. */
  readonly askedCpuMs: number;
  /** Processor time in {@link windowMs} while nobody waits for it, ms. */
  readonly idleCpuMs: number;
  readonly windowMs: number;
  /** Memory beside that of the sandbox's /tmp, which has a size of its own, bytes. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** What it may have written for the hub that the hub has not taken, bytes. */
  readonly outBytes: number;
}

/** 24 requests at a time have 3 chunks of 4 MiB each. */
export const usualBounds: ReaderBounds = {
  askedCpuMs: 3_600_000,
  idleCpuMs: 30_000,
  windowMs: 60_000,
  memoryBytes: 768 * 2 ** 20,
  processes: 4000,
  outBytes: 512 * 2 ** 20,
};

export interface Watched {
  /** First process of the sandbox. */
  readonly pid: number;
  /** The folder that the guest writes to. */
  readonly out: string;
  /** Whether somebody waits, and a number that changes whenever something was answered. */
  work(): { readonly asked: boolean; readonly answers: number };
  /** It uses too much: called once, with what. */
  onExcess(what: string): void;
}

const lookMs = 500;

/** Looks at a sandbox from outside, all the time. */
export function watchUsage({ pid, out, work, onExcess }: Watched, bounds: ReaderBounds): Disposable {
  const processor = processorClock(bounds);
  const timer = setInterval(() => {
    const usage = treeUsage(pid);
    const excess =
      processor(usage.cpuMs, work()) ??
      above('memory of %1, of %2', usage.bytes, bounds.memoryBytes) ??
      above('%1 processes, of %2', usage.processes, bounds.processes) ??
      above('%1 written and not taken, of %2', bytesIn(out), bounds.outBytes);
    if (excess === null) return;
    clearInterval(timer);
    onExcess(excess);
  }, lookMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function above(words: string, used: number, most: number): string | null {
  if (used <= most) return null;
  const shown = (value: number): string =>
    words.includes('processes') ? `${value}` : `${Math.ceil(value / 2 ** 20)} MiB`;
  return words.replace('%1', shown(used)).replace('%2', shown(most));
}

type Processor = (cpuMs: number, work: ReturnType<Watched['work']>) => string | null;

function processorClock({ askedCpuMs, idleCpuMs, windowMs }: ReaderBounds): Processor {
  let since = { asked: false, answers: -1, cpuMs: 0, at: 0 };
  return (cpuMs, { asked, answers }) => {
    const now = performance.now();
    const isNew = since.asked !== asked || since.answers !== answers || (!asked && now - since.at > windowMs);
    if (isNew) since = { asked, answers, cpuMs, at: now };
    const used = cpuMs - since.cpuMs;
    if (used <= (asked ? askedCpuMs : idleCpuMs)) return null;
    const seconds = Math.round(used / 1000);
    return asked
      ? `${seconds} s of processor time for one answer`
      : `${seconds} s of processor time that nobody asked for`;
  };
}

/** What stands in a folder of plain files; a folder in it is none of ours and counts as more than there may be. */
function bytesIn(folder: string): number {
  let sum = 0;
  // A reader that has ended may have lost its folder already.
  if (!existsSync(folder)) return 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) return Number.MAX_SAFE_INTEGER;
    sum += (lstatSync(join(folder, entry.name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return sum;
}
