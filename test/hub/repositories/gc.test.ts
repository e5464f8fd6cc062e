import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createIndexWriter, openIndex } from '../../../src/blocks/block-index.ts';
import { collectGarbage } from '../../../src/hub/repositories/collect-garbage.ts';
import { checkRepository } from '../../../src/hub/check/check-repository.ts';
import { isRunning } from '../../../src/host/programs/process-identity.ts';
import { trashName } from '../../../src/repository/stored-files/trash.ts';
import { findOrphans } from '../../../src/repository/stored-files/find-orphans.ts';
import type { GcOutput } from '../../../src/schemas/types.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { acquireLock } from '../../../src/state/runs/locks.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { isLockRecord, stepBench, type StepBench } from '../../steps/step-bench.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const gone = '20261101T013000Z-abcdef';
const later = '20261102T013000Z-abcdef';
const now = Date.now() + 2 * 3_600_000;

interface Made extends AsyncDisposable {
  readonly bench: StepBench;
  readonly root: string;
  /** Backup ids. */
  readonly ids: readonly string[];
  /** Writes a file of the repository. */
  put(path: string, content: string | { copyOf: string }): Promise<void>;
  files(): Promise<string[]>;
  gc(more?: { dryRun?: boolean; purge?: boolean }): Promise<GcOutput['repositories'][number]>;
}

let template: Promise<StepBench> | undefined;

afterAll(async () => void (await (await template)?.[Symbol.asyncDispose]()));

async function makeTemplate(): Promise<StepBench> {
  const bench = await stepBench();
  await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
  await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
  await writeInto(bench.folder.file('a.raw'), [2 * MiB, 4096]);
  await backup(bench, { run: 'run-000002', disks: ['a.raw'] });
  return bench;
}

