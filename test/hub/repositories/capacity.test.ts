import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  assertFits,
  floorOf,
  type CapacityFacts,
  type CapacityLimits,
} from '../../../src/repository/stored-files/capacity.ts';
import { allocatedIn } from '../../../src/repository/stored-files/allocated.ts';
import { estimateBytes } from '../../../src/repository/stored-files/estimate.ts';
import { daysUntilFull, growthPerDay } from '../../../src/repository/stored-files/growth.ts';
import { sizeBytes, sizeText } from '../../../src/repository/stored-files/size.ts';
import { describeRepositories } from '../../../src/hub/repositories/describe-repositories.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { qcow2Create } from '../../../src/steps/qcow2/qcow2-create.ts';
import { watchQuota } from '../../../src/steps/at-node/watch-quota.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup, prepareBackup } from '../../steps/backup-run.ts';
import { someDecision } from '../../steps/some-decision.ts';
import { stepBench, type StepBench } from '../../steps/step-bench.ts';
import { canMount, loopMount } from '../../support/loop-mount.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const GiB = 2 ** 30;
const facts: CapacityFacts = {
  repository: 'primary',
  vm: 'pgtest1',
  needed: 10 * GiB,
  promised: 0,
  free: 100 * GiB,
  total: 1000 * GiB,
  used: 800 * GiB,
  usedByVm: 50 * GiB,
};
const limits: CapacityLimits = { minFree: 0, quota: null, vmQuota: null, warnAt: 1 };

const settings = (more: Partial<Settings['repositories'][string]>): Partial<Settings> => ({
  repositories: { primary: { path: './repository', minFree: 0, ...more } },
});

describe('whether a run fits', () => {
  test.each<[string, Partial<CapacityFacts>, Partial<CapacityLimits>, RegExp]>([
    ['free space', { free: 9 * GiB }, {}, /needs about 10\.0 GiB.*9\.0 GiB free/],
    ['minFree', {}, { minFree: 95 * GiB }, /100\.0 GiB free, 95\.0 GiB must stay free/],
    ['what other runs need', { promised: 91 * GiB }, {}, /other runs need 91\.0 GiB/],
    ['the quota', {}, { quota: 809 * GiB }, /800\.0 GiB of its quota of 809\.0 GiB/],
    ['the quota of a VM', {}, { vmQuota: 59 * GiB }, /50\.0 GiB of pgtest1 already, of 59\.0 GiB/],
  ])('%s is not enough', (_what, fact, limit, message) => {
    const act = (): unknown => assertFits({ ...facts, ...fact }, { ...limits, ...limit });
    expect(act).toThrow(message);
    expect(act).toThrow(
      expect.objectContaining({
        code: 'repository.full',
        remedy: expect.stringContaining('prune --dry-run') as string,
      }) as Error,
    );
  });

  test('to the last byte it fits, and fuller than asked for is a warning', () => {
    expect(assertFits({ ...facts, free: 10 * GiB }, { ...limits, quota: 810 * GiB, vmQuota: 60 * GiB })).toEqual([]);
    expect(assertFits(facts, { ...limits, warnAt: 0.8, quota: 900 * GiB })).toEqual([
      'the file system of repository primary will be 91 % full after this backup (1000.0 GiB)',
      'the quota of repository primary will be 90 % full after this backup (900.0 GiB)',
    ]);
  });

  test('a run is stopped at what must stay free, at a hundredth of a small file system, and at 256 MiB of a large one', () => {
    expect([floorOf(5 * GiB, 1000 * GiB), floorOf(0, 100 * MiB), floorOf(0, 1000 * GiB)]).toEqual([
      5 * GiB,
      MiB,
      256 * MiB,
    ]);
  });

  test('sizes', () => {
    expect([sizeBytes(7), sizeBytes('2TiB'), sizeBytes('3KiB')]).toEqual([7, 2 * 2 ** 40, 3072]);
    expect([sizeText(512), sizeText(1536), sizeText(3 * 2 ** 40)]).toEqual(['512 bytes', '1.5 KiB', '3.0 TiB']);
  });
});

