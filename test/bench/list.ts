import { mkdir, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { openState } from '../../src/state/open-state.ts';
import { fixture } from './fixture.ts';
import { fillState } from './many-points.ts';
import { compete, printTable } from './measure.ts';

const MiB = 1024 * 1024;

/** Lists of 10,000 restore points and 20,000 runs with all their steps, from command to exit. */
export async function list(rounds: number): Promise<void> {
  await using work = await fixture(MiB);
  await mkdir(work.path('state'));
  const path = work.path('state', 'sendense.db');
  {
    using state = openState(path);
    fillState(state, { vms: 100, points: 100, runs: 200, until: Date.now() - 3_600_000 });
  }
  const commands: readonly (readonly [name: string, ...args: string[]])[] = [
    ['list (target: 0.5 s)', 'list'],
    ['list --json', 'list', '--json'],
    ['status (target: 0.5 s)', 'status'],
    ['show of one VM', 'show', 'vm0042'],
    ['history', 'history'],
    ['history --daily', 'history', '--daily'],
    ['metrics', 'metrics'],
  ];
  const rows = await compete(
    [
      { name: 'node alone, an empty program', run: async () => void (await execa(process.execPath, ['-e', '0'])) },
      ...commands.map(([name, ...args]) => ({ name, run: async () => void (await work.sendense(...args)) })),
    ],
    Math.max(rounds, 5),
  );
  const size = ((await stat(path)).size / MiB).toFixed(0);
  printTable(`10,000 restore points, 20,000 runs, state database of ${size} MiB; from command to exit`, rows);
}