/** One VM with a full and an incremental, looked at two hours later. */
async function made(): Promise<Made> {
  template ??= makeTemplate();
  const bench = await stepBench({}, (await template).folder.path);
  const root = bench.folder.file('repository');
  return {
    bench,
    root,
    ids: points(bench.state).map((point) => point.backup_id),
    async put(path, content) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      if (typeof content === 'string') await writeFile(file, content);
      else await copyFile(join(root, content.copyOf), file);
    },
    files: async () =>
      (await readdir(root, { recursive: true, withFileTypes: true }))
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .filter((name) => !isLockRecord(name))
        .toSorted(),
    async gc({ dryRun = false, purge = false } = {}) {
      const output = await collectGarbage(bench.services, { dryRun, purge, now });
      return output.repositories[0] as GcOutput['repositories'][number];
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

const image = (id: string, disk = 0): string => `pgtest1/disk-${disk}/${id}.qcow2`;

test('what belongs to nothing is put aside with its path; everything of restore points stays and restores', async () => {
  await using it = await made();
  const whole = await it.files();
  const own = image(it.ids[0] ?? '');
  await it.put(image(gone), { copyOf: own });
  await it.put(`pgtest1/disk-0/${gone}.index`, { copyOf: own.replace('.qcow2', '.index') });
  await it.put(`pgtest1/${gone}.vm-config`, '{"format":"sendense-vm-config/1"}');
  await it.put(`pgtest1/${gone}.json.sendense-part`, 'half');
  await it.put(`pgtest1/disk-9/${gone}.index.sendense-part`, 'half');
  await it.put(`other-vm/disk-0/${gone}.qcow2`, { copyOf: own });
  const wanted = [
    image(gone),
    `other-vm/disk-0/${gone}.qcow2`,
    `pgtest1/${gone}.json.sendense-part`,
    `pgtest1/${gone}.vm-config`,
    `pgtest1/disk-0/${gone}.index`,
    `pgtest1/disk-9/${gone}.index.sendense-part`,
  ].toSorted();

  const before = await it.files();
  const dry = await it.gc({ dryRun: true });
  expect(dry.removed.map(({ path }) => path).toSorted()).toEqual(wanted);
  expect(await it.files()).toEqual(before);

  const real = await it.gc();
  expect(real).toMatchObject({ kept: [], skipped: [], expired: [] });
  expect(real.removed.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
    dry.removed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  );
  const trash = `.sendense/trash/${trashName(now)}/`;
  const left = await it.files();
  expect(left.filter((path) => !path.startsWith('.sendense'))).toEqual(whole);
  expect(left.filter((path) => path.startsWith('.sendense'))).toEqual(
    wanted.filter((path) => !path.endsWith('-part')).map((path) => `${trash}${path}`),
  );
  expect(await readdir(it.root)).not.toContain('other-vm');
  expect(await readdir(join(it.root, 'pgtest1'))).not.toContain('disk-9');
  const check = await checkRepository({ root: it.root, deep: true, known: () => new Map(), claimed: () => new Set() });
  expect(check.findings.filter(({ code }) => code !== 'database.missing')).toEqual([]);
});

test('the trash is emptied after a week, or at once where that is asked for', async () => {
  await using it = await made();
  const old = `.sendense/trash/${trashName(now - 8 * 86_400_000)}`;
  const young = `.sendense/trash/${trashName(now - 6 * 86_400_000)}`;
  await it.put(`${old}/pgtest1/disk-0/${gone}.qcow2`, 'x'.repeat(10_000));
  await it.put(`${young}/pgtest1/disk-0/${gone}.qcow2`, 'x');
  await it.put('.sendense/trash/mine/file', 'x');
  expect((await it.gc()).expired).toMatchObject([{ name: trashName(now - 8 * 86_400_000), bytes: 12_288 }]);
  expect((await it.files()).filter((path) => path.startsWith('.sendense'))).toEqual(
    [`${young}/pgtest1/disk-0/${gone}.qcow2`, '.sendense/trash/mine/file'].toSorted(),
  );
  await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
  expect(await it.gc({ purge: true })).toMatchObject({
    removed: [{ path: image(gone), trashed: false }],
    expired: [{ name: trashName(now - 6 * 86_400_000) }],
  });
  expect((await it.files()).filter((path) => path.startsWith('.sendense'))).toEqual(['.sendense/trash/mine/file']);
});

describe('stays', () => {
  const cases: readonly [string, RegExp, (it: Made) => Promise<string>][] = [
    [
      'a file that Sendense has no name for',
      /its name is none that Sendense gives/,
      async (it) => (await it.put('pgtest1/notes.txt', 'x'), 'pgtest1/notes.txt'),
    ],
    [
      'an image with a name of its own',
      /its name is none/,
      async (it) => (
        await it.put('pgtest1/disk-0/mine.qcow2', { copyOf: image(it.ids[0] ?? '') }),
        'pgtest1/disk-0/mine.qcow2'
      ),
    ],
    [
      'what has our name and not our content',
      /does not hold what its name says/,
      async (it) => (await it.put(image(gone), 'no qcow2'), image(gone)),
    ],
    [
      'an empty block index',
      /does not hold what its name says/,
      async (it) => (await it.put(`pgtest1/disk-0/${gone}.index`, ''), `pgtest1/disk-0/${gone}.index`),
    ],
    [
      'what a restore point that is there could have had',
      /is there, and does not name it/,
      async (it) => (
        await it.put(image(it.ids[0] ?? '', 3), { copyOf: image(it.ids[0] ?? '') }),
        image(it.ids[0] ?? '', 3)
      ),
    ],
    [
      'an image on which one of another name is built',
      /mine\.qcow2 is built on it/,
      async (it) => {
        await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
        await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', `${gone}.qcow2`, 'mine.qcow2'], {
          cwd: join(it.root, 'pgtest1/disk-0'),
        });
        return image(gone);
      },
    ],
    [
      'a block index to which another one refers',
      /mine\.index is built on it/,
      async (it) => {
        const path = `pgtest1/disk-0/${gone}.index`;
        await it.put(path, { copyOf: image(it.ids[0] ?? '').replace('.qcow2', '.index') });
        await using index = await openIndex(join(it.root, path));
        const form = { format: 2, parent: { name: gone, index } } as const;
        const mine = join(it.root, 'pgtest1/disk-0/mine.index');
        await using writer = await createIndexWriter(mine, { capacity: index.capacity, form });
        await writer.finish();
        return path;
      },
    ],
    [
      'a link',
      /no regular file/,
      async (it) => (await symlink('/etc/passwd', join(it.root, image(gone))), image(gone)),
    ],
  ];
  test.each(cases)('%s', async (_what, reason, prepare) => {
    await using it = await made();
    const path = await prepare(it);
    const before = await it.files();
    const report = await it.gc({ purge: true });
    expect(report.removed).toEqual([]);
    expect(report.kept.find((entry) => entry.path === path)?.reason).toMatch(reason);
    expect(await it.files()).toEqual(before);
  });

  test('what is younger than an hour: another hub may be making it', async () => {
    await using it = await made();
    await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
    await it.put(`pgtest1/${gone}.json.sendense-part`, 'half');
    const output = await collectGarbage(it.bench.services, { dryRun: false, purge: true });
    expect(output.repositories[0]?.removed).toEqual([]);
    expect(output.repositories[0]?.kept).toHaveLength(2);
  });

  test('an image of which a younger file is there', async () => {
    await using it = await made();
    await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
    await it.put(`pgtest1/disk-1/${gone}.qcow2`, { copyOf: image(it.ids[0] ?? '') });
    await utimes(join(it.root, `pgtest1/disk-1/${gone}.qcow2`), now / 1000, now / 1000);
    expect((await it.gc()).removed).toEqual([]);
  });

  test('an image that a program writes', async () => {
    await using it = await made();
    await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
    await chmod(join(it.root, image(gone)), 0o644);
    const writer = execa('qemu-io', ['-f', 'qcow2', join(it.root, image(gone))], { stdin: 'pipe', reject: false });
    try {
      await new Promise<void>((ready) => void writer.stdout.on('data', () => ready()));
      const report = await it.gc();
      expect(report.removed).toEqual([]);
      expect(report.kept).toMatchObject([{ path: image(gone), reason: expect.stringMatching(/lock/) as string }]);
    } finally {
      writer.stdin.end('quit\n');
      await writer;
    }
    expect((await it.gc()).removed).toMatchObject([{ path: image(gone) }]);
  });

  test('what a run that has not ended claims', async () => {
    await using it = await made();
    await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
    const journal = createJournal(it.bench.state, isRunning);
    const claim = { repository: 'primary', files: [image(gone)] };
    journal.record('run-000002', 'create', { event: 'started', uses: 'qcow2.create', number: 0, attempt: 1, claim });
    expect(await it.gc()).toMatchObject({ removed: [], kept: [] });
  });
});

