import { readdir, readFile, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { linuxDisk, nameDisk } from '../guests/linux-guest.ts';
import { makeRaw as makeDisk } from '../host/disk-images.ts';
import { testProgram } from '../programs.ts';
import { standInV2v } from '../simulators/virt-v2v.ts';
import { startsAndSays } from './start-script.ts';
import { MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import type { DiskSpec } from '../simulators/vcenter/simulated-vm.ts';
import { enough } from '../support/rounds.ts';
import { backupPlan, sameContent, workspace, type Workspace } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');

/** A Linux guest on the first of these controllers, and an empty disk with a name on each other one. */
async function guestDisks(
  { work }: VsphereWorkspace,
  firmware: 'bios' | 'efi',
  controllers: readonly NonNullable<DiskSpec['controller']>[],
  kernel: 'cloud' | 'usual' = 'cloud',
): Promise<DiskSpec[]> {
  const disks: DiskSpec[] = [];
  for (const [index, controller] of controllers.entries()) {
    const file = work.path(`${controller}.guest`);
    if (index === 0) await linuxDisk(file, firmware, kernel);
    else {
      await makeDisk(file, MiB);
      await nameDisk(file, controller);
    }
    disks.push({ capacity: (await stat(file)).size, controller, content: await readFile(file) });
  }
  return disks;
}

test('a VM of vSphere goes to KVM, and boots there from the hardware that it knows', { timeout }, async () => {
  await using at = await vsphereWorkspace();
  const { vcenter, work } = at;
  const mac = '00:50:56:9a:1b:2c';
  const vm = await vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    memoryMb: 256,
    cpus: 2,
    firmware: 'bios',
    networks: [{ name: 'VM Network', mac }],
    disks: await guestDisks(at, 'bios', ['scsi0', 'ide0', 'nvme0']),
  });
  await at.plan('nightly.yaml', vm);
  expect((await at.run('nightly.yaml')).exitCode).toBe(0);

  const to = `kvm:${work.path('vm')}`;
  const shown = await work.call(['restore', 'pgtest1', '--to', to, '--libvirt', 'none', '--dry-run']);
  expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain('domain.xml');
  const done = await work.call(['restore', 'pgtest1', '--to', to, '--libvirt', 'none', '--keep-mac']);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  expect(done.stdout).toContain('vm/start.sh');
  const xml = await readFile(work.path('vm/domain.xml'), 'utf8');
  expect(xml).toContain(mac);
  expect(xml).toContain('<link state="down"/>');
  await execa('virt-xml-validate', [work.path('vm/domain.xml')]);
  for (const [number, controller] of ['scsi0', 'ide0', 'nvme0'].entries())
    expect(await sameContent(work.path(`vm/disk-${number}.qcow2`), work.path(`${controller}.guest`))).toBe(true);
  await startsAndSays(work.path('vm/start.sh'), 'guest: bios boot=vmw_pvscsi ide0=ata_piix nvme0=nvme.', 250_000);
});

const scsi0 = (kind: string) => ({ boot: 'scsi0', kind: `Virtual${kind}Controller` }) as const;

// QEMU has no LSI Logic, the parallel one, and UEFI reads no disk on LSI SAS: these disks are on SATA then. Each guest has a disk on
// LSI SAS, one on LSI Logic or SATA, and starts from the first.
test.each(
  enough([
    { firmware: 'bios', ...scsi0('LsiLogicSAS'), says: 'boot=mptsas sata0=ahci scsi1=ahci' },
    { firmware: 'efi', boot: 'sata0', kind: 'VirtualLsiLogicSASController', says: 'boot=ahci scsi0=ahci scsi1=ahci' },
    { firmware: 'bios', ...scsi0('LsiLogic'), says: 'boot=ahci sata0=ahci scsi1=ahci', again: true },
    {
      firmware: 'bios',
      boot: 'sata0',
      kind: 'VirtualLsiLogicSASController',
      says: 'boot=ahci scsi0=mptsas scsi1=ahci',
      again: true,
    },
    { firmware: 'efi', ...scsi0('LsiLogicSAS'), says: 'boot=ahci sata0=ahci scsi1=ahci', again: true },
    { firmware: 'efi', ...scsi0('LsiLogic'), says: 'boot=ahci sata0=ahci scsi1=ahci', again: true },
  ] as const),
)('a VM of vSphere with $firmware, whose $boot it starts from, and $kind: $says', { timeout }, async (one) => {
  await using at = await vsphereWorkspace();
  const { firmware, boot, kind, says } = one;
  const on = boot === 'sata0' ? (['sata0', 'scsi0', 'scsi1'] as const) : (['scsi0', 'sata0', 'scsi1'] as const);
  const vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    memoryMb: 256,
    firmware,
    controllers: [
      { kind, bus: 0 },
      { kind: 'VirtualLsiLogicController', bus: 1 },
    ],
    disks: await guestDisks(at, firmware, on, 'usual'),
  });
  await at.plan('nightly.yaml', vm);
  expect((await at.run('nightly.yaml')).exitCode).toBe(0);
  const done = await at.work.call(['restore', 'pgtest1', '--to', `kvm:${at.work.path('vm')}`, '--libvirt', 'none']);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  await startsAndSays(at.work.path('vm/start.sh'), `guest: ${firmware} ${says}.`, 250_000);
});

