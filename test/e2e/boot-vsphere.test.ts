import { readFile, stat } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import { linuxDisk, nameDisk } from '../guests/linux-guest.ts';
import { makeRaw } from '../host/disk-images.ts';
import type { DiskSpec } from '../simulators/vcenter/simulated-vm.ts';
import { bootCalls, endBoots } from './boot-bench.ts';
import { MiB, vsphereWorkspace } from './vsphere-workspace.ts';

test(
  'a VM of vSphere runs at once from its backup, with the hardware that it knows',
  { timeout: 240_000 },
  async () => {
    await using at = await vsphereWorkspace();
    const { vcenter, work } = at;
    const disks: DiskSpec[] = [];
    for (const [index, controller] of (['scsi0', 'nvme0'] as const).entries()) {
      const file = work.path(`${controller}.guest`);
      if (index === 0) await linuxDisk(file, 'bios');
      else {
        await makeRaw(file, MiB);
        await nameDisk(file, controller);
      }
      disks.push({ capacity: (await stat(file)).size, controller, content: await readFile(file) });
    }
    const mac = '00:50:56:9a:1b:2c';
    const networks = [{ name: 'VM Network', mac }];
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      memoryMb: 256,
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
      memory_bytes: 256 * MiB,
      firmware: 'bios',
      network: 'isolated',
    });
    const argv = argvOf(boot.guest_pid ?? 0).join(' ');
    expect(argv).toContain(`mac=${mac}`);
    expect(argv).toContain('user,restrict=on');
    await vi.waitUntil(
      async () =>
        (await calls.call('boot', 'status', boot.id, '--serial')).includes('guest: bios boot=vmw_pvscsi nvme0=nvme.'),
      { timeout: 120_000, interval: 500 },
    );
    await endBoots(work);
  },
);
