/** Every command that takes a restore point takes the same words for it. */
import { expect, test } from 'vitest';
import type { CheckOutput, CopyOutput, ListOutput, ProtectOutput } from '../../src/schemas/types.ts';
import { backupPlan, makeRaw, workspace } from './workspace.ts';

const MiB = 1024 * 1024;
const settings = `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
  second: { path: ./second }
`;

test('protect, unprotect, check and repo copy take --point as show and restore do', { timeout: 300_000 }, async () => {
  await using work = await workspace({ settings });
  await makeRaw(work.path('disk0.raw'), 2 * MiB, [[0, MiB]]);
  await work.write('plan.yaml', backupPlan(['disk0.raw']));
  for (let at = 0; at < 2; at++) expect(await work.run('plan.yaml')).toMatchObject({ exitCode: 0 });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await work.call([...args, '--json']);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  };
  const { points } = await json<ListOutput>('list');
  const [first, latest] = points;
  const made = new Date(first?.created ?? 0).toISOString();

  expect(await json<ProtectOutput>('protect', 'pgtest1', '--point', made)).toMatchObject({
    backup_id: first?.backup_id,
    protected: { until: null },
  });
  expect(await json<ProtectOutput>('protect', 'pgtest1', '-p', 'latest')).toMatchObject({
    backup_id: latest?.backup_id,
  });
  expect((await work.call(['unprotect', 'pgtest1', '--point', 'latest'])).stdout).toContain(
    `${latest?.backup_id} of pgtest1 is not protected`,
  );
  expect(await json<ProtectOutput>('unprotect', first?.backup_id ?? '')).toMatchObject({ protected: null });

  const named = await work.call(['protect', 'pgtest1']);
  expect(named).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--point') as string });
  expect(await work.call(['protect', 'nothing'])).toMatchObject({ exitCode: 1 });
  expect(await work.call(['protect', 'pgtest1', '--point', 'before 2001-01-01'])).toMatchObject({ exitCode: 1 });
  expect(await work.call(['check', latest?.backup_id ?? '', '--point', 'latest'])).toMatchObject({ exitCode: 2 });

  // The chain of the first is itself.
  const quick = ['--quick', '--point', made];
  expect(await json<CheckOutput>('check', 'pgtest1', ...quick)).toMatchObject({ points_checked: 1, ok: true });
  // The only VM need not be named; a rescue takes the words, too.
  expect(await json<CheckOutput>('check', ...quick, '--repository', work.path('repository'))).toMatchObject({
    points_checked: 1,
  });

  const copied = await json<CopyOutput>('repo', 'copy', 'pgtest1', '--point', made, '--to', 'second');
  expect(copied.points.map(({ backup_id: id }) => id)).toEqual([first?.backup_id]);
  const several = await work.call(['check', 'pgtest1', '--point', 'latest']);
  expect(several).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('say --repository') as string });
  const moved = await work.call(['repo', 'copy', 'pgtest1', '--point', 'latest', '--to', 'second']);
  expect(moved).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('say --from') as string });
  const rest = ['--from', 'primary', '--to', 'second'];
  await json<CopyOutput>('repo', 'copy', 'pgtest1', '--point', 'latest', ...rest);
  const { points: now } = await json<ListOutput>('list', '--repository', 'second');
  expect(now.map(({ backup_id: id }) => id)).toEqual(points.map(({ backup_id: id }) => id));
});
