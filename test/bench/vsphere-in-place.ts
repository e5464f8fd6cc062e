import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RunEvent } from '../../src/schemas/types.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { median } from './measure.ts';
import { bigVm, sendense, workFolder } from './vsphere.ts';

const MiB = 1024 * 1024;

/**
 * A restore in place of a disk of which 0, 16 and 256 MiB differ: what is written is what differs, and the time follows it, with the two
 * indexes after a backup, or by reading the disk.
 */
export async function vsphereInPlace(bytes: number, rounds: number): Promise<void> {
  await using vcenter = await startVcenter();
  const vm = await bigVm(vcenter, bytes);
  await vm.power('off');
  await using work = await workFolder(vcenter, 'vddk', 'auto');
  const backup = await sendense(work.folder, vcenter, '--json', 'run', 'plan.yaml');
  const events = backup.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RunEvent);
  const point = events.flatMap((event) => (event.type === 'run.finished' ? [event.backup_id ?? ''] : []))[0] ?? '';
  const truth = await readFile(vm.disks[0]?.flatFile ?? '');
  const words = ['restore', 'bench', '--point', point, '--to', 'vsphere:test', '--in-place'];
  console.log(
    `\nvSphere, a restore in place of ${bytes / MiB} MiB, seconds of the step that writes; the whole command with its backup`,
  );
  for (const way of ['two indexes', 'reading']) {
    for (const differ of [0, 16, 256].filter((size) => size * MiB <= bytes / 2)) {
      const times: { readonly write: number[]; readonly all: number[] } = { write: [], all: [] };
      let written = 0;
      for (let round = 0; round < rounds; round++) {
        for (let piece = 0; piece < differ; piece++) await vm.write(0, piece * MiB, randomBytes(MiB));
        const before = (await vcenter.writes()).length;
        const began = performance.now();
        const more = way === 'reading' ? ['--no-safety-backup'] : [];
        const { stdout } = await sendense(work.folder, vcenter, '--json', ...words, ...more);
        times.all.push((performance.now() - began) / 1000);
        for (const line of stdout.split('\n').filter(Boolean)) {
          const event = JSON.parse(line) as RunEvent;
          if (event.type === 'step.succeeded' && event.step === 'write') times.write.push(event.duration_ms / 1000);
        }
        written = (await vcenter.writes()).slice(before).reduce((sum, { length }) => sum + length, 0);
        if (written !== differ * MiB) throw new Error(`${differ} MiB differ, ${written} bytes were written`);
        if (!(await readFile(vm.disks[0]?.flatFile ?? '')).equals(truth)) throw new Error('the disk is not the point');
      }
      console.log(
        `  ${way.padEnd(12)} ${String(differ).padStart(4)} MiB differ  ${String(written / MiB).padStart(4)} MiB written  step ${median(times.write).toFixed(2)}  command ${median(times.all).toFixed(2)}`,
      );
    }
  }
}
