import { median } from '../measure.ts';
import type { LineKind } from './lines.ts';
import { reference, type WayName } from './ways.ts';

/** One measurement. */
export interface Cell {
  readonly job: string;
  readonly way: string;
  /** MB/s. */
  readonly rate: number;
  /** Processor seconds per GiB of writer, tunnel and NBD servers together. */
  readonly cpu: number;
  /** Of it those of the tunnel's processes, at both ends. */
  readonly tunnelCpu: number;
}

interface Delay {
  readonly way: string;
  readonly times: { readonly median: number; readonly slow: number };
}

const MBperGiB = 1073.741824;

/** A table for each job: medians, and how they compare with OpenSSH. */
export function printLine(
  kind: LineKind,
  names: readonly WayName[],
  cells: readonly Cell[],
  delays: readonly Delay[],
): void {
  console.log(
    `\nNBD writes through the tunnel: ${kind.name}${kind.most ? ` (carries ${kind.most.toFixed(0)} MB/s)` : ''}`,
  );
  const width = Math.max(...names.map((name) => name.length));
  for (const job of new Set(cells.map((cell) => cell.job))) {
    const rows = names.map((way) => summary(cells.filter((cell) => cell.job === job && cell.way === way)));
    const than = rows[names.indexOf(reference)];
    console.log(
      `  ${job.padEnd(width)}     MB/s   ratio   CPU s/GiB   of the tunnel   MB/s per core   ratio${target(kind, job)}`,
    );
    for (const [index, row] of rows.entries()) {
      const perCore = row.tunnelCpu > 0 ? MBperGiB / row.tunnelCpu : null;
      const thanCore = than && than.tunnelCpu > 0 ? MBperGiB / than.tunnelCpu : null;
      console.log(
        [
          `    ${(names[index] ?? '').padEnd(width)}`,
          row.rate.toFixed(0).padStart(7),
          (row.rate / (than?.rate ?? 1)).toFixed(2).padStart(8),
          row.cpu.toFixed(2).padStart(12),
          (perCore === null ? '-' : row.tunnelCpu.toFixed(2)).padStart(16),
          (perCore === null ? '-' : perCore.toFixed(0)).padStart(16),
          (perCore === null || thanCore === null ? '-' : (perCore / thanCore).toFixed(2)).padStart(8),
        ].join(''),
      );
    }
  }
  console.log(`  one write of 64 KiB after the other, ms: median, 99 of 100`);
  for (const { way, times } of delays)
    console.log(`    ${way.padEnd(width)}${times.median.toFixed(2).padStart(10)}${times.slow.toFixed(2).padStart(10)}`);
}

function summary(cells: readonly Cell[]): Pick<Cell, 'rate' | 'cpu' | 'tunnelCpu'> {
  const of = (pick: (cell: Cell) => number): number => median(cells.map(pick));
  return { rate: of(({ rate }) => rate), cpu: of(({ cpu }) => cpu), tunnelCpu: of(({ tunnelCpu }) => tunnelCpu) };
}

/** What the issue asks for. */
function target({ most, name }: LineKind, job: string): string {
  if (most === null) return '   (target: 0.90 per core)';
  if (name.includes('50 ms')) return job.startsWith('four') ? '   (target: MB/s at least those of four of ssh -L)' : '';
  return `   (target: ${most.toFixed(0)} MB/s)`;
}
