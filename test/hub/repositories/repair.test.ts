/** The marker of a repository is made again by two hubs at the same time. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { repairRepository } from '../../../src/hub/repositories/repair-repository.ts';
import { markerName } from '../../../src/repository/layout.ts';
import { findRepository } from '../../../src/repository/open-repository.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { makeRaw, MiB } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { stepBench } from '../../steps/step-bench.ts';

test.each(['lost', 'damaged'])('hubs that repair at once agree on one id, the marker was %s', async (was) => {
  await using bench = await stepBench();
  await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
  await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
  const root = bench.folder.file('repository');
  const { repositoryPath } = bench.services;
  for (let round = 0; round < 30; round += 1) {
    if (was === 'lost') await rm(join(root, markerName));
    else await writeFile(join(root, markerName), 'not JSON');
    const made = await Promise.all(
      [0, 1, 2].map(async (hub) => {
        // Each at another moment of what the others do.
        await delay(hub * (round % 15));
        using state = openState(bench.folder.file(`${round}-${hub}.db`));
        return (await repairRepository({ state, repositoryPath }, 'primary')).id;
      }),
    );
    expect(new Set([...made, (await findRepository('primary', root))?.id]).size, `round ${round}`).toBe(1);
  }
});
