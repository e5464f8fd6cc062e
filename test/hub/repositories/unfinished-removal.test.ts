import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { collectGarbage } from '../../../src/hub/repositories/collect-garbage.ts';
import { copyPoints } from '../../../src/hub/repositories/copy-points.ts';
import { maintenanceRun } from '../../../src/hub/repositories/maintenance-run.ts';
import { localReceiver } from '../../../src/hub/repositories/receiver.ts';
import { serveReceiver } from '../../../src/hub/repositories/serve-receiver.ts';
import { importRepository } from '../../../src/hub/import/import-repository.ts';
import { manifestChecksum } from '../../../src/repository/manifest.ts';
import type { Manifest, Settings } from '../../../src/schemas/types.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { removePoints } from '../../../src/restore-points/merge/remove-points.ts';
import { decideVm } from '../../../src/restore-points/prune/decide-vm.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { listing, stepBench, type StepBench } from '../../steps/step-bench.ts';
import { startSshd } from '../../support/sshd.ts';
import { cutOffRemoval } from './cut-off-removal.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const settings: Partial<Settings> = {
  repositories: { primary: { path: './repository', minFree: 0 }, second: { path: './second', minFree: 0 } },
};
const vm = { repository: 'primary', context: 'pgtest1' };
const later = Date.now() + 2 * 3_600_000;

let bench: StepBench;
/** Two chains: 0 <- 1 <- 2, and 3 <- 4 <- 5. */
let ids: string[];
let root: string;

let template: Promise<StepBench> | undefined;

async function makeTemplate(): Promise<StepBench> {
  const made = await stepBench(settings);
  await makeRaw(made.folder.file('a.raw'), 4 * MiB, [0, MiB]);
  for (const [number, mode] of (['auto', 'auto', 'auto', 'full', 'auto', 'auto'] as const).entries()) {
    await writeInto(made.folder.file('a.raw'), [number * 65536, 4096]);
    await backup(made, { run: `run-00000${number}`, disks: ['a.raw'], mode });
  }
  return made;
}

/** Two chains, and nothing is the matter with them. */
async function makeChains(): Promise<void> {
  template ??= makeTemplate();
  bench = await stepBench(settings, (await template).folder.path);
  root = bench.folder.file('repository');
  ids = points(bench.state).map(({ backup_id: id }) => id);
}

/** Restore point 1 is being merged into 2, and its file is lost. */
const cutOff = (repository = 'primary'): Promise<void> =>
  cutOffRemoval(bench, ids[1] ?? '', { repository, lost: true });

afterEach(() => bench[Symbol.asyncDispose]());
afterAll(async () => void (await (await template)?.[Symbol.asyncDispose]()));

const left = (): string[] => points(bench.state, vm).map(({ backup_id: id }) => id);
const decide = () =>
  decideVm(bench.state, { ...vm, root }, { retention: { last: 1 }, now: Date.now(), timezone: 'Etc/UTC' });

test('a removal that cannot be finished blocks its chain and nothing else, and can be given up', async () => {
  await makeChains();
  await cutOff();
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
  expect(decision.planned[0]?.reasons).toEqual([`it is part of the unfinished removal ${merge}`]);
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
    message: `${ids[2]} is not copied: it is part of the unfinished removal ${merge}`,
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

test('one where restore points are copied to keeps only those of its own chain from coming', async () => {
  await makeChains();
  const request = { from: 'primary', to: 'second' };
  await copyPoints(bench.services, { ...request, move: false, target: { point: ids[2] ?? '' } });
  await cutOff('second');
  const merge = `pgtest1/${ids[2]}.merge`;
  const before = await listing(bench.folder.file('second'));
  const reason = `in repository second it is part of the unfinished removal ${merge}`;
  await expect(
    copyPoints(bench.services, { ...request, move: true, target: { point: ids[1] ?? '' } }),
  ).rejects.toMatchObject({
    code: 'repository.damaged',
    message: `${ids[1]} is not copied: ${reason}`,
    remedy: expect.stringContaining('sendense-run recover') as string,
  });
  expect(await listing(bench.folder.file('second'))).toEqual(before);

  const moved = await copyPoints(bench.services, { ...request, move: true, target: { vm: 'pgtest1' } });
  expect(moved.points.map(({ backup_id: id, removed }) => [id, removed])).toEqual(ids.slice(3).map((id) => [id, true]));
  expect(moved.warnings).toEqual(ids.slice(0, 3).map((id) => `${id} is not copied: ${reason}`));
  expect(left()).toEqual(ids.slice(0, 3));
  const after = await listing(bench.folder.file('second'));
  expect(before.filter((line) => !line.endsWith('/')).every((line) => after.includes(line))).toBe(true);
});

test('and so over SSH, where the other hub says it', async () => {
  await makeChains();
  const request = { from: 'primary', move: false };
  await copyPoints(bench.services, { ...request, to: 'second', target: { point: ids[2] ?? '' } });
  await cutOff('second');
  await using sshd = await startSshd(bench.folder.file('sshd'));
  const at = bench.folder.file('second');
  const file = bench.folder.file('other-hub.yaml');
  await writeFile(file, `version: 1\nstate: ./other.db\nrepositories:\n  archive: { path: ${at} }\n`);
  const command = `${process.cwd()}/sendense-run -c ${file} repo receive ${at}`;
  const privateKey = await readFile(sshd.keyFile, 'utf8');
  const to = { server: sshd.server, privateKey, command };
  const copied = await copyPoints(bench.services, { ...request, to, target: { vm: 'pgtest1' } });
  expect(copied.points.map(({ backup_id: id }) => id)).toEqual(ids.slice(3));
  expect(copied.warnings).toEqual(
    ids
      .slice(0, 3)
      .map(
        (id) =>
          `${id} is not copied: in repository archive it is part of the unfinished removal pgtest1/${ids[2]}.merge`,
      ),
  );
});

test('a receiver takes no file of such a chain, whatever the sender says', async () => {
  await makeChains();
  await cutOff();
  const text = await readFile(join(root, `pgtest1/${ids[2]}.json`), 'utf8');
  const child = JSON.parse(text) as Manifest;
  const disks = child.disks.map((disk) => ({
    ...disk,
    parent: child.backup_id,
    path: 'disk-0/later.qcow2',
    index: { ...disk.index, path: 'disk-0/later.index' },
  })) as Manifest['disks'];
  const onTop = { ...child, backup_id: 'later', disks };
  const before = await listing(root);
  for (const asked of [
    { op: 'begin', path: `pgtest1/disk-0/${ids[2]}.qcow2`, bytes: 1 },
    { op: 'begin', path: `pgtest1/disk-0/${ids[1]}.qcow2`, bytes: 1 },
    { op: 'commit', text, marks: null },
    { op: 'commit', text: JSON.stringify({ ...onTop, checksum: manifestChecksum(onTop) }), marks: null },
  ]) {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    input.write(`${JSON.stringify({ op: 'hello', version: 1, context: 'pgtest1' })}\n`);
    input.end(`${JSON.stringify(asked)}\n`);
    const run = { name: 'repo-receive', vm: '*', repository: 'primary' };
    const served = maintenanceRun(bench.state, run, async (its) => {
      await using receiver = localReceiver(bench.services, 'primary', its);
      await serveReceiver(input, output, receiver);
    });
    await expect(served).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringMatching(/ is not taken: it is part of the unfinished removal /) as string,
    });
  }
  expect(await listing(root)).toEqual(before);
});
