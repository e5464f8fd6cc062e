import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepRunFolders } from '../../../src/host/programs/run-folder.ts';
import { importRepository } from '../../../src/hub/import/import-repository.ts';
import { verifyChain } from '../../../src/repository/verify-chain.ts';
import type { MergeIntent } from '../../../src/schemas/types.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import type { RemovalResult } from '../../../src/restore-points/merge/remove-points.ts';
import { finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { storedChain } from '../../../src/restore-points/stored-chain.ts';
import { MiB } from '../../host/disk-images.ts';
import { folderChanges, type FolderChanges } from '../../support/folder-changes.ts';
import { processesNaming } from '../../support/processes.ts';
import { idOf, mergeRepository, numbersFrom, someWrites, vm, type MergeRepository } from './merge-repository.ts';
import { testProgram } from '../../programs.ts';
import { all, rounds } from '../../support/rounds.ts';

const capacity = 24 * MiB;
const remove = ['p01', 'p03', 'p04', 'p06'];
const kept = ['p02', 'p05'];
let template: MergeRepository;
/** How long it takes undisturbed, ms. */
let usual = 0;

beforeAll(async () => {
  template = await mergeRepository();
  const next = numbersFrom(5);
  for (let at = 1; at <= 6; at++)
    await template.add(
      idOf(at),
      [0, 1].map((number) => ({
        number,
        parent: at === 1 ? null : idOf(at - 1),
        capacity,
        commands: someWrites(next, capacity, 8, 32),
      })),
    );
  template.state.close();
  await using repository = await mergeRepository(template);
  const started = performance.now();
  await child(repository);
  usual = performance.now() - started;
  await assertSealed(repository);
}, 300_000);
afterAll(() => template[Symbol.asyncDispose]());

const child = (repository: MergeRepository) =>
  execa(process.execPath, [testProgram('restore-points/merge/merge-child'), repository.folder, ...remove], {
    reject: false,
  });

async function assertSealed(repository: MergeRepository): Promise<void> {
  expect(repository.ids()).toEqual(kept);
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([]);
}

/** As the kill left it: read by qemu-img, found by the database, accepted by check and by an import into an empty database. */
async function assertReadable(repository: MergeRepository): Promise<void> {
  expect(await repository.wrong(kept)).toEqual([]);
  for (const point of points(repository.state, vm).filter(({ backup_id: id }) => kept.includes(id))) {
    for (const { number } of point.disks) {
      const chain = storedChain(repository.state, point, number);
      expect(chain).toBeInstanceOf(Array);
      expect(await verifyChain(repository.root, chain as Exclude<typeof chain, string>)).toEqual({ verdict: 'sound' });
    }
  }
  // What goes may be half gone; nothing is said of what stays.
  const findings = await repository.findings();
  expect(findings.filter((line) => !/^(file\.leftover|database\.missing) /.test(line))).toEqual([]);
  using empty = openState(join(repository.folder, `import-${performance.now()}.db`));
  const imported = await importRepository({ state: empty, repository: 'primary', root: repository.root });
  expect(imported.refused).toEqual([]);
  expect(imported.imported.filter((id) => kept.includes(id))).toEqual(kept);
  for (const point of points(empty, vm)) expect(storedChain(empty, point, 0)).toBeInstanceOf(Array);
}

async function assertRecovers(repository: MergeRepository): Promise<void> {
  expect(processesNaming(repository.folder)).toEqual([]);
  await assertReadable(repository);
  await finishMerges(repository.state, { name: 'primary', root: repository.root });
  if (all) {
    expect(await repository.wrong(kept)).toEqual([]);
    expect(await repository.findings()).toEqual([]);
  }
  // What was not begun is done by the next run.
  const { exitCode, stdout, stderr } = await child(repository);
  const { skipped } = JSON.parse(stdout) as RemovalResult;
  expect([exitCode, skipped.filter(({ reason }) => reason !== 'there is no such restore point')], stderr).toEqual([
    0,
    [],
  ]);
  await assertSealed(repository);
}

/** The removal under way, as it is written down at this moment. */
function intentNow(repository: MergeRepository): MergeIntent | null {
  for (const name of ['p02', 'p05', 'p06']) {
    try {
      return JSON.parse(readFileSync(repository.file('vm', `${name}.merge`), 'utf8')) as MergeIntent;
    } catch {
      // Not this one.
    }
  }
  return null;
}

const changesOf = (repository: MergeRepository): FolderChanges =>
  folderChanges(['vm', 'vm/disk-0', 'vm/disk-1'].map((folder) => repository.file(folder)));

const checksumOf = (repository: MergeRepository, id: string): string =>
  (JSON.parse(readFileSync(repository.file('vm', `${id}.json`), 'utf8')) as { checksum: string }).checksum;

/** Of the first disk of the kept point: whether its index has its new form under a name of its own, or under its last one. */
function newIndex(repository: MergeRepository, { name, child: merge }: MergeIntent): 'made' | 'named' | null {
  const index = repository.file('vm', 'disk-0', `${name}.index`);
  const after = merge?.disks[0]?.after?.index;
  const image = statSync(repository.file('vm', 'disk-0', `${name}.qcow2`), { bigint: true, throwIfNoEntry: false });
  const there = statSync(index, { bigint: true, throwIfNoEntry: false });
  if (after && String(there?.mtimeNs) === after.file_mtime_ns)
    return String(image?.mtimeNs) === merge?.disks[0]?.before.file_mtime_ns ? 'named' : null;
  return existsSync(`${index}.sendense-part`) ? 'made' : null;
}

type IsNow = (intent: MergeIntent, repository: MergeRepository) => boolean;
const moments: readonly (readonly [string, IsNow, again?: 'again'])[] = [
  ['nothing is done yet', ({ phase }) => phase === 'prepared'],
  ['the manifests are gone', ({ phase }) => phase === 'unpublished', 'again'],
  [
    'the first disk is being merged',
    ({ child: merge }) => merge?.disks[0]?.begun === true && merge.disks[0].after === null,
  ],
  ['the first disk is merged', ({ child: merge }) => merge?.disks[0]?.after != null && !merge.disks[1]?.begun, 'again'],
  [
    'the second disk is being merged',
    ({ child: merge }) => merge?.disks[1]?.begun === true && merge.disks[1].after === null,
    'again',
  ],
  [
    'an index has its new form, and nobody wrote that down',
    (intent, repository) => intent.phase === 'unpublished' && newIndex(repository, intent) === 'made',
  ],
  ['an index has its new form, and no image', (intent, repository) => newIndex(repository, intent) === 'named'],
  ['all is merged', ({ phase }) => phase === 'merged'],
  ['the merged files have their names', ({ phase, child: merge }) => phase === 'published' && merge !== null],
  ['a point that nothing is built on is gone', ({ phase, child: merge }) => phase === 'published' && merge === null],
];

describe('killed', () => {
  // The others kill it between the same two files.
  const enough = moments.filter(([, , again]) => all || !again);
  test.for(enough)('when %s', { timeout: 300_000 }, async ([, isNow]) => {
    // A moment can be missed; then all is done, and it is tried again.
    for (;;) {
      await using repository = await mergeRepository(template);
      const running = child(repository);
      const merging = { ended: false };
      void running.then(() => (merging.ended = true));
      using changes = changesOf(repository);
      let caught = false;
      while (!merging.ended && !caught) {
        await changes.next();
        const intent = intentNow(repository);
        caught = intent !== null && isNow(intent, repository);
      }
      running.kill('SIGKILL');
      await running;
      if (!caught) continue;
      await gone(repository);
      return await assertRecovers(repository);
    }
  });

  test('between the merged manifest and the database', { timeout: 300_000 }, async () => {
    for (;;) {
      await using repository = await mergeRepository(template);
      const running = child(repository);
      const merging = { ended: false };
      void running.then(() => (merging.ended = true));
      using changes = changesOf(repository);
      while (!merging.ended && intentNow(repository)?.phase !== 'merged') await changes.next();
      // The database takes nothing from now on.
      await using stack = new AsyncDisposableStack();
      const database = stack.adopt(openDatabase(join(repository.folder, 'state', 'sendense.db')), (open) => {
        open.close();
      });
      database.exec('BEGIN IMMEDIATE');
      const before = new Map(points(repository.state, vm).map((point) => [point.backup_id, point.checksum]));
      const isBetween = (): boolean => {
        const merge = intentNow(repository)?.child;
        const merged = merge?.manifest?.checksum;
        return (
          merge != null && checksumOf(repository, merge.backup_id) === merged && before.get(merge.backup_id) !== merged
        );
      };
      for (const end = Date.now() + 3000; !merging.ended && !isBetween() && Date.now() < end;) await changes.next();
      const caught = isBetween();
      running.kill('SIGKILL');
      await running;
      database.exec('ROLLBACK');
      if (!caught) continue;
      await gone(repository);
      return await assertRecovers(repository);
    }
  });

  const next = numbersFrom(11);
  test.each(Array.from({ length: rounds(1, 20) }, (_, at) => [at, next(1000) / 1000] as const))(
    'at any moment, %i: after %d of it',
    { timeout: 300_000 },
    async (_at, share) => {
      await using repository = await mergeRepository(template);
      const running = child(repository);
      await delay(share * usual);
      running.kill('SIGKILL');
      await running;
      await gone(repository);
      await assertRecovers(repository);
    },
  );

  test('again and again, also while it recovers', { timeout: 300_000 }, async () => {
    await using repository = await mergeRepository(template);
    const again = numbersFrom(23);
    for (let round = rounds(2, 10); round > 0; round--) {
      const running = child(repository);
      await delay((again(1000) / 1000) * usual * 0.6);
      running.kill('SIGKILL');
      await running;
      await gone(repository);
      await assertReadable(repository);
    }
    await assertRecovers(repository);
  });
});

/**
 * What writes ends with the killed process, the kernel takes a moment; what served a file to be read back is stopped by every
 * recovery before anything else.
 */
async function gone(repository: MergeRepository): Promise<void> {
  do {
    await sweepRunFolders();
    await delay(20);
  } while (processesNaming(repository.folder).length > 0);
}
