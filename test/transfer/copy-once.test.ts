import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { totalLength, type Extent } from '../../src/blocks/extents.ts';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';
import type { BackupStartRequest, JobStatus } from '../../src/schemas/types.ts';
import type { DiskChanges, OpenDisk, OpenSource } from '../../src/sources/open-source.ts';
import {
  assertSame,
  fullRequest,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  target,
  until,
  workshop,
  writeAt,
  type Workshop,
} from '../node/support.ts';
import { handIndexOn, runHere } from './run-here.ts';

const block = 65_536;

type Facts = Partial<Pick<OpenDisk, 'allocated' | 'connections' | 'requestBytes' | 'readOnce'>> & {
  readonly changes?: (since: string | null) => DiskChanges | null;
  /** Told what is to be sound of what was read, bytes; undefined: all that is there. */
  readonly onEnd?: (bytesRead: number | undefined) => void;
};

let servers = 0;

/** A source whose reading is expensive: a raw file behind an NBD server that nobody may read past. */
const remote =
  (at: Workshop, file: string, facts: Facts = {}) =>
  async (): Promise<OpenSource> => {
    const name = `remote-${servers++}`;
    const server = await serveNbd({
      file,
      format: 'raw',
      readOnly: true,
      listen: { socket: at.path(`${name}.sock`) },
      exportName: '',
      pidFile: at.path(`${name}.pid`),
    });
    const { changes = () => null, onEnd, ...rest } = facts;
    return {
      keys: ['0'],
      disk: async () => ({
        uri: server.uri,
        warnings: [],
        readOnce: true,
        ...rest,
        bytesRead: () => null,
        changes: async (_, since) => changes(since),
        assertUnchanged: async (bytes) => onEnd?.(bytes),
        [Symbol.asyncDispose]: async () => {},
      }),
      [Symbol.asyncDispose]: async () => void (await server.stop()),
    };
  };

const tuned = (
  request: BackupStartRequest,
  tuning: Partial<NonNullable<BackupStartRequest['tuning']>>,
): BackupStartRequest => ({ ...request, tuning: { connections: 4, requests: 64, ...tuning } });

test.each([true, false])('a source hears how much of it counts only where it is read once: %s', async (readOnce) => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 4 * MiB, [[0, MiB]]);
  const heard: (number | undefined)[] = [];
  await using to = await target(at, 'full', 4 * MiB);
  const request = fullRequest('a', imageSpec(disk), [to.uri]);
  const openSource = remote(at, disk, { readOnce, onEnd: (bytes) => heard.push(bytes) });
  const status = await runHere(at, request, { openSource });
  expect(status).toMatchObject({ status: 'succeeded' });
  expect(heard).toEqual([readOnce ? status.disks[0]?.bytes_read : undefined]);
});

