import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { maintenanceRun } from '../../../src/hub/repositories/maintenance-run.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { listRuns } from '../../../src/state/runs/runs.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { fillDisk, smallDisk } from '../../support/small-disk.ts';
import { addRuns } from '../../state/temporary-state.ts';

test('a run whose end the full disk did not take ends once there is space, though its process goes on', async () => {
  await using folder = await temporaryFolder();
  const disk = folder.file('disk');
  await using _small = await smallDisk(disk, 'size=4m');
  using state = openState(join(disk, 'sendense.db'));
  const run = maintenanceRun(state, { name: 'adopt', vm: 'pgtest1', repository: 'primary' }, async ({ id }) => {
    await fillDisk(disk);
    expect(() => {
      for (let other = 0; ; other++) addRuns(state, `r${other}`);
    }).toThrow(expect.objectContaining({ code: 'disk.full' }));
    return id;
  });
  await expect(run).rejects.toMatchObject({ code: 'disk.full' });
  const adopted = (): string | undefined => listRuns(state, { plan: 'adopt' })[0]?.status;
  expect(adopted()).toBe('running');
  rmSync(join(disk, 'ballast'));
  await vi.waitFor(() => expect(adopted()).toBe('succeeded'), { timeout: 200_000, interval: 20 });
});
