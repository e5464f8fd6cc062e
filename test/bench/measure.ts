import { readFileSync } from 'node:fs';
import { execa } from 'execa';

/** One way of doing a thing. Preparation and clean-up are not timed. */
export interface Contender {
  readonly name: string;
  prepare?(): Promise<void>;
  run(): Promise<void>;
  clean?(): Promise<void>;
}

export interface Row {
  readonly name: string;
  /** Seconds. */
  readonly median: number;
  readonly runs: readonly number[];
  /** Processor time, ours and that of programs that have ended, seconds, median. */
  readonly processor?: number;
}

/** Runs all contenders in turn, `rounds` times, each round in another order, so that a busy moment hits all alike. */
export async function compete(contenders: readonly Contender[], rounds: number): Promise<Row[]> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  const processor = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const shift = round % contenders.length;
    for (const contender of [...contenders.slice(shift), ...contenders.slice(0, shift)]) {
      await contender.prepare?.();
      await execa('sync');
      const before = processorTime();
      const started = performance.now();
      await contender.run();
      times.get(contender.name)?.push((performance.now() - started) / 1000);
      processor.get(contender.name)?.push(processorTime() - before);
      await contender.clean?.();
    }
  }
  return contenders.map(({ name }) => {
    const runs = times.get(name) ?? [];
    return { name, median: median(runs), runs, processor: median(processor.get(name) ?? []) };
  });
}

/** Seconds of this process and its ended children, in hundredths. Source: proc_pid_stat(5), utime, stime, cutime, cstime. */
function processorTime(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** A table: seconds, and how many times as long as the row named `than`; processor time where a row has it. */
export function printTable(title: string, rows: readonly Row[], than?: string): void {
  const reference = rows.find((row) => row.name === than)?.median;
  const width = Math.max(...rows.map((row) => row.name.length));
  console.log(`\n${title}`);
  console.log(`  ${'what'.padEnd(width)}   median s${reference === undefined ? '' : '    ratio'}    proc s   all runs`);
  for (const row of rows) {
    const ratio = reference === undefined ? '' : `${(row.median / reference).toFixed(2).padStart(8)}x`;
    console.log(
      `  ${row.name.padEnd(width)} ${row.median.toFixed(3).padStart(10)}${ratio}${(row.processor?.toFixed(2) ?? '').padStart(10)}   ${row.runs.map((run) => run.toFixed(3)).join(' ')}`,
    );
  }
}
