import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { openState } from '../../src/state/open-state.ts';
import { removePoints } from '../../src/steps/merge/remove-points.ts';
import { change, fixture, plan } from './fixture.ts';
import { compete, printTable, type Contender, type Row } from './measure.ts';

/**
 * The oldest of three restore points is removed: a full, into which what the second one holds is merged. All begin with the
 * same files, flushed and in the page cache alike, and end flushed. The bare commands do not look whether it is right.
 * @param delta bytes of what the second one holds
 */
export async function merge(bytes: number, delta: number, rounds: number): Promise<void> {
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
  const copied: number[] = [];
  const remove = async (): Promise<void> => {
    const started = performance.now();
    let half = 0;
    using state = openState(work.path('state', 'sendense.db'));
    await removePoints(state, {
      repository: 'primary',
      root: work.path('repository'),
      context: 'bench',
      remove: [first],
      onProgress: (done, total) => {
        if (half === 0 && done * 2 >= total) half = performance.now() - started;
      },
    });
    copied.push(half / 1000);
  };
  const contenders: Contender[] = [
    { name: 'bare qemu-img commit, flushed', prepare, run: commit },
    {
      name: 'the same, and given its name',
      prepare,
      run: async () => {
        await commit();
        await rename(image(first), image(second));
        await execa('sync', [work.path(folder, 'disk-0')]);
      },
    },
    { name: 'ours, in total', prepare, run: remove },
  ];
  const rows = await compete(contenders, rounds);
  const all = rows.at(-1)?.runs ?? [];
  const row = (name: string, runs: readonly number[]): Row => ({
    name,
    runs,
    median: runs.toSorted((a, b) => a - b)[runs.length >> 1] ?? 0,
  });
  printTable(
    `Merge of ${delta / 1024 ** 2} MiB, in pieces of 64 KiB, into a full of ${bytes / 1024 ** 3} GiB`,
    [
      ...rows,
      row('  of that, looked at before and copied', copied),
      row(
        '  of that, proven, given its name, the rest removed',
        all.map((seconds, at) => seconds - (copied[at] ?? 0)),
      ),
    ],
    contenders[0]?.name,
  );
}