describe('growth', () => {
  const day = 86_400_000;
  const point = (created: number, bytes: number, first = false) => ({ created: created * day, bytes, first });

  test('is what the last 30 days added, without the first full of a VM', () => {
    const points = [point(0, 1000, true), point(1, 5), ...[70, 80, 90].map((at) => point(at, 100))];
    expect(growthPerDay(points, 100 * day)).toBe(10);
    expect(growthPerDay([point(0, 1000, true), point(10, 100)], 10 * day)).toBe(10);
  });

  test('cannot be told from less than a day, and then neither when it is full', () => {
    expect(growthPerDay([], day)).toBe(null);
    expect(growthPerDay([point(99.5, 10)], 100 * day)).toBe(null);
    expect([daysUntilFull(100, null), daysUntilFull(100, 0), daysUntilFull(100, 10), daysUntilFull(-5, 10)]).toEqual([
      null,
      null,
      10,
      0,
    ]);
  });
});

/** Another run, as its journal says it: `qcow2.create` is done. */
async function announce(bench: StepBench, disk: ReturnType<typeof someDecision>) {
  const run = 'run-000009';
  const claim = qcow2Create.claim({ repository: 'primary', disks: [disk] }, bench.facts(qcow2Create, run));
  const { createJournal } = await import('../../../src/state/runs/create-journal.ts');
  const journal = createJournal(bench.state, () => true);
  journal.record(run, 'create', { event: 'started', uses: 'qcow2.create', number: 0, attempt: 1, claim });
  journal.record(run, 'create', { event: 'succeeded', output: {} });
  return { journal, claim, run };
}

