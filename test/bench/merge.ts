import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { bundled } from './bundled.ts';
import { change, fixture, plan } from './fixture.ts';
import type * as merging from './merging.ts';
import { compete, median, printTable, type Contender, type Row } from './measure.ts';

type Merging = typeof merging;

/**
 * The oldest of three restore points is removed: a full, into which what the second one holds is merged. All begin with the
 * same files, flushed and in the page cache alike, and end flushed. The bare commands do not look whether it is right.
 * @param deltas bytes of what the second one holds, one table for each
 */
export async function merge(bytes: number, deltas: readonly number[], rounds: number): Promise<void> {
  await using built = await bundled<Merging>('merging.ts');
  const points: { readonly delta: number; readonly seconds: number }[] = [];
  for (const delta of deltas) points.push({ delta, seconds: await mergeOf(built.module, bytes, delta, rounds) });
  const [least, most] = [points[0], points.at(-1)];
  if (!least || !most || least.delta === most.delta) return;
  const each = (most.seconds - least.seconds) / (most.delta - least.delta);
  const fixed = least.seconds - each * least.delta;
  console.log(`\nours: ${fixed.toFixed(2)} s + ${(each * 1024 ** 3).toFixed(2)} s per GiB that is merged`);
}

/** Answers the seconds that ours takes. */
async function mergeOf(merging: Merging, bytes: number, delta: number, rounds: number): Promise<number> {
  await using work = await fixture(bytes);
  await writeFile(work.path('plan.yaml'), plan('bench'));
  for (let point = 0; point < 3; point++) {
    if (point > 0) await change(work.disk, bytes, delta / bytes);
    await work.sendense('run', 'plan.yaml', '--quiet');
  }
  const folder = join('repository', 'bench');
  const ids = (await readdir(work.path(folder)))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .toSorted();
  const [first = '', second = ''] = ids;
  const save = work.path('saved');
  await mkdir(save);
  for (const name of ['repository', 'state']) await rename(work.path(name), join(save, name));
  const prepare = async (): Promise<void> => {
    for (const name of ['repository', 'state']) {
      await rm(work.path(name), { recursive: true, force: true });
      await execa('cp', ['-a', join(save, name), work.path(name)]);
    }
    await execa('sync');
  };
  const image = (id: string): string => work.path(folder, 'disk-0', `${id}.qcow2`);
  const commit = async (): Promise<void> => {
    await execa('qemu-img', ['commit', '-q', '-d', image(second)]);
    await execa('sync', [image(first)]);
  };
  const begun: number[] = [];
  const copied: number[] = [];
  let state: ReturnType<Merging['openState']> | null = null;
  // A run has its database open and its schemas loaded.
  const prepareOurs = async (): Promise<void> => {
    await prepare();
    state = merging.openState(work.path('state', 'sendense.db'));
    await merging.readContext(work.path('repository'), 'bench');
  };
  const remove = async (): Promise<void> => {
    const started = performance.now();
    let [begin, half] = [0, 0];
    if (!state) throw new Error('not prepared');
    await merging.removePoints(state, {
      repository: 'primary',
      root: work.path('repository'),
      context: 'bench',
      remove: [first],
      onProgress: (done, total) => {
        if (begin === 0) begin = performance.now() - started;
        if (half === 0 && done * 2 >= total) half = performance.now() - started;
      },
    });
    begun.push(begin / 1000);
    copied.push(half / 1000);
  };
  const contenders: Contender[] = [
    { name: 'bare qemu-img commit, flushed', prepare, run: commit },
    {
      name: 'the same, and given its name, which frees the old file',
      prepare,
      run: async () => {
        await commit();
        await rename(image(first), image(second));
        await execa('sync', [work.path(folder, 'disk-0')]);
      },
    },
    { name: 'ours, in total', prepare: prepareOurs, run: remove, clean: async () => state?.close() },
  ];
  const rows = await compete(contenders, rounds);
  const all = rows.at(-1)?.runs ?? [];
  const row = (name: string, runs: readonly number[]): Row => ({ name, runs, median: median(runs) });
  const title = `Merge of ${delta / 1024 ** 2} MiB, in pieces of 64 KiB, into a full of ${bytes / 1024 ** 3} GiB`;
  const phases = [
    row('  of that, files looked at before', begun),
    row(
      '  of that, copied',
      copied.map((seconds, at) => seconds - (begun[at] ?? 0)),
    ),
    row(
      '  of that, proven, given its name, old files freed',
      all.map((seconds, at) => seconds - (copied[at] ?? 0)),
    ),
  ];
  // What a bare commit leaves to be done is part of merging.
  printTable(title, [...rows, ...phases], contenders[1]?.name);
  return rows.at(-1)?.median ?? 0;
}
