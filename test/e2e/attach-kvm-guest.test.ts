/** A Linux guest that runs in libvirt gets disks of a restore point, reads them, and loses them again. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linuxDisk, nameDisk } from '../guests/linux-guest.ts';
import { makeRaw, MiB } from '../host/disk-images.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { backupPlan, workspace, type Workspace } from './workspace.ts';

const timeout = 900_000;
const hasLibvirt =
  process.getuid?.() === 0 && existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

interface Machine {
  readonly machine: string;
  readonly bus: string;
  /** Of the guest's own disk. */
  readonly name: string;
  readonly controllers: string;
  readonly hasAgent: boolean;
}

const machines: readonly Machine[] = [
  {
    machine: 'pc',
    bus: 'scsi',
    name: 'sda',
    controllers: '<controller type="scsi" model="virtio-scsi"/>',
    hasAgent: true,
  },
  { machine: 'pc', bus: 'virtio', name: 'vda', controllers: '', hasAgent: false },
  {
    machine: 'q35',
    bus: 'virtio',
    name: 'vda',
    controllers: `<controller type="pci" model="pcie-root"/>${'<controller type="pci" model="pcie-root-port"/>'.repeat(8)}`,
    hasAgent: true,
  },
];

describe.skipIf(!hasLibvirt)('a Linux guest of libvirt', { timeout }, () => {
  let work: Workspace;
  let libvirt: OwnLibvirtd;
  let digest: string;

  beforeAll(async () => {
    libvirt = await ownLibvirtd();
    work = await workspace();
    await makeRaw(work.path('disk0.raw'), 4 * MiB, [65_536, 2_000_000]);
    await nameDisk(work.path('disk0.raw'), 'read1');
    digest = createHash('sha256')
      .update(await readFile(work.path('disk0.raw')))
      .digest('hex');
    await makeRaw(work.path('disk1.raw'), 8 * MiB);
    await execa('mke2fs', ['-q', '-t', 'ext4', work.path('disk1.raw'), '7M']);
    await nameDisk(work.path('disk1.raw'), 'held1');
    await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.raw']));
    const { exitCode, stderr } = await work.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
    await mkdir(work.path('images'));
  }, timeout);
  afterAll(async () => {
    await libvirt?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  /** A guest that has started, and what it said on its console, line by line. */
  async function started(vm: string, { machine, bus, name, controllers, hasAgent }: Machine) {
    await linuxDisk(work.path(`${vm}.raw`), 'bios');
    const agent = '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>';
    await writeFile(
      work.path('domain.xml'),
      `<domain type="qemu"><name>${vm}</name><memory unit="MiB">256</memory><vcpu>1</vcpu>
       <os><type arch="x86_64" machine="${machine}">hvm</type></os><features><acpi/></features><devices>${controllers}
       <disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="${work.path(`${vm}.raw`)}"/>
       <target dev="${name}" bus="${bus}"/></disk>
       <serial type="file"><source path="${work.path(`${vm}.log`)}"/></serial>${hasAgent ? agent : ''}
       </devices></domain>`,
    );
    await libvirt.virsh('define', work.path('domain.xml'));
    await libvirt.virsh('start', vm);
    const said = async (): Promise<string[]> =>
      (await readFile(work.path(`${vm}.log`), 'utf8')).split(/\r?\n/).filter((line) => line.startsWith('guest: '));
    const until = async (wanted: (lines: string[]) => boolean): Promise<void> => {
      await expect.poll(async () => wanted(await said()), { timeout: 200_000, interval: 100 }).toBe(true);
    };
    await until((lines) => lines.length > 0);
    return {
      said,
      until,
      /** The disks that it sees, as it said last. */
      sees: (words: RegExp) =>
        until((lines) => words.test(lines.findLast((line) => line.startsWith('guest: bios')) ?? '')),
      agent: (command: object) => libvirt.virsh('qemu-agent-command', vm, JSON.stringify(command)),
    };
  }

  test.each(machines)('on $machine with $bus, agent: $hasAgent', async (machine) => {
    const vm = `${machine.machine}-${machine.bus}`;
    const at = ['--libvirt', libvirt.uri];
    const attach = (disk: string) =>
      work.call(['attach', 'pgtest1', '--disk', disk, '--to', `kvm:${vm}`, ...at, '--folder', work.path('images')]);
    const detach = () => work.call(['detach', vm, '--from', 'kvm:', ...at, '--yes']);
    const guest = await started(vm, machine);
    await guest.sees(/^guest: bios boot=\S+\.$/);

    expect(await attach('0')).toMatchObject({ exitCode: 0 });
    await guest.until((lines) => lines.includes(`guest: read1 has ${digest}`));
    const gone = await detach();
    expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
    await guest.sees(/^guest: bios boot=\S+\.$/);

    expect(await attach('1')).toMatchObject({ exitCode: 0 });
    await guest.until((lines) => lines.includes('guest: held1 is mounted'));
    if (machine.hasAgent) {
      await expect.poll(() => guest.agent({ execute: 'guest-ping' }).catch(() => ''), { timeout: 60_000 }).not.toBe('');
      const refused = await detach();
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.stderr).toMatch(
        /target\.busy: the guest of the VM \S+ has mounted the disk [sv]db at \/mnt\/held1/,
      );
      expect(await readdir(work.path('images'))).toHaveLength(1);
      expect(await libvirt.virsh('domblklist', vm)).toContain('/images/sendense-');
      const umount = { path: '/bin/umount', arg: ['/mnt/held1'] };
      await guest.agent({ execute: 'guest-exec', arguments: umount });
      await expect.poll(() => guest.agent({ execute: 'guest-get-fsinfo' })).not.toContain('held1');
    }
    // Without an agent nobody knows, and Linux lets go of the disk.
    expect(await detach()).toMatchObject({ exitCode: 0 });
    await guest.sees(/^guest: bios boot=\S+\.$/);
    expect(await readdir(work.path('images'))).toEqual([]);

    const count = (await guest.said()).length;
    expect(await attach('0')).toMatchObject({ exitCode: 0 });
    await guest.until((lines) => lines.slice(count).includes(`guest: read1 has ${digest}`));
    expect(await detach()).toMatchObject({ exitCode: 0 });
    await libvirt.virsh(`destroy ${vm}; undefine ${vm}`);
  });
});
