import { join } from 'node:path';
import { execa } from 'execa';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { compete, printTable } from './measure.ts';
import { bareServers, bigVm, printStep, sendense, stepTimes, tuned, vddkWords, workFolder } from './vsphere.ts';

const MiB = 1024 * 1024;

/** A restore to a new VM over VDDK, against nbdcopy through the same plugin into a VM that is there. */
export async function vsphereRestore(bytes: number, rounds: number): Promise<void> {
  await using vcenter = await startVcenter();
  const vm = await bigVm(vcenter, bytes);
  await using work = await workFolder(vcenter, 'vddk');
  await sendense(work.folder, vcenter, 'run', 'plan.yaml', '--quiet');
  const { stdout } = await sendense(work.folder, vcenter, 'list', '--json');
  const { points } = JSON.parse(stdout) as { points: { disks: { path: string }[] }[] };
  const image = points[0]?.disks[0]?.path ?? '';
  await using vsphere = await connectVsphere({ ...vcenter, ca: null });
  let made = 0;
  let blank: SimulatedVm | null = null;
  const name = (): string => `new-${made}`;
  const remove = async (one: SimulatedVm | null): Promise<void> => {
    if (one === null) return;
    await execa('cmp', [one.disks[0]?.flatFile ?? '', vm.disks[0]?.flatFile ?? '']);
    await vsphere.task('Destroy_Task', { type: 'VirtualMachine', value: one.moref }, []);
  };
  const words = (): string[] => ['restore', 'bench', '--to', 'vsphere:test', '--name', name(), '--no-verify'];
  const step = stepTimes('write', words);
  const verified = stepTimes('write', () => words().slice(0, -1));
  const next = async (): Promise<void> => void made++;
  const bare = 'bare nbdkit-vddk + nbdcopy';
  const rows = await compete(
    [
      {
        name: bare,
        prepare: async () => {
          await next();
          blank = await vcenter.addVm({ name: name(), disks: [{ capacity: bytes }] });
          await blank.power('off');
        },
        run: () =>
          bareServers(
            work.folder,
            {
              nbdkit: vddkWords(vcenter, blank as SimulatedVm, join(work.folder, 'vcenter.password')),
              env: vcenter.vddkEnvironment,
              qemuNbd: ['-r', '-f', 'qcow2', image],
            },
            (to, from) => execa('nbdcopy', ['--destination-is-zero', '--flush', ...tuned, from, to]),
          ),
        clean: async () => remove(blank),
      },
      {
        name: 'sendense-run restore --no-verify',
        prepare: next,
        run: () => step.run(work.folder, vcenter),
        clean: async () => remove(await vcenter.findVm(name())),
      },
      {
        name: 'sendense-run restore (verified)',
        prepare: next,
        run: () => verified.run(work.folder, vcenter),
        clean: async () => remove(await vcenter.findVm(name())),
      },
    ],
    rounds,
  );
  printTable(`vSphere, a restore to a new VM over VDDK's stand-in (${bytes / MiB} MiB, half data)`, rows, bare);
  printStep(step.times, rows);
}
