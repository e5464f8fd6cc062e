import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import type { Hub } from '../../src/hub/hub.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { dropTemplate, filledRepository, type SmallRepository } from './small-repository.ts';

afterAll(dropTemplate);

const noNode = () => Promise.reject(new Error('no node is needed'));

async function hubOn(repository: SmallRepository): Promise<Hub> {
  await writeFile(
    repository.file('..', 'sendense.yaml'),
    'version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository }\n  second: { path: ./second }\n',
  );
  return openHub({ startFolder: repository.file('..'), embeddedNode: noNode });
}

describe('hub.check', () => {
  test('looks at every repository, or at the VM or restore point that is asked for', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    expect(await hub.check({ deep: false })).toMatchObject({
      version: 1,
      ok: true,
      repository: 'primary, second',
      points_checked: 5,
      findings: [],
    });
    expect(await hub.check({ deep: false, vm: 'other-vm' })).toMatchObject({ points_checked: 1 });
    expect(await hub.check({ deep: false, point: 'b2' })).toMatchObject({ points_checked: 2 });
  });

  test('a VM or restore point that is not known is an error, not a sound one', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    await expect(hub.check({ deep: false, vm: 'nobody' })).rejects.toMatchObject({ code: 'point.unknown' });
    await expect(hub.check({ deep: false, point: 'b99' })).rejects.toMatchObject({ code: 'point.unknown' });
    await expect(hub.check({ deep: false, repository: 'none' })).rejects.toMatchObject({ code: 'repository.unusable' });
  });

  test('warnings leave it ok, errors do not', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    await writeFile(repository.file('foreign'), '');
    expect(await hub.check({ deep: false })).toMatchObject({ ok: true, findings: [{ code: 'file.unowned' }] });
    await rm(repository.file('vm/disk-0/b4.qcow2'));
    expect(await hub.check({ deep: false })).toMatchObject({ ok: false });
  });

  test('a restore point that another hub has removed is named as such, with the way out', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    for (const name of ['b4.json', 'disk-0/b4.qcow2', 'disk-0/b4.index', 'disk-1/b4.qcow2', 'disk-1/b4.index'])
      await rm(repository.file('vm', name));
    // A file is left of this one.
    await rm(repository.file('vm/b3.json'));
    const { findings } = await hub.check({ deep: false });
    expect(findings).toMatchObject([
      { code: 'manifest.missing', backup_id: 'b3', remedy: expect.stringContaining('from a copy of the repository') },
      {
        code: 'manifest.missing',
        backup_id: 'b4',
        message: expect.stringContaining('another hub has removed the restore point'),
        remedy: expect.stringContaining('`sendense-run repo import primary --forget-missing`'),
      },
    ]);
  });

  test('what cannot be read of marks is told by `list`', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    await writeFile(repository.file('vm/b4.marks'), '{}');
    for (const call of ['lines', 'list'] as const) {
      const warnings: string[] = [];
      await hub[call]({ warn: (message) => void warnings.push(message) });
      expect(warnings).toEqual([
        expect.stringMatching(/b4 of vm is protected or broken is not known: .*not as it was/),
      ]);
    }
  });

  test('a repository that vanished is an error that counts what is lost', async () => {
    await using repository = await filledRepository();
    await using hub = await hubOn(repository);
    await rename(repository.root, `${repository.root}.moved`);
    for (const there of [false, true]) {
      if (there) await mkdir(repository.root);
      const { ok, findings } = await hub.check({ deep: false, repository: 'primary' });
      expect(ok).toBe(false);
      expect(findings).toEqual([
        expect.objectContaining({
          code: 'file.missing',
          message: expect.stringContaining('5 restore points') as string,
        }),
      ]);
    }
    await expect(hub.importRepository('primary')).rejects.toMatchObject({ code: 'repository.unusable' });
    await rm(repository.root, { recursive: true });
    await execa('mv', [`${repository.root}.moved`, repository.root]);
    expect(await hub.check({ deep: false })).toMatchObject({ ok: true });
  });
});
