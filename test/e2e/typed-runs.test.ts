import { expect, test } from 'vitest';
import type { ShowOutput, StatusOutput } from '../../src/schemas/types.ts';
import { backupPlan, makeRaw, workspace, type Workspace } from './workspace.ts';

const mib = 1024 * 1024;

const watched = async (bench: Workspace): Promise<string[]> => {
  const { stdout } = await bench.call(['status', '--json']);
  return (JSON.parse(stdout) as StatusOutput).plans.map(({ plan }) => plan);
};

test('what a command line says takes the place of no plan that is watched', { timeout: 300_000 }, async () => {
  await using bench = await workspace();
  await makeRaw(bench.path('a.raw'), mib, [[0, mib]]);
  await bench.write('web.yaml', backupPlan(['a.raw'], 'rpo: 26h\nretention: { last: 3 }\n'));
  // Named like the plans that the commands make.
  await bench.write('verify.yaml', 'version: 1\nkind: verify\nname: sunday-verify\nrepository: primary\n');
  await bench.run('web.yaml');
  await bench.run('verify.yaml');
  const plans = ['pgtest1-nightly', 'sunday-verify'];
  expect(await watched(bench)).toEqual(plans);

  expect(await bench.call(['verify'])).toMatchObject({ exitCode: 0 });
  expect(await bench.call(['verify', '--point', 'nope'])).toMatchObject({ exitCode: 1 });
  expect(await bench.call(['prune', '--plan', 'web.yaml', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await bench.call(['prune', '--keep-last', '2', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await watched(bench)).toEqual(plans);
  expect(await bench.call(['status', '--format', 'nagios'])).toMatchObject({ exitCode: 0 });
});

test('show keeps the chains of two repositories apart', { timeout: 300_000 }, async () => {
  await using bench = await workspace({
    settings: `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
  second: { path: ./second }
`,
  });
  await makeRaw(bench.path('a.raw'), mib, [[0, mib]]);
  await bench.write('web.yaml', backupPlan(['a.raw']));
  const { finished } = await bench.run('web.yaml');
  expect(await bench.call(['repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'second'])).toMatchObject({
    exitCode: 0,
  });
  const { stdout } = await bench.call(['show', 'pgtest1', '--json']);
  const shown = stdout.split('\n').map((line) => JSON.parse(line) as ShowOutput);
  expect(shown.map(({ repository, points }) => [repository, points.map((point) => point.repository)])).toEqual([
    ['primary', ['primary']],
    ['second', ['second']],
  ]);
  const text = await bench.call(['show', finished.backup_id ?? '']);
  expect(text.stdout).toContain('restore pgtest1 --repository second');
});

test('a daemon says so where its folder is none', { timeout: 300_000 }, async () => {
  await using bench = await workspace();
  const { exitCode, stderr } = await bench.call(['daemon', bench.path('plnas')]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('plnas is not a folder') });
});
