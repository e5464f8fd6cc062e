import { execa } from 'execa';
import { rm, writeFile } from 'node:fs/promises';
import { fixture, plan } from './fixture.ts';
import { compete, median, printTable } from './measure.ts';
import { convert, tunedCopy } from './native.ts';

/** A full backup against bare qemu-img and bare nbdcopy. */
export async function full(bytes: number, rounds: number): Promise<void> {
  await using work = await fixture(bytes);
  const target = work.path('bare.qcow2');
  await writeFile(work.path('plan.yaml'), plan('bench'));
  const proofs: number[] = [];
  const rows = await compete(
    [
      { name: 'qemu-img convert', run: () => convert(work.disk, 'raw', target, 'qcow2'), clean: () => rm(target) },
      {
        name: 'nbdcopy, tuned',
        prepare: async () => void (await execa('qemu-img', ['create', '-q', '-f', 'qcow2', target, String(bytes)])),
        run: () => tunedCopy(work.disk, target),
        clean: () => rm(target),
      },
      {
        name: 'sendense-run (with digests)',
        run: async () => {
          const { stdout } = await work.sendense('--json', 'run', 'plan.yaml', '--mode', 'full');
          proofs.push(secondsOf(stdout, 'seal'));
        },
        clean: async () => {
          await rm(work.path('repository'), { recursive: true, force: true });
          await rm(work.path('state'), { recursive: true, force: true });
        },
      },
    ],
    rounds,
  );
  rows.push({ name: '  of it: checked and proven (step seal)', median: median(proofs), runs: proofs });
  const faster = rows.slice(0, 2).toSorted((a, b) => a.median - b.median)[0]?.name;
  printTable(`Full backup of ${bytes / 1024 ** 3} GiB, half data (ratio to the faster bare tool)`, rows, faster);
}

/** How long a step took, from the events of a run. */
function secondsOf(events: string, step: string): number {
  for (const line of events.split('\n').filter(Boolean)) {
    const event = JSON.parse(line) as { type: string; step?: string; duration_ms?: number };
    if (event.type === 'step.succeeded' && event.step === step) return (event.duration_ms ?? 0) / 1000;
  }
  throw new Error(`no step ${step}`);
}
