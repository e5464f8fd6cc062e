import { execa } from 'execa';
import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { expectClean, guestWorks, keepFrozen, pgtest1, vsphereWorkspace } from './vsphere-workspace.ts';
import { disksOf, restorePlan, sameBytes } from './workspace.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';

hurryKdf();

test('a VM of vSphere is stored encrypted, its configuration too, and comes back', { timeout: 300_000 }, async () => {
  await using at = await vsphereWorkspace();
  const { work } = at;
  await work.call(['repo', 'new-key', 'repo.key']);
  const settings = await readFile(work.path('sendense.yaml'), 'utf8');
  const key = 'encryption: { key: { secret: { file: ./repo.key } } }';
  await work.write('sendense.yaml', settings.replace('path: ./repository }', `path: ./repository, ${key} }`));
  const vm = await at.vcenter.addVm(pgtest1);
  await at.plan('plan.yaml', vm);
  const ids: (string | null)[] = [];
  for (const round of [0, 1]) {
    await guestWorks(vm);
    const outcome = await at.run('plan.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished.error) + outcome.stderr).toMatchObject({
      status: 'succeeded',
      warnings: [],
    });
    for (const { mode } of disksOf(outcome)) expect(mode).toBe(round === 0 ? 'full' : 'incremental');
    ids.push(outcome.finished.backup_id);
    await keepFrozen(at, vm, `round${round}`);
    await expectClean(vm);
  }

  const { vm_config: config } = await at.manifest(ids[1] ?? null);
  expect(config?.encryption).toMatchObject({ format: 'openssl-enc' });
  const file = work.path('repository/pgtest1', config?.path ?? '');
  expect((await stat(file)).size).toBe(config?.bytes);
  expect((await readFile(file)).includes('pgtest1')).toBe(false);
  const openssl = ['enc', '-d', '-aes-256-ctr', '-pbkdf2', '-pass', `file:${work.path('repo.key')}`, '-in', file];
  expect(JSON.parse((await execa('openssl', openssl)).stdout)).toMatchObject({ name: 'pgtest1' });

  for (const [round, id] of ids.entries()) {
    await work.write('restore.yaml', restorePlan(`./restored-${round}`, `point: ${id}\n`));
    expect((await work.run('restore.yaml')).finished).toMatchObject({ status: 'succeeded', exit_code: 0 });
    for (const disk of [0, 1])
      expect(
        await sameBytes(work.path(`restored-${round}/disk-${disk}.raw`), work.path(`round${round}-${disk}.truth`)),
      ).toBe(true);
  }
  const ova = await work.call(['restore', 'pgtest1', '--to', 'ova:./vm.ova']);
  expect(ova, ova.stderr).toMatchObject({ exitCode: 0 });
  expect((await execa('tar', ['-xOf', work.path('vm.ova'), 'pgtest1.ovf'])).stdout).toContain('<Name>pgtest1</Name>');
  expect((await work.call(['check'])).exitCode).toBe(0);
});