test.each([1, 3])(
  'full, areas and digest in one pass, with landmarks of the source (connections: %s)',
  async (connections) => {
    await using at = await workshop();
    const size = 40 * MiB + 512;
    const disk = await makeRaw(at.path('disk.raw'), size, [
      [0, 36 * MiB],
      [size - 512, 512],
    ]);
    const never = imageSpec(disk);
    const asked: (string | null)[] = [];
    const answer = (areas: readonly Extent[], changeId: string, reason?: string) => (since: string | null) => {
      asked.push(since);
      return { changeId, since: reason === undefined ? since : null, areas, reason };
    };
    const allocated = async (): Promise<Extent[]> => [
      { offset: 0, length: 38 * MiB },
      { offset: size - 100, length: 100 },
    ];

    await using full = await target(at, 'full', size);
    const first = await runHere(at, fullRequest('a', never, [full.uri]), {
      openSource: remote(at, disk, { connections, allocated, changes: answer([], 'id/1') }),
    });
    await full.server.stop();
    expect(first).toMatchObject({ status: 'succeeded', error: null });
    expect(first.disks[0]).toMatchObject({ change_id: 'id/1', bytes_transferred: 36 * MiB + 512, phase: 'done' });
    assertSame(disk, 'raw', full.file);

    await writeAt(
      disk,
      [MiB, Buffer.alloc(2 * block)],
      [20 * MiB + 5, Buffer.from('changed')],
      [size - 1, Buffer.from('x')],
    );
    const areas = [
      { offset: MiB, length: 2 * block },
      { offset: 20 * MiB + 5, length: 7 },
      { offset: size - 1, length: 1 },
    ];
    const index = await handIndexOn(at, first, 'b');
    await using next = await target(at, 'next', size, full.file);
    const second = await runHere(
      at,
      incrementalRequest('b', never, next.uri, { method: 'areas', changeId: 'id/1', index }),
      {
        openSource: remote(at, disk, { connections, changes: answer(areas, 'id/2') }),
      },
    );
    await next.server.stop();
    const sent = 3 * block + 512;
    expect(second).toMatchObject({ status: 'succeeded', error: null });
    expect(second.disks[0]).toMatchObject({ method: 'areas', change_id: 'id/2', bytes_transferred: sent, reason: '' });
    assertSame(disk, 'raw', next.file);

    await writeAt(disk, [5 * MiB, Buffer.alloc(block)], [39 * MiB, Buffer.from('new')]);
    const nextIndex = await handIndexOn(at, second, 'c');
    await using last = await target(at, 'last', size, next.file);
    const reset = answer([], 'other/1', 'change tracking was reset (other/1 has another UUID than id/2)');
    const third = await runHere(
      at,
      incrementalRequest('c', never, last.uri, { method: 'areas', changeId: 'id/2', index: nextIndex }),
      { openSource: remote(at, disk, { connections, changes: reset }) },
    );
    await last.server.stop();
    expect(third).toMatchObject({ status: 'succeeded', error: null });
    expect(third.disks[0]).toMatchObject({
      method: 'digest',
      change_id: 'other/1',
      bytes_transferred: 2 * block,
      reason: 'compared by digest: change tracking was reset (other/1 has another UUID than id/2)',
    });
    assertSame(disk, 'raw', last.file);
    expect(asked).toEqual([null, 'id/1', 'id/2']);

    // The index that came through the chain is the one of the whole disk.
    await using check = await target(at, 'check', size);
    const whole = await runHere(at, fullRequest('whole', never, [check.uri]));
    expect(whole.disks[0]!.digest).toBe(third.disks[0]!.digest);
  },
  300_000,
);

test('a full in one pass onto a target that an attempt before left half-written has the zeros of the source too', async () => {
  await using at = await workshop();
  const size = 8 * MiB + 512;
  const disk = await makeRaw(at.path('disk.raw'), size, [[0, size]]);
  await using full = await target(at, 'full', size);
  const openSource = remote(at, disk);
  expect(await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]), { openSource })).toMatchObject({
    status: 'succeeded',
  });
  await writeAt(disk, [MiB, Buffer.alloc(MiB)], [3 * MiB + 7, Buffer.from('x')], [size - 512, Buffer.alloc(512)]);
  execFileSync('fallocate', ['--punch-hole', '--offset', String(5 * MiB), '--length', String(MiB), disk]);
  const allocated = async (): Promise<Extent[]> => [{ offset: 0, length: 8 * MiB }];
  const again = await runHere(at, fullRequest('b', imageSpec(disk), [full.uri]), {
    openSource: remote(at, disk, { allocated }),
  });
  expect(again).toMatchObject({ status: 'succeeded', error: null });
  await full.server.stop();
  assertSame(disk, 'raw', full.file);
});

test('areas without a previous index: only they are written, the index covers the disk', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 4 * MiB, [[0, 4 * MiB]]);
  const spec = imageSpec(disk);
  await using full = await target(at, 'full', 4 * MiB);
  await runHere(at, fullRequest('a', spec, [full.uri]), { openSource: remote(at, disk) });
  await full.server.stop();
  await writeAt(disk, [MiB, Buffer.alloc(10)]);
  await using next = await target(at, 'next', 4 * MiB, full.file);
  const areas = [{ offset: MiB, length: 10 }];
  const request = incrementalRequest('b', spec, next.uri, { method: 'areas', changeId: 'id/1', index: null });
  const job = await runHere(at, request, {
    openSource: remote(at, disk, { changes: (since) => ({ changeId: 'id/2', since, areas }) }),
  });
  await next.server.stop();
  expect(job.disks[0]).toMatchObject({ phase: 'done', bytes_transferred: block });
  assertSame(disk, 'raw', next.file);
  await using check = await target(at, 'check', 4 * MiB);
  const whole = await runHere(at, fullRequest('whole', spec, [check.uri]));
  expect(job.disks[0]!.digest).toBe(whole.disks[0]!.digest);
});

