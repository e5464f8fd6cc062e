import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttachedOutput, DetachOutput } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { makeRaw, MiB } from '../host/disk-images.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { startCarrier } from '../host/libvirt/start-carrier.ts';
import { testProgram } from '../programs.ts';
import { backupPlan, workspace, type Workspace } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');
const killedDetach = testProgram('e2e/killed-detach-child');
const hasLibvirt =
  process.getuid?.() === 0 && existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

describe.skipIf(!hasLibvirt)('a disk of a restore point and a VM of libvirt that runs', { timeout }, () => {
  let work: Workspace;
  let libvirt: OwnLibvirtd;
  const vm = 'web1';

  beforeAll(async () => {
    libvirt = await ownLibvirtd();
    work = await workspace();
    for (const [name, mib] of [
      ['disk0.raw', 2],
      ['disk1.raw', 4],
      ['own.raw', 1],
    ] as const)
      await makeRaw(work.path(name), mib * MiB, [65_536, 100_000]);
    await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.raw']));
    const { exitCode, stderr } = await work.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
    await work.write(
      'beside.yaml',
      `kind: restore\nname: beside\nvm: { name: pgtest1 }\nrepository: primary\ndisks: [1]\nto: { attachKvm: ${vm}, libvirt: '${libvirt.uri}', folder: ./images }\n`,
    );
    await startCarrier(libvirt, vm, work.path('own.raw'));
  }, timeout);
  afterAll(async () => {
    await libvirt?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  const places = () => ['--libvirt', libvirt.uri, '--folder', work.path('images')];
  const attach = (...words: string[]) =>
    work.call(['attach', 'pgtest1', '--disk', '1', '--to', `kvm:${vm}`, ...places(), ...words]);
  const detach = (...words: string[]) =>
    work.call(['detach', vm, '--from', 'kvm:', '--libvirt', libvirt.uri, ...words]);
  const listed = async (): Promise<AttachedOutput['disks']> => {
    const { stdout } = await work.call(['attach', 'list', 'kvm:', '--libvirt', libvirt.uri, '--json']);
    const output = JSON.parse(stdout) as AttachedOutput;
    expect(validatorOf('output/attached.json')(structuredClone(output))).toBe(true);
    return output.disks;
  };
  async function expectAttached(): Promise<void> {
    const [disk, ...more] = await listed();
    expect(disk).toMatchObject({ vm, of: 'pgtest1', disk: 'disk-1', address: 'scsi:sdb', problem: null });
    expect(more).toEqual([]);
    expect(await libvirt.virsh('domblklist', vm)).toContain(disk?.file ?? '?');
    await execa('qemu-img', ['compare', '-U', '-f', 'raw', '-F', 'qcow2', work.path('disk1.raw'), disk?.file ?? '']);
  }
  async function expectGone(): Promise<void> {
    expect(await listed()).toEqual([]);
    expect(await libvirt.virsh('domblklist', vm)).not.toContain('sdb');
    expect(existsSync(work.path('images')) ? await readdir(work.path('images')) : []).toEqual([]);
    expect(await libvirt.virsh('domstate', vm)).toBe('running');
  }

  test('comes while it runs, is never taken off without a question, and goes', async () => {
    const shown = await attach('--dry-run');
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('gets sdb (scsi) while it runs');
    await expectGone();
    const done = await attach();
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain(`${vm} in libvirt (${libvirt.uri}) has disk-1 of`);
    await expectAttached();
    expect((await attach()).stderr).toContain('it has disk-1 of');
    const asked = await detach();
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain('what was written to the disk would be lost');
    await expectAttached();
    expect((await work.call(['attach', 'list', 'kvm:', '--libvirt', libvirt.uri])).stdout).toContain('scsi:sdb');
    const gone = await detach('--yes', '--json');
    expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
    expect((JSON.parse(gone.stdout) as DetachOutput).removed).toMatchObject([{ disk: 'disk-1' }]);
    await expectGone();
    expect(await detach('--yes')).toMatchObject({ exitCode: 1 });
    const other = await attach('--datastore', 'ds1');
    expect(other.stderr).toContain('--datastore is for');
  });

  test.each([
    ['restore.write', 'after', false],
    ['restore.publish', 'before', false],
    ['restore.publish', 'after', true],
  ])('kill -9 at %s (%s): it is cleaned up or done', async (uses, when, isDone) => {
    const killed = await execa(process.execPath, [killedRun, work.path('beside.yaml'), uses, when], { reject: false });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect(await work.call(['recover'])).toMatchObject({ exitCode: 0 });
    if (!isDone) {
      await expectGone();
      expect(await attach()).toMatchObject({ exitCode: 0 });
    }
    await expectAttached();
    expect(await detach('--yes')).toMatchObject({ exitCode: 0 });
    await expectGone();
  });

  test('a detach that is killed at any moment is completed by the same command', async () => {
    for (let moment = 1; ; moment++) {
      const before = await libvirt.virsh('dumpxml', vm);
      expect(await attach('--disk', '0')).toMatchObject({ exitCode: 0 });
      const words = [killedDetach, work.folder, libvirt.uri, vm, String(moment)];
      const killed = await execa(process.execPath, words, { reject: false });
      if (killed.exitCode === 0) {
        await expectGone();
        expect(moment).toBeGreaterThan(9);
        return;
      }
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const again = await detach('--yes', '--all');
      expect(again, killed.stderr + again.stderr).toMatchObject({ exitCode: 0 });
      await expectGone();
      expect(await libvirt.virsh('dumpxml', vm)).toBe(before);
    }
  });
});
