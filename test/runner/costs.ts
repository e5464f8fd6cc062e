import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

/** What one test file cost. Times in milliseconds. */
export interface FileCost {
  /** Absolute in what the workers write, relative to the checkout from {@link readCosts} on. */
  readonly file: string;
  readonly wallMs: number;
  /** Processor time of the process that runs the tests. */
  readonly ownMs: number;
  /** Processor time of the programs that it started. Those that became daemons are not in it. */
  readonly programsMs: number;
  /** Waits for a fixed time (`node:timers/promises`), and how long they took together. Several can pass at once. */
  readonly sleeps: number;
  readonly sleptMs: number;
  /** How often each program was started, by its name. */
  readonly starts: Readonly<Record<string, number>>;
}

/** The costs of a folder; `name` is one of the budgets'. */
export interface FolderCost extends Omit<FileCost, 'file'> {
  readonly name: string;
  readonly files: number;
}

export function readCosts(path: string, root: string): FileCost[] {
  return readText(path)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as FileCost)
    .map((cost) => ({ ...cost, file: relative(root, cost.file) }));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // No test ran.
  }
}

export const processorMs = ({ ownMs, programsMs }: Pick<FileCost, 'ownMs' | 'programsMs'>): number =>
  ownMs + programsMs;

/** Time in which neither the tests nor their programs had the processor: they waited, or other work had it. */
export const idleMs = (cost: Omit<FileCost, 'file'>): number => Math.max(0, cost.wallMs - processorMs(cost));

/** One for each of the folders that has files, a file counted in the deepest of them; files of no folder under their own folder. */
export function byFolder(costs: readonly FileCost[], folders: readonly string[]): FolderCost[] {
  const groups = Map.groupBy(costs, ({ file }) => folderOf(file, folders) ?? dirname(file));
  return [...groups].map(([name, members]) => ({ ...sum(members), name, files: members.length }));
}

export const folderOf = (file: string, folders: readonly string[]): string | undefined =>
  folders.filter((folder) => file.startsWith(`${folder}/`)).toSorted((a, b) => b.length - a.length)[0];

export function sum(costs: readonly FileCost[]): Omit<FileCost, 'file'> {
  const starts: Record<string, number> = {};
  for (const cost of costs)
    for (const [program, count] of Object.entries(cost.starts)) starts[program] = (starts[program] ?? 0) + count;
  const total = (of: (cost: FileCost) => number): number => costs.reduce((all, cost) => all + of(cost), 0);
  return {
    wallMs: total(({ wallMs }) => wallMs),
    ownMs: total(({ ownMs }) => ownMs),
    programsMs: total(({ programsMs }) => programsMs),
    sleeps: total(({ sleeps }) => sleeps),
    sleptMs: total(({ sleptMs }) => sleptMs),
    starts,
  };
}