describe('a VM is left alone', () => {
  const prepared = async (): Promise<Made> => {
    const it = await made();
    await it.put(image(gone), { copyOf: image(it.ids[0] ?? '') });
    await it.put(image(later), { copyOf: image(it.ids[0] ?? '') });
    return it;
  };
  const cases: readonly [string, RegExp, (it: Made) => Promise<unknown>][] = [
    [
      'a manifest of it is damaged',
      /is not JSON/,
      async (it) => {
        const path = join(it.root, `pgtest1/${it.ids[0]}.json`);
        await chmod(path, 0o644);
        await writeFile(path, '{');
      },
    ],
    [
      'a manifest of it lies under another name',
      /is the manifest of/,
      (it) => rename(join(it.root, `pgtest1/${it.ids[1]}.json`), join(it.root, `pgtest1/${gone}.json`)),
    ],
    [
      'a manifest that the database knows is missing',
      /the manifest of .* is missing/,
      (it) => rm(join(it.root, `pgtest1/${it.ids[1]}.json`)),
    ],
    [
      'what a removal would do is not readable',
      /says how a removal goes on, is not what it should be/,
      (it) => it.put(`pgtest1/${it.ids[1]}.merge`, '{}'),
    ],
    [
      'another run works on it',
      /run run-000001 works on pgtest1/,
      (it) => Promise.resolve(acquireLock(it.bench.state, 'primary/pgtest1', 'run-000001', isRunning)),
    ],
  ];
  test.each(cases)('where %s', async (_what, reason, prepare) => {
    await using it = await prepared();
    await prepare(it);
    const before = await it.files();
    const report = await it.gc({ purge: true });
    expect(report).toMatchObject({
      removed: [],
      skipped: [{ vm: 'pgtest1', reason: expect.stringMatching(reason) as string }],
    });
    expect(await it.files()).toEqual(before);
  });

  test('where a folder of it cannot be listed', async () => {
    await using it = await prepared();
    const options = { root: it.root, known: new Set<string>(), claimed: new Set<string>(), now };
    // A path that is no folder any more, as where a mount is lost.
    expect(await findOrphans({ ...options, context: `pgtest1/${it.ids[0]}.json` })).toMatchObject({
      orphans: [],
      skipped: expect.stringMatching(/ENOTDIR/) as string,
    });
    const journal = await readFile(join(it.root, `pgtest1/${it.ids[0]}.json`), 'utf8');
    expect(journal).toContain(it.ids[0]);
  });
});

test('a repository that is not there is an error where it is named, and else passed over', async () => {
  await using bench = await stepBench();
  await expect(
    collectGarbage(bench.services, { repository: 'primary', dryRun: true, purge: false }),
  ).rejects.toMatchObject({ code: 'repository.unusable' });
  expect(await collectGarbage(bench.services, { dryRun: true, purge: false })).toEqual({
    version: 1,
    dry_run: true,
    repositories: [],
  });
});
