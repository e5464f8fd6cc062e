import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backupPlan, makeRaw, workspace } from '../e2e/workspace.ts';
import type { StatusOutput } from '../../src/schemas/types.ts';

test('status ends with 1 and says why: a plan failed, its file is gone; node.yaml is no plan', async () => {
  await using work = await workspace();
  await makeRaw(work.path('disk0.raw'), 1024 * 1024, [[0, 4096]]);
  await work.write('plan.yaml', backupPlan(['disk0.raw']));
  await work.write('node.yaml', 'version: 1\n');
  expect((await work.run('plan.yaml')).exitCode).toBe(0);
  const status = async (): Promise<[number, string | undefined]> => {
    const { exitCode, stdout } = await work.call(['--json', 'status', '--plans', '.']);
    const { plans } = JSON.parse(stdout) as StatusOutput;
    expect(plans.length).toBeLessThanOrEqual(1);
    return [exitCode, plans[0]?.state];
  };
  expect(await status()).toEqual([0, 'ok']);

  rmSync(work.path('disk0.raw'));
  expect((await work.run('plan.yaml')).exitCode).not.toBe(0);
  expect(await status()).toEqual([1, 'failing']);

  await makeRaw(work.path('disk0.raw'), 1024 * 1024, [[0, 4096]]);
  expect((await work.run('plan.yaml')).exitCode).toBeLessThanOrEqual(3);
  rmSync(work.path('plan.yaml'));
  const { exitCode, stdout } = await work.call(['status']);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/pgtest1-nightly +pgtest1 +gone /);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    `its file ${work.path('plan.yaml')} is gone: nothing runs it any more`,
  );
  const nagios = await work.call(['status', '--format', 'nagios']);
  expect(nagios).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('WARNING - pgtest1-nightly: its file') });
  // A file that is no plan fails as such.
  writeFileSync(work.path('plan.yaml'), 'kind: backup\n');
  expect(await status()).toEqual([1, 'failing']);
});