test.each(['bios', 'efi'] as const)(
  'a VM of vSphere gets virtio devices, once its guest has booted from them (%s)',
  { timeout },
  async (firmware) => {
    await using at = await vsphereWorkspace();
    const { work } = at;
    const disks = await guestDisks(at, firmware, firmware === 'bios' ? ['scsi0', 'ide0'] : ['nvme0', 'ide0']);
    const networks = [{ name: 'VM Network', mac: '00:50:56:9a:1b:2c' }];
    const vm = await at.vcenter.addVm({ name: 'pgtest1', cbt: true, memoryMb: 256, firmware, networks, disks });
    await at.plan('nightly.yaml', vm);
    expect((await at.run('nightly.yaml')).exitCode).toBe(0);
    // It says so only if it has found both there.
    const says = `guest: ${firmware} boot=virtio-pci ide0=virtio-pci.`;
    const to = ['--to', `kvm:${work.path('vm')}`, '--libvirt', 'none', '--keep-mac'];
    const convert = ['--convert', 'virtio', '--accel', 'tcg', '--serial', says];
    const env = await standInV2v(work.folder, 'leaves');
    const done = await work.call(['restore', 'pgtest1', ...to, ...convert], { env });
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    const xml = await readFile(work.path('vm/domain.xml'), 'utf8');
    expect(xml).toContain('<model type="virtio"/>');
    await execa('virt-xml-validate', [work.path('vm/domain.xml')]);
    await startsAndSays(work.path('vm/start.sh'), says, 250_000);
  },
);

test('a VM with UEFI starts with variables of its own', { timeout }, async () => {
  await using at = await vsphereWorkspace();
  const disks = await guestDisks(at, 'efi', ['nvme0', 'ide0']);
  const vm = await at.vcenter.addVm({ name: 'pgtest1', cbt: true, memoryMb: 256, firmware: 'efi', disks });
  await at.plan('nightly.yaml', vm);
  expect((await at.run('nightly.yaml')).exitCode).toBe(0);
  const done = await at.work.call(['restore', 'pgtest1', '--to', `kvm:${at.work.path('vm')}`, '--libvirt', 'none']);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  await startsAndSays(at.work.path('vm/start.sh'), 'guest: efi boot=nvme ide0=ata_piix.', 250_000);
});

describe('a VM of which nothing was saved', () => {
  let work: Workspace;
  beforeAll(async () => {
    work = await workspace();
    await makeDisk(work.path('disk0.raw'), 2 * MiB, [0, 512]);
    await work.write('nightly.yaml', backupPlan(['disk0.raw']));
    const { exitCode, stderr } = await work.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
  });
  afterAll(() => work[Symbol.asyncDispose]());

  test('is asked for what is missing, and refuses words that mean nothing', async () => {
    const call = (...words: string[]) => work.call(['restore', 'pgtest1', '--libvirt', 'none', ...words]);
    for (const [words, text] of [
      [['--to', 'kvm:./none'], 'missing: memory, cpus'],
      [['--to', 'kvm:./none', '--memory', '1GiB', '--cpus', 'x'], 'is not a number of CPUs'],
      [['--to', 'kvm:./none', '--memory', '1GiB', '--cpus', '1', '--name', '../x'], '--name'],
      [['--to', 'kvm:./none', '--memory', '1GiB', '--cpus', '1', '--connect'], 'says nothing of where'],
      [['--to', 'kvm:./none', '--network', 'a', '--network', 'b'], 'several --network'],
      [['--to', 'kvm:'], 'names no folder'],
      [['--to', './none'], '--libvirt is for --to kvm:'],
    ] as const) {
      const refused = await call(...words);
      expect(refused.exitCode, words.join(' ')).not.toBe(0);
      expect(refused.stderr, words.join(' ')).toContain(text);
    }
    expect(await exists(work.path('none'))).toBe(false);
    const done = await call('--to', 'kvm:./said', '--memory', '1GiB', '--cpus', '1', '--name', 'web1');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain('web1, not in libvirt');
  });

  test.each([
    ['restore.write', 'after', false],
    ['restore.verify', 'after', false],
    ['restore.publish', 'before', false],
    ['restore.publish', 'after', true],
  ])('kill -9 at %s (%s): recover leaves all or nothing', async (uses, when, isThere) => {
    const folder = work.path(`${uses}-${when}`);
    await work.write(
      'leave.yaml',
      `kind: restore\nname: leave\nvm: { name: pgtest1 }\nrepository: primary\nto: { kvm: ${folder}, libvirt: none, memory: 1GiB, cpus: 1 }\n`,
    );
    const killed = await execa(process.execPath, [killedRun, work.path('leave.yaml'), uses, when], { reject: false });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect((await work.call(['recover'])).exitCode).toBe(0);
    const names = await readdir(folder).catch(() => []);
    expect(names.toSorted()).toEqual(isThere ? ['disk-0.qcow2', 'domain.xml', 'start.sh'] : []);
  });
});
