import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { FilesMountsOutput, FilesOutput } from '../../src/schemas/types.ts';
import { filesHub, idOf, post, stalledDownload, takeRest, type FilesHub } from './files-hub.ts';
import { pointsOf } from './redate.ts';

let hub: FilesHub;
let points: string[];
const patience = { timeout: 200_000, interval: 50 };

beforeAll(async () => {
  hub = await filesHub('files: { idle: 4s, sessions: 2, sessionsPerUser: 1, downloads: 2, searches: 1 }', [
    'one',
    'two',
  ]);
  points = await pointsOf(hub.bench, 'pgtest1');
});

afterAll(() => hub[Symbol.asyncDispose]());

const codeOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { error: { code: string } }).error.code;

it('a caller has no more restore points open than it may; Retry-After says when one ends', async () => {
  await hub.mount(points[0]);
  const refused = await hub.ask('/mount', post({ vm: 'pgtest1', point: points[1] }));
  const seconds = Number(refused.headers.get('retry-after'));
  expect([refused.status, await codeOf(refused)]).toEqual([429, 'files.limit']);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(4);
  // Another caller has one of its own.
  const other = await hub.bench.call(['files', 'cat', `pgtest1@${points[1]}`, '/etc/hostname']);
  expect(other.stdout).toBe('web1');
  // It was true: nobody read, and there is room again.
  await vi.waitUntil(async () => (await hub.json<FilesMountsOutput>('/mounts')).mounts.length === 0, patience);
});

it('downloads of one restore point have a limit, and one that moves keeps it open', async () => {
  const session = await hub.mount(points[1]);
  const download = `/${session}/download?volume=disk-0p1&path=${idOf('srv/big')}`;
  const [first, second] = [await hub.ask(download), await stalledDownload(hub, session)];
  const third = await hub.ask(download);
  expect([third.status, await codeOf(third), third.headers.get('retry-after')]).toEqual([429, 'files.busy', '5']);
  const expires = async (): Promise<number> => (await hub.json<FilesOutput>(`/${session}`)).expires;
  const before = await expires();
  expect((await first.arrayBuffer()).byteLength).toBe(30_000_000);
  expect(await expires()).toBeGreaterThan(before);
  // Its place is free as soon as the reader has heard that nobody wants it.
  second.destroy();
  const freed = await vi.waitUntil(async () => {
    const answer = await stalledDownload(hub, session);
    if (answer.statusCode !== 429) return answer;
    answer.destroy();
    return null;
  }, patience);
  // Of this one nobody takes a byte: it does not keep the restore point open, and it does not end as if it were whole.
  await vi.waitUntil(async () => (await hub.json<FilesMountsOutput>('/mounts')).mounts.length === 0, patience);
  expect((await takeRest(freed)).whole).toBe(false);
});