test.each([
  ['of the disk', 'disk_rate'],
  ['of the job', 'job_rate'],
] as const)(
  'the rate %s is kept, by disks of this machine too, and progress grows smoothly',
  async (_, limit) => {
    await using at = await workshop();
    const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[8 * MiB, 30 * MiB]]);
    await using full = await target(at, 'full', 64 * MiB);
    const done: number[] = [];
    const status = at.path('a/status.json');
    const watch = setInterval(
      () =>
        void readFile(status, 'utf8').then(
          (text) => done.push((JSON.parse(text) as JobStatus).disks[0]?.bytes_done ?? 0),
          () => {},
        ),
      200,
    );
    const started = performance.now();
    const job = await runHere(at, tuned(fullRequest('a', imageSpec(disk), [full.uri]), { [limit]: 10 * MiB }));
    const seconds = (performance.now() - started) / 1000;
    clearInterval(watch);
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    expect(seconds).toBeGreaterThan(2.7);
    expect(seconds).toBeLessThan(15);
    const steps = new Set(done.filter((bytes) => bytes > 0));
    expect(steps.size).toBeGreaterThanOrEqual(4);
    await full.server.stop();
    assertSame(disk, 'raw', full.file);
  },
  300_000,
);

test('disks_at_once says how many disks move at a time', async () => {
  await using at = await workshop();
  const disks = await Promise.all([1, 2, 3].map((n) => makeRaw(at.path(`${n}.raw`), 4 * MiB, [[0, 4 * MiB]])));
  await using a = await target(at, 'a', 4 * MiB);
  await using b = await target(at, 'b', 4 * MiB);
  await using c = await target(at, 'c', 4 * MiB);
  const request = fullRequest('job', imageSpec(...disks), [a.uri, b.uri, c.uri]);
  const running = runHere(at, tuned(request, { disks_at_once: 3, disk_rate: 4 * MiB }));
  const copying = async (): Promise<boolean> => {
    const text = await readFile(at.path('job/status.json'), 'utf8').catch(() => '{"disks":[]}');
    return (JSON.parse(text) as JobStatus).disks.filter(({ phase }) => phase === 'copying').length === 3;
  };
  await until(copying, 'three disks at a time');
  expect(await running).toMatchObject({ status: 'succeeded' });
});

test('a target that is lost in mid-copy is named, and one that has no space is called full', async (context) => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[0, 64 * MiB]]);
  await using full = await target(at, 'full', 64 * MiB);
  const running = runHere(at, tuned(fullRequest('a', imageSpec(disk), [full.uri]), { disk_rate: 16 * MiB }));
  await until(async () => (await stat(full.file)).blocks * 512 > 4 * MiB, 'data in the target');
  process.kill(full.server.process.pid, 'SIGKILL');
  expect(await running).toMatchObject({
    status: 'failed',
    error: { code: 'nbd.lost', message: expect.stringContaining(`disk 0: the target ${full.uri}`) },
  });
  const small = at.path('small');
  execFileSync('mkdir', [small]);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', small], { stdio: 'ignore' });
  } catch {
    return context.skip('cannot mount a tmpfs here');
  }
  using _mounted = { [Symbol.dispose]: () => execFileSync('umount', ['--lazy', small]) };
  await using tight = await target(at, 'small/full', 64 * MiB);
  const job = await runHere(at, fullRequest('b', imageSpec(disk), [tight.uri]), { openSource: remote(at, disk) });
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'disk.full', message: expect.stringContaining('No space left') },
  });
});

test('a job under a rate limit is cancelled at once', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[0, 64 * MiB]]);
  await using full = await target(at, 'full', 64 * MiB);
  const stop = new AbortController();
  const request = tuned(fullRequest('a', imageSpec(disk), [full.uri]), { disk_rate: block });
  const running = runHere(at, request, { signal: stop.signal });
  await until(async () => {
    const text = await readFile(at.path('a/status.json'), 'utf8').catch(() => '{"disks":[]}');
    return (
      totalLength((JSON.parse(text) as JobStatus).disks.map(({ bytes_done }) => ({ offset: 0, length: bytes_done }))) >
      0
    );
  }, 'progress');
  const started = performance.now();
  stop.abort();
  expect(await running).toMatchObject({ disks: [{ phase: 'cancelled' }] });
  expect(performance.now() - started).toBeLessThan(15_000);
});
