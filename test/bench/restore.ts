import { rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { canAttach, loopDevice } from '../support/loop-device.ts';
import { fixture, plan, type Fixture } from './fixture.ts';
import { compete, printTable, type Contender } from './measure.ts';
import { convert, flush } from './native.ts';

interface Bench {
  readonly work: Fixture;
  /** The qcow2 of the restore point. */
  readonly image: string;
  readonly bytes: number;
}

/**
 * Restores to each kind of target, without and with the comparison, against what one would type without Sendense.
 * @param only these of `raw`, `qcow2`, `device` and `ova`; default: all
 */
export async function restore(bytes: number, rounds: number, only?: readonly string[]): Promise<void> {
  await using work = await fixture(bytes);
  await writeFile(work.path('plan.yaml'), plan('bench'));
  await work.sendense('run', 'plan.yaml', '--quiet');
  const { stdout } = await work.sendense('list', '--json');
  const { points } = JSON.parse(stdout) as { points: { disks: { path: string }[] }[] };
  const bench = { work, image: points[0]?.disks[0]?.path ?? '', bytes };
  for (const way of [raw, qcow2, device, ova]) if (only?.includes(way.name) ?? true) await way(bench, rounds);
}

/** @param to where it goes, and further options */
const ours = (
  { work }: Bench,
  name: string,
  to: readonly string[],
  file: string,
  clean: () => Promise<void>,
): Contender => ({
  name,
  run: async () => {
    await work.sendense('restore', 'bench', '--quiet', '--repository', 'primary', '--to', ...to);
    await flush(file);
  },
  clean,
});

/** The bare tool, and a restore that is compared or not. */
async function against(
  title: string,
  bench: Bench,
  bare: Contender,
  own: { readonly to: readonly string[]; readonly file: string; readonly clean?: () => Promise<void> },
  rounds: number,
): Promise<void> {
  const clean = own.clean ?? (() => rm(dirname(own.file), { recursive: true }));
  const rows = await compete(
    [
      bare,
      ours(bench, 'sendense-run restore --no-verify', [...own.to, '--no-verify'], own.file, clean),
      ours(bench, 'sendense-run restore (verified)', own.to, own.file, clean),
    ],
    rounds,
  );
  printTable(`Restore of ${bench.bytes / 1024 ** 3} GiB, half data, ${title}`, rows, bare.name);
}

async function raw(bench: Bench, rounds: number): Promise<void> {
  const { work, image } = bench;
  const target = work.path('bare.raw');
  const bare = {
    name: 'qemu-img convert',
    run: () => convert(image, 'qcow2', target, 'raw'),
    clean: () => rm(target),
  };
  await against('as raw', bench, bare, { to: ['out'], file: work.path('out', 'disk-0.raw') }, rounds);
}

async function qcow2(bench: Bench, rounds: number): Promise<void> {
  const { work, image } = bench;
  const target = work.path('bare.qcow2');
  const bare = {
    name: 'qemu-img convert',
    run: () => convert(image, 'qcow2', target, 'qcow2'),
    clean: () => rm(target),
  };
  const own = { to: ['out', '--format', 'qcow2'], file: work.path('out', 'disk-0.qcow2') };
  await against('as qcow2', bench, bare, own, rounds);
}

/** To a loop device, of which every byte is written by both. */
async function device(bench: Bench, rounds: number): Promise<void> {
  if (!canAttach) return console.log('\nNo restore to a device: that needs root.');
  const { work, image, bytes } = bench;
  const file = work.path('device.raw');
  await using loop = await loopDevice(file, bytes);
  const clean = async (): Promise<void> => {
    await truncate(file, 0);
    await truncate(file, bytes);
    await execa('blockdev', ['--flushbufs', loop.path]);
  };
  const bare = {
    name: 'qemu-img convert',
    run: () => convert(image, 'qcow2', loop.path, 'raw', '-n'),
    clean,
  };
  await against('to a block device', bench, bare, { to: [`device:${loop.path}`], file: loop.path, clean }, rounds);
}

/** Without Sendense one would convert the disk, and put it into an archive. */
async function ova(bench: Bench, rounds: number): Promise<void> {
  const { work, image } = bench;
  const options = ['-o', 'subformat=streamOptimized,adapter_type=lsilogic,compat6=on'];
  const bare = {
    name: 'qemu-img convert, tar',
    run: async () => {
      await convert(image, 'qcow2', work.path('bare.vmdk'), 'vmdk', ...options);
      await execa('tar', ['-cf', 'bare.ova', 'bare.vmdk'], { cwd: work.folder });
      await flush(work.path('bare.ova'));
    },
    clean: async () => {
      await rm(work.path('bare.vmdk'));
      await rm(work.path('bare.ova'));
    },
  };
  const own = {
    to: ['ova:out/vm.ova', '--memory', '1GiB', '--cpus', '1'],
    file: work.path('out', 'vm.ova'),
  };
  await against('as OVA', bench, bare, own, rounds);
}
