import { execa } from 'execa';
import { rm, writeFile } from 'node:fs/promises';
import { change, fixture, plan, writeChanges } from './fixture.ts';
import { compete, printTable } from './measure.ts';
import { copyAreas } from './native.ts';

/** Incrementals with the changed areas given: 1 % and nothing; and by digest, where the disk is read once. */
export async function incremental(bytes: number, rounds: number): Promise<void> {
  await using work = await fixture(bytes);
  const base = work.path('base.qcow2');
  const overlay = work.path('overlay.qcow2');
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', work.disk, base]);
  await writeFile(work.path('areas.yaml'), plan('areas', ', changes: changes.json'));
  await writeFile(work.path('digest.yaml'), plan('digest'));
  await writeChanges(work.path('changes.json'), bytes, 't0', null, []);
  await work.sendense('run', 'areas.yaml', '--quiet');
  await work.sendense('run', 'digest.yaml', '--quiet');
  let landmark = 0;
  const next = (areas: Awaited<ReturnType<typeof change>>): Promise<void> =>
    writeChanges(work.path('changes.json'), bytes, `t${landmark + 1}`, `t${landmark++}`, areas);

  for (const share of [0.001, 0.01, 0.05]) {
    let areas = await change(work.disk, bytes, share);
    const rows = await compete(
      [
        {
          name: 'nbdcopy of the areas, tuned',
          prepare: async () =>
            void (await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, overlay])),
          run: () => copyAreas(work.disk, overlay, areas),
          clean: () => rm(overlay),
        },
        {
          name: 'sendense-run, areas given',
          prepare: async () => {
            areas = await change(work.disk, bytes, share);
            await next(areas);
          },
          run: async () => void (await work.sendense('run', 'areas.yaml', '--quiet', '--mode', 'incremental')),
        },
      ],
      rounds,
    );
    printTable(
      `Incremental, ${share * 100} % of ${bytes / 1024 ** 3} GiB changed (target: at most 1.5x + 0.5 s)`,
      rows,
      'nbdcopy of the areas, tuned',
    );
  }

  const quiet = await compete(
    [
      {
        name: 'nothing changed, areas given',
        prepare: () => next([]),
        run: async () => void (await work.sendense('run', 'areas.yaml', '--quiet', '--mode', 'incremental')),
      },
      {
        name: 'nothing changed, by digest (reads the disk)',
        run: async () => void (await work.sendense('run', 'digest.yaml', '--quiet', '--mode', 'incremental')),
      },
    ],
    rounds,
  );
  printTable('Nothing changed, from command to exit (target: under 1.5 s with the areas given)', quiet);
}
