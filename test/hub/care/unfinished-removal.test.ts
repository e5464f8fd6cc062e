import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { collectGarbage } from '../../../src/hub/care/collect-garbage.ts';
import { copyPoints } from '../../../src/hub/care/copy-points.ts';
import { importRepository } from '../../../src/hub/import-repository.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import { planUnits } from '../../../src/repository/merge/plan-units.ts';
import { writeIntent } from '../../../src/repository/merge/intent.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { points } from '../../../src/state/restore-points.ts';
import { advance } from '../../../src/steps/merge/advance.ts';
import { claimed, finishMerges } from '../../../src/steps/merge/finish-merges.ts';
import { prepareUnit } from '../../../src/steps/merge/prepare-unit.ts';
import { removePoints } from '../../../src/steps/merge/remove-points.ts';
import { decideVm } from '../../../src/steps/prune/decide-vm.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { stepBench, type StepBench } from '../../steps/step-bench.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const settings: Partial<Settings> = {
  repositories: { primary: { path: './repository', minFree: 0 }, second: { path: './second', minFree: 0 } },
};
const vm = { repository: 'primary', context: 'pgtest1' };
const later = Date.now() + 2 * 3_600_000;

let bench: StepBench;
/** Two chains: 0 <- 1 <- 2, and 3 <- 4 <- 5. */
let ids: string[];
let root: string;

/** Restore point 1 is being merged into 2, and its file is lost. */
async function prepare(): Promise<void> {
  bench = await stepBench(settings);
  root = bench.folder.file('repository');
  await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
  for (const [number, mode] of (['auto', 'auto', 'auto', 'full', 'auto', 'auto'] as const).entries()) {
    await writeInto(bench.folder.file('a.raw'), [number * 65536, 4096]);
    await backup(bench, { run: `run-00000${number}`, disks: ['a.raw'], mode });
  }
  const all = points(bench.state);
  ids = all.map(({ backup_id: id }) => id);
  const [unit] = planUnits(all, new Set([ids[1] ?? ''])).units;
  if (!unit) throw new Error('nothing to remove');
  const keys = {
    ...noKeys,
    of: () => {
      throw new Error('killed here');
    },
  };
  const request = { state: bench.state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  const killed = claimed(request, async (work) => {
    const intent = await writeIntent(root, await prepareUnit(work, unit));
    await advance({ ...work, keys }, intent);
  });
  await expect(killed).rejects.toThrow('killed here');
  await rm(join(root, `pgtest1/disk-0/${ids[1]}.qcow2`), { force: true });
}

afterAll(() => bench[Symbol.asyncDispose]());

const left = (): string[] => points(bench.state, vm).map(({ backup_id: id }) => id);
const decide = () =>
  decideVm(bench.state, { ...vm, root }, { retention: { last: 1 }, now: Date.now(), timezone: 'Etc/UTC' });

test('a removal that cannot be finished blocks its chain and nothing else, and can be given up', async () => {
  await prepare();
  const merge = `pgtest1/${ids[2]}.merge`;
  await expect(finishMerges(bench.state, { name: 'primary', root }, { everywhere: true })).rejects.toMatchObject({
    code: 'repository.damaged',
    message: expect.stringMatching(/\.qcow2 is missing or was changed/) as string,
    remedy: expect.stringContaining('“A removal that cannot be finished” in docs/repository.md') as string,
  });

  // Prune: the other chain only.
  const decision = await decide();
  expect(decision.planned.map(({ id, keep }) => [id, keep])).toEqual([
    [ids[0], true],
    [ids[2], true],
    [ids[3], false],
    [ids[4], false],
    [ids[5], true],
  ]);
  expect(decision.planned[0]?.reasons).toEqual([`it has to do with the removal ${merge}, which is not finished`]);
  expect(decision.unfinished).toEqual([
    expect.stringMatching(/^the removal .*\.merge is not finished; 2 restore points wait for it\. /),
  ]);
  const removed = await removePoints(bench.state, { ...vm, root, remove: [ids[0] ?? '', ids[3] ?? ''] });
  expect(removed.removed).toEqual([ids[3]]);
  expect(removed.skipped).toEqual([{ backup_id: ids[0], reason: decision.planned[0]?.reasons[0] }]);
  expect(left()).toEqual([ids[0], ids[2], ids[4], ids[5]]);

  // Copy: the other chain, and says so.
  const request = { from: 'primary', to: 'second', move: false };
  const copied = await copyPoints(bench.services, { ...request, target: { vm: 'pgtest1' } });
  expect(copied.points.map(({ backup_id: id }) => id)).toEqual([ids[4], ids[5]]);
  expect(copied.warnings.map((text) => text.split(' ')[0])).toEqual([ids[0], ids[2]]);
  await expect(copyPoints(bench.services, { ...request, target: { point: ids[2] ?? '' } })).rejects.toMatchObject({
    code: 'repository.damaged',
    message: `${ids[2]} is not copied: it has to do with the removal ${merge}, which is not finished`,
  });

  // Gc: what belongs to nothing, and nothing that the removal may need.
  await rename(join(root, `pgtest1/${ids[5]}.json`), bench.folder.file('kept.json'));
  await importRepository({ state: bench.state, repository: 'primary', root, forgetMissing: true });
  const gc = async () => {
    const output = await collectGarbage(bench.services, { dryRun: false, purge: false, now: later });
    return output.repositories[0];
  };
  const report = await gc();
  expect(report?.skipped).toEqual([]);
  expect(report?.removed.map(({ path }) => path)).toEqual([
    `pgtest1/disk-0/${ids[5]}.qcow2`,
    `pgtest1/disk-0/${ids[5]}.index`,
  ]);
  expect(report?.kept).toContainEqual({ path: merge, reason: 'a removal that is not finished' });
  await access(join(root, `pgtest1/disk-0/${ids[1]}.index`));

  // As docs/repository.md says: given up with what is built on it; what it was built on stays.
  await mkdir(bench.folder.file('aside'));
  for (const name of [`${ids[2]}.merge`, `${ids[2]}.json`])
    await rename(join(root, 'pgtest1', name), bench.folder.file('aside', name));
  const imported = await importRepository({ state: bench.state, repository: 'primary', root, forgetMissing: true });
  expect(imported).toMatchObject({ refused: [], forgotten: [ids[2]] });
  expect((await gc())?.removed.map(({ path }) => path)).toEqual([
    `pgtest1/disk-0/${ids[2]}.qcow2`,
    `pgtest1/disk-0/${ids[2]}.index`,
    `pgtest1/disk-0/${ids[1]}.index`,
  ]);
  expect(left()).toEqual([ids[0], ids[4]]);
  expect((await decide()).unfinished).toEqual([]);
});