describe('in a run', () => {
  const full = async (bench: StepBench): Promise<void> => {
    await makeRaw(bench.folder.file('a.raw'), 64 * MiB, [0, 20 * MiB]);
    await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
  };

  test('the estimate of a full is not less than what it takes, and not much more', async () => {
    await using bench = await stepBench();
    await full(bench);
    const taken = (await allocatedIn(bench.folder.file('repository'))).contexts.get('pgtest1') ?? 0;
    const estimate = estimateBytes([{ capacity: 64 * MiB, changed: 20 * MiB, usual: null }]);
    expect(estimate).toBeGreaterThanOrEqual(taken - 64 * 1024);
    expect(estimate).toBeLessThan(taken * 1.1);
  });

  test('one that would go above a quota makes nothing', async () => {
    await using bench = await stepBench(settings({ quota: '21MiB' }));
    await full(bench);
    const before = await bench.snapshot();
    await writeInto(bench.folder.file('a.raw'), [30 * MiB, 4 * MiB]);
    await expect(prepareBackup(bench, { run: 'run-000002', disks: ['a.raw'], mode: 'full' })).rejects.toMatchObject({
      code: 'repository.full',
      message: expect.stringMatching(/needs about 2[0-9]\.[0-9] MiB.*of its quota of 21\.0 MiB/) as string,
    });
    expect((await bench.snapshot()).filter((line) => line.includes('repository/'))).toEqual(
      before.filter((line) => line.includes('repository/')),
    );
  });

  test('what other runs have announced and not written yet counts', async () => {
    await using bench = await stepBench(settings({ quota: '100MiB' }));
    const other = someDecision({ estimated_bytes: 60 * MiB, capacity_bytes: 64 * MiB });
    const { journal, claim, run } = await announce(bench, other);
    expect(claim.bytes).toBeGreaterThan(60 * MiB);
    const own = someDecision({ estimated_bytes: 45 * MiB, capacity_bytes: 64 * MiB });
    const act = () => bench.run(qcow2Create, { repository: 'primary', disks: [own] }, { run: 'run-000002' });
    await expect(act()).rejects.toMatchObject({
      code: 'repository.full',
      message: expect.stringContaining('other runs need') as string,
    });
    journal.record(run, 'seal', { event: 'started', uses: 'qcow2.seal', number: 1, attempt: 1, claim: {} });
    await using _created = await act();
  });

  describe('a quota while it writes', () => {
    /** What was estimated is far too little: only reading the disk tells how much changed. */
    const grow = async (bench: StepBench): Promise<void> => {
      await full(bench);
      await writeInto(bench.folder.file('a.raw'), [20 * MiB, 40 * MiB]);
    };
    const next = { run: 'run-000002', disks: ['a.raw'] };
    const own = 'pgtest1/disk-0/own.qcow2';
    const watch = (bench: StepBench): Promise<() => Promise<void>> => {
      const signal = AbortSignal.timeout(60_000);
      const context = { ...bench.facts(qcow2Create, next.run), services: bench.services, signal };
      const run = { repository: 'primary', context: 'pgtest1', files: [own] };
      return watchQuota(context as unknown as Parameters<typeof watchQuota>[0], run);
    };

    test.each([
      [
        'of the repository',
        { quota: '40MiB' },
        /has written [0-9.]+ MiB, and 20\.[0-9] MiB of the quota of repository primary \(40\.0 MiB\)/,
      ],
      [
        'of a VM',
        { vmQuota: '40MiB' },
        /has written [0-9.]+ MiB, and 20\.[0-9] MiB of what a VM may take in .*vmQuota, 40\.0 MiB/,
      ],
    ])('%s ends it', async (_what, limit, message) => {
      await using bench = await stepBench(settings(limit));
      await grow(bench);
      await expect(prepareBackup(bench, next)).rejects.toMatchObject({
        code: 'repository.quota',
        message: expect.stringMatching(message) as string,
      });
    });

    test('what a prune has freed meanwhile is room again', async () => {
      await using bench = await stepBench(settings({ quota: '70MiB' }));
      await full(bench);
      const old = bench.folder.file('repository/other/disk-0/old.qcow2');
      await mkdir(dirname(old), { recursive: true });
      await makeRaw(old, 64 * MiB, [0, 30 * MiB]);
      const assertQuota = await watch(bench);
      await makeRaw(bench.folder.file('repository', own), 64 * MiB, [0, 25 * MiB]);
      await expect(assertQuota()).rejects.toMatchObject({ code: 'repository.quota' });
      await rm(old);
      await assertQuota();
    });

    test('two runs at once: what the other has announced is not free, and what it has written of that counts once', async () => {
      await using bench = await stepBench(settings({ quota: '100MiB' }));
      await full(bench);
      const other = someDecision({ estimated_bytes: 40 * MiB, capacity_bytes: 64 * MiB, path: 'other/disk-0/b.qcow2' });
      await announce(bench, other);
      const file = bench.folder.file('repository', other.path);
      await mkdir(dirname(file), { recursive: true });
      await makeRaw(file, 64 * MiB, [0, 20 * MiB]);
      const assertQuota = await watch(bench);
      // 20 MiB are there, 40 MiB are the other's.
      await makeRaw(bench.folder.file('repository', own), 64 * MiB, [0, 35 * MiB]);
      await assertQuota();
      await makeRaw(bench.folder.file('repository', own), 64 * MiB, [0, 45 * MiB]);
      await expect(assertQuota()).rejects.toMatchObject({ code: 'repository.quota' });
      // The other one goes above what it has announced.
      await makeRaw(bench.folder.file('repository', own), 64 * MiB, [0, 30 * MiB]);
      await makeRaw(file, 64 * MiB, [0, 60 * MiB]);
      await expect(assertQuota()).rejects.toMatchObject({ code: 'repository.quota' });
      await rm(file);
      await assertQuota();
    });
  });

  test.skipIf(!canMount)(
    'is stopped before the file system is full, and leaves it as it was',
    { timeout: 300_000 },
    async () => {
      await using bench = await stepBench();
      await using _disk = await loopMount(bench.folder.file('disk.img'), bench.folder.file('repository'), 64);
      await makeRaw(bench.folder.file('a.raw'), 128 * MiB, [0, MiB]);
      await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
      const before = (await bench.snapshot()).filter((line) => line.startsWith('repository/pgtest1'));
      // Nothing tells how much changed: the disk is compared by digest.
      await writeInto(bench.folder.file('a.raw'), [2 * MiB, 100 * MiB]);
      await expect(prepareBackup(bench, { run: 'run-000002', disks: ['a.raw'] })).rejects.toMatchObject({
        code: 'disk.full',
      });
      expect(before.length).toBeGreaterThan(0);
      expect((await stat(bench.folder.file('repository/sendense-repository.json'))).size).toBeGreaterThan(0);
    },
  );
});

test('what each VM takes, and what there is', async () => {
  await using bench = await stepBench(settings({ quota: '1GiB', minFree: 4096 }));
  await makeRaw(bench.folder.file('a.raw'), 8 * MiB, [0, MiB]);
  await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
  const { repositories } = await describeRepositories(bench.services, { probe: false });
  expect(repositories).toMatchObject([
    {
      repository: 'primary',
      state: 'ready',
      points: 1,
      quota: GiB,
      min_free: 4096,
      growth_per_day: null,
      full_in_days: null,
      trash: 0,
    },
  ]);
  const [vm] = repositories[0]?.vms ?? [];
  expect(vm).toMatchObject({ vm: 'pgtest1', points: 1, logical_bytes: 8 * MiB, capacity_bytes: 8 * MiB });
  expect(vm?.allocated_bytes).toBeGreaterThan(MiB);
  expect(repositories[0]?.used).toBeGreaterThan(vm?.allocated_bytes ?? 0);
});
