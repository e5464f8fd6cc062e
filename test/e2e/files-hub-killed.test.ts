import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { FilesLogOutput, FilesMountsOutput } from '../../src/schemas/types.ts';
import { filesHub, idOf, stalledDownload, takeRest, type FilesHub } from './files-hub.ts';
import { processesWith } from '../support/processes-with.ts';

let hub: FilesHub;
const patience = { timeout: 200_000, interval: 20 };

beforeAll(async () => {
  hub = await filesHub();
});

afterAll(() => hub[Symbol.asyncDispose]());

let session = '';
beforeEach(async () => {
  session = await hub.mount();
});

const lastDownload = async (): Promise<FilesLogOutput['reads'][number] | undefined> =>
  (await hub.json<FilesLogOutput>('/log')).reads.findLast(({ action }) => action === 'download');

/** Nothing of a process that has ended meanwhile. */
const wordsOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

/** One that ended with another is fine. */
const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** The words of the sandbox's first program name the folder of the keeper. */
const sandboxes = (): { readonly pid: number; readonly folder: string }[] =>
  processesWith('bwrap', '--hostname', 'reader').flatMap((pid) => {
    const text = wordsOf(pid);
    const [, folder, keeper] = /\0(\/[^\0]*\/files-(\d+)\.[^\0/]*)\/readers\//.exec(text) ?? [];
    return folder !== undefined && hub.keepers().includes(Number(keeper)) ? [{ pid, folder }] : [];
  });

const below = (pid: number): number[] => {
  try {
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    return own.flatMap((child) => [child, ...below(child)]);
  } catch {
    return [];
  }
};

const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
};

/** Programs with this name in the sandboxes of the keeper. */
const inSandboxes = (name: string): number[] =>
  sandboxes()
    .flatMap(({ pid }) => below(pid))
    .filter((pid) => nameOf(pid) === name);

it('the hub: the transfer breaks off, the log says so, and the restore point stays open', async () => {
  const answer = await stalledDownload(hub, session);
  process.kill(hub.pid(), 'SIGKILL');
  const { whole } = await takeRest(answer);
  expect(whole).toBe(false);
  await hub.start();
  await vi.waitUntil(async () => (await lastDownload())?.ended !== null, patience);
  expect((await lastDownload())?.error).toBe('files.cut-off');
  const { mounts } = await hub.json<FilesMountsOutput>('/mounts');
  expect(mounts.map(({ id }) => id)).toEqual([session]);
});

it('the keeper: the transfer breaks off, nothing of it is left, and the next request starts another one', async () => {
  const answer = await stalledDownload(hub, session);
  const [keeper = 0] = hub.keepers();
  const before = sandboxes();
  expect(before.length).toBeGreaterThan(0);
  const all = before.flatMap(({ pid }) => [pid, ...below(pid)]);
  process.kill(keeper, 'SIGKILL');
  expect((await takeRest(answer)).whole).toBe(false);
  await vi.waitUntil(() => all.every((pid) => nameOf(pid) === ''), patience);
  expect((await hub.ask(`/${session}`)).status).toBe(404);
  expect((await hub.json<FilesMountsOutput>('/mounts')).mounts).toEqual([]);
  expect(await lastDownload()).toMatchObject({ error: 'files.cut-off', bytes: null });
  for (const { folder } of before) expect(existsSync(folder)).toBe(false);
  expect(hub.keepers()).not.toContain(keeper);
});

it.each([
  ['the kernel of the sandbox', 'linux.uml'],
  ['what serves the disks to it', 'qemu-storage-da'],
])('%s: the transfer breaks off, the restore point is closed, and nothing is left', async (_what, name) => {
  const answer = await stalledDownload(hub, session);
  const [mine] = await hub.json<FilesMountsOutput>('/mounts').then(({ mounts }) => mounts);
  expect(mine?.id).toBe(session);
  const keepers = hub.keepers();
  const victims = inSandboxes(name);
  expect(victims.length).toBeGreaterThan(0);
  for (const pid of victims) kill(pid);
  await vi.waitUntil(async () => (await hub.ask(`/${session}`)).status === 404, patience);
  const { whole, bytes } = await takeRest(answer);
  expect([whole, bytes < 30_000_000]).toEqual([false, true]);
  await vi.waitUntil(async () => (await lastDownload())?.ended !== null, patience);
  expect((await lastDownload())?.error).not.toBeNull();
  await vi.waitUntil(() => victims.every((pid) => nameOf(pid) === ''), patience);
  // It is the reader that died, and not who keeps it.
  // A program that it is about to start has its words for a moment.
  await vi.waitFor(() => expect(hub.keepers()).toEqual(keepers), patience);
  const again = await hub.mount();
  const whole2 = await hub.ask(`/${again}/download?volume=disk-0p1&path=${idOf('srv/big')}`);
  expect((await whole2.arrayBuffer()).byteLength).toBe(30_000_000);
});
