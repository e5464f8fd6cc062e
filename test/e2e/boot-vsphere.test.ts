import { readFile, stat } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import { makeRaw, writeInto } from '../host/disk-images.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import type { DiskSpec } from '../simulators/vcenter/simulated-vm.ts';
import { bootCalls, endBoots } from './boot-bench.ts';
import { MiB, vsphereWorkspace } from './vsphere-workspace.ts';

test(
  'a VM of vSphere runs at once from its backup, with the hardware that it knows',
  { timeout: 300_000 },
  async () => {
    await using at = await vsphereWorkspace();
    const { vcenter, work } = at;
    const disks: DiskSpec[] = [];
    for (const [index, controller] of (['scsi0', 'nvme0'] as const).entries()) {
      const file = work.path(`${controller}.guest`);
      await makeRaw(file, MiB, [4096, 512]);
      // No system: restore-kvm.test.ts and boot-linux.test.ts have one find its disks on these controllers.
      if (index === 0) await writeInto(file, [0, bootSector('login: ')]);
      disks.push({ capacity: (await stat(file)).size, controller, content: await readFile(file) });
    }
    const mac = '00:50:56:9a:1b:2c';
    const networks = [{ name: 'VM Network', mac }];
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      memoryMb: 64,
      cpus: 2,
      firmware: 'bios',
      networks,
      disks,
    });
    await at.plan('nightly.yaml', vm);
    const run = await at.run('nightly.yaml');
    expect(run.exitCode, run.stderr).toBe(0);

    const calls = bootCalls(work);
    const network = ['--network', 'isolated', '--keep-mac', '--keep-identity'];
    const boot = await calls.json('boot', 'pgtest1', '--accel', 'tcg', '--reserve', '1MiB', ...network);
    expect(boot).toMatchObject({
      state: 'running',
      cpus: 2,
      memory_bytes: 64 * MiB,
      firmware: 'bios',
      network: 'isolated',
    });
    const argv = argvOf(boot.guest_pid ?? 0).join(' ');
    expect(argv).toContain(`mac=${mac}`);
    expect(argv).toContain('user,restrict=on');
    expect(argv).toMatch(/bus=pvscsi0\.0,\S*drive=disk0,/);
    expect(argv).toMatch(/bus=nvme0,\S*drive=disk1,/);
    await vi.waitUntil(async () => (await calls.call('boot', 'status', boot.id, '--serial')).includes('login: '), {
      timeout: 300_000,
      interval: 250,
    });
    await endBoots(work);
  },
);
