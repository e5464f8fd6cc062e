import { mkdir, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { recordVerification } from '../../src/state/points/point-marks.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
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
    verifyAll(state, Date.now() - 1_800_000);
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

/** Every point was verified a moment ago: `status` ends with 1 where the files of one were not read for long. */
function verifyAll(state: State, finished: number): void {
  const points = state.all(
    state.query.selectFrom('backups').select(['repository', 'context', 'backup_id as backupId']),
  );
  const verification = { level: 'digests', finished, ok: true, runId: null, bytesRead: 2 ** 32, detail: null } as const;
  state.transaction(() => {
    for (const point of points) recordVerification(state, point, verification);
  });
}
