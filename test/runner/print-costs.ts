import { byFolder, idleMs, processorMs, sum, type FileCost, type FolderCost } from './costs.ts';
import { budgets } from './budgets.ts';
import type { MachineTime } from './processor-time.ts';

interface Row extends Omit<FileCost, 'file'> {
  readonly name: string;
}

/** Tables of what the tests cost, per folder and per file, the costliest first. */
export function printCosts(costs: readonly FileCost[], { everyFile }: { everyFile: boolean }): void {
  if (costs.length === 0) return;
  const folders = byFolder(costs, Object.keys(budgets)).toSorted(costliest);
  console.log(`\nWhat the tests cost, in seconds. Programs: processor time of those that the tests started. Waited: neither the
tests nor their programs had the processor. Slept: waits for a fixed time, those that passed at once added up.\n`);
  print('folder', [...folders.map((folder) => ({ ...folder, name: `${folder.name} (${folder.files})` })), all(costs)]);
  const files = costs.map(({ file, ...cost }) => ({ ...cost, name: file })).toSorted(costliest);
  const shown = everyFile ? files : files.slice(0, 20);
  console.log(
    everyFile ? '' : `\nThe ${shown.length} costliest files of ${files.length}; \`--costs\` shows them all.\n`,
  );
  print('file', shown);
  console.log(`\nPrograms started by the tests themselves: ${startsOf(sum(costs).starts, 12)}`);
}

/**
 * What the tables cannot say: time of daemons, of Chromium, which all files share, and of the kernels that read files, because who kills
 * their sandbox is not told of it.
 * The checks and all other work of this machine are in it too.
 */
export function printMachine(costs: readonly FileCost[], { busyMs, idleMs: unused }: MachineTime): void {
  if (costs.length === 0) return;
  const known = processorMs(sum(costs));
  const busy = Math.round((100 * busyMs) / Math.max(1, busyMs + unused));
  console.log(
    `\nThe processors of this machine worked for ${seconds(busyMs)} s, ${busy} % of their time; the tables have ${seconds(known)} s of it.`,
  );
}

/** Says which folders took more processor time than they may. */
export function printExceeded(costs: readonly FileCost[]): void {
  const exceeded = byFolder(costs, Object.keys(budgets)).filter(({ name, ...cost }) => exceeds(name, cost));
  for (const folder of exceeded) {
    const budget = budgets[folder.name];
    console.log(
      budget === undefined
        ? `\n! ${folder.name} has no budget: give it one in test/runner/budgets.ts.`
        : `\n! ${folder.name} took ${seconds(processorMs(folder))} s of processor time; its budget in test/runner/budgets.ts is ${budget} s.`,
    );
  }
}

const exceeds = (name: string, cost: Omit<FolderCost, 'name'>): boolean =>
  processorMs(cost) > (budgets[name] ?? 0) * 1000;

const all = (costs: readonly FileCost[]): Row => ({ ...sum(costs), name: `all (${costs.length})` });

const costliest = (a: Omit<FileCost, 'file'>, b: Omit<FileCost, 'file'>): number => processorMs(b) - processorMs(a);

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function print(title: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ name }) => name.length), title.length);
  const line = (name: string, cells: readonly string[], last: string): string =>
    `${name.padEnd(width)} ${cells.map((cell) => cell.padStart(9)).join('')}  ${last}`.trimEnd();
  console.log(line(title, ['wall', 'own', 'programs', 'waited', 'slept'], 'starts'));
  for (const row of rows) {
    const starts = Object.values(row.starts).reduce((total, count) => total + count, 0);
    const times = [row.wallMs, row.ownMs, row.programsMs, idleMs(row), row.sleptMs].map(seconds);
    console.log(line(row.name, times, `${starts}${starts > 0 ? `: ${startsOf(row.starts, 3)}` : ''}`));
  }
}

function startsOf(starts: FileCost['starts'], most: number): string {
  const sorted = Object.entries(starts).toSorted(([, a], [, b]) => b - a);
  const named = sorted.slice(0, most).map(([program, count]) => `${program} ${count}`);
  return [...named, ...(sorted.length > most ? ['…'] : [])].join(', ');
}
