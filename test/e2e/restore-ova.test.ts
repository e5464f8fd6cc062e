import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sameContent } from './workspace.ts';
import { testProgram } from '../programs.ts';
import { MiB, pgtest1, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';

const killedRun = testProgram('e2e/killed-run-child');
const judge = join(import.meta.dirname, '..', 'targets', 'judge-ova.py');
const importer = join(import.meta.dirname, '..', 'targets', 'import-ova.py');

describe('restore of a VM of vSphere to an OVA file', { timeout: 300_000 }, () => {
  let at: VsphereWorkspace;
  beforeAll(async () => {
    at = await vsphereWorkspace();
    const vm = await at.vcenter.addVm({
      ...pgtest1,
      firmware: 'efi',
      nvram: Buffer.from('the firmware remembers'),
      networks: [{ name: 'VM Network' }, { name: 'DC0_DVPG0' }],
    });
    await at.plan('nightly.yaml', vm);
    const { exitCode, stderr } = await at.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
  }, 300_000);
  afterAll(() => at[Symbol.asyncDispose]());

  const same = async (a: string, b: string): Promise<boolean> => (await readFile(a)).equals(await readFile(b));
  const contentOf = async (name: string): Promise<{ folder: string; said: Record<string, unknown> }> => {
    const folder = at.work.path(`${name}.content`);
    await mkdir(folder);
    const { stdout } = await execa('/usr/bin/python3', [judge, at.work.path(name), folder]);
    return { folder, said: JSON.parse(stdout) as Record<string, unknown> };
  };

  it('has its hardware and its disks, as another program reads them', async () => {
    const shown = await at.work.call(['restore', 'pgtest1', '--to', 'ova:./deep/vm.ova', '--dry-run']);
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('pgtest1-disk-1.vmdk');
    expect(await readdir(at.work.folder)).not.toContain('deep');
    const done = await at.work.call(['restore', 'pgtest1', '--to', 'ova:./vm.ova']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain('tar -tvf vm.ova');
    const { folder, said } = await contentOf('vm.ova');
    expect(said).toMatchObject({
      name: 'pgtest1',
      hardware: 'vmx-19',
      config: { firmware: 'efi' },
      extra: { nvram: 'pgtest1.nvram' },
      networks: [
        ['VM Network', 'VmxNet3', 'true'],
        ['DC0_DVPG0', 'VmxNet3', 'true'],
      ],
      disks: [
        { controller: 'VirtualSCSI', bus: '0', unit: '0', capacity: 9.5 * MiB },
        { controller: 'VirtualSCSI', bus: '1', unit: '0', capacity: 24 * MiB + 1024 },
      ],
    });
    expect(await readFile(join(folder, 'pgtest1.nvram'), 'utf8')).toBe('the firmware remembers');
    await at.work.call(['restore', 'pgtest1', '--to', './raw']);
    for (const disk of ['disk-0', 'disk-1'])
      expect(await sameContent(join(folder, `pgtest1-${disk}.vmdk`), at.work.path('raw', `${disk}.raw`)), disk).toBe(
        true,
      );
    const again = await at.work.call(['restore', 'pgtest1', '--to', 'ova:./vm.ova']);
    expect(again.exitCode).not.toBe(0);
    expect(again.stderr).toContain('vm.ova exists already');
  });

  it('is imported by a vCenter, and the disks of the new VM are those of the restore point', async () => {
    const { port, user, password } = at.vcenter;
    const args = [importer, at.work.path('vm.ova'), String(port), user, 'imported'];
    const { stdout } = await execa('/usr/bin/python3', args, { input: password });
    expect(JSON.parse(stdout)).toEqual({
      guestId: 'debian10_64Guest',
      memory: 32,
      cpus: 1,
      disks: [9.5 * MiB, 24 * MiB + 1024],
      cards: ['VirtualVmxnet3', 'VirtualVmxnet3'],
    });
    const made = await at.vcenter.findVm('imported');
    for (const [number, { flatFile }] of made?.disks.entries() ?? [])
      expect(await same(flatFile, at.work.path('raw', `disk-${number}.raw`))).toBe(true);
  });

  it.each([
    [['--to', 'ova:', '--memory', '1GiB'], 'names no file'],
    [['--to', 'ova:./x.tar'], 'does not end with .ova'],
    [['--to', 'ova:./x.ova', '--format', 'vmdk'], 'not for OVA files'],
    [['--to', 'ova:./x.ova', '--overwrite'], 'never overwritten'],
    [['--to', 'ova:./x.ova', '--cpus', 'two'], 'is not a number of CPUs'],
    [['--to', 'ova:./x.ova', '--memory', 'much'], '--memory'],
    [['--to', './x', '--memory', '1GiB'], 'get disks alone'],
    [['--to', 'ova:./repository/x.ova'], 'lies inside the repository'],
  ])('%j is refused before anything is made', async (options, text) => {
    const before = await readdir(at.work.folder);
    const refused = await at.work.call(['restore', 'pgtest1', ...options]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(text);
    expect(await readdir(at.work.folder)).toEqual(before);
  });

  it.each([
    ['restore.write', 'after', false],
    ['restore.verify', 'after', false],
    ['restore.publish', 'before', false],
    ['restore.publish', 'after', true],
  ] as const)('kill -9 at %s (%s): the name is that of the whole file or of nothing', async (uses, when, isThere) => {
    const folder = `${uses}-${when}`;
    await at.work.write(
      'back.yaml',
      `kind: restore\nname: back\nvm: { name: pgtest1 }\nrepository: primary\nto: { ova: ./${folder}/vm.ova }\n`,
    );
    const killed = await execa(process.execPath, [killedRun, at.work.path('back.yaml'), uses, when], {
      reject: false,
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect((await readdir(at.work.path(folder))).includes('vm.ova')).toBe(isThere);
    expect((await at.work.call(['recover'])).exitCode).toBe(0);
    expect(await readdir(at.work.path(folder)).catch(() => [])).toEqual(isThere ? ['vm.ova'] : []);
    if (!isThere) expect((await at.work.run('back.yaml')).exitCode).toBe(0);
    expect(await same(at.work.path(folder, 'vm.ova'), at.work.path('vm.ova'))).toBe(true);
  });
});
