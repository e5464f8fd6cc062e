import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Entry, Volume } from '../../../src/files/protocol.ts';
import { entriesOf } from '../../../src/files/reader/check-answer.ts';
import { startReader, type Reader, type ReaderDisk } from '../../../src/files/reader/start-reader.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import type { Volume as Told } from '../fixtures/fixture.ts';
import { fixtures } from '../fixtures/fixtures.ts';
import type { Entry as Listed, Manifest } from '../fixtures/manifest.ts';
import { prepare, type Prepared } from '../fixtures/prepared.ts';

const making = 900_000;
const reading = 300_000;

/** Groups and arrays have names of their own; all else can be on one machine. */
const isAlone = ({ volumes }: (typeof fixtures)[number]): boolean =>
  volumes.some(({ name }) => name.includes('/') && !name.endsWith('/opened'));

/** Fixtures that one reader has at once, because it takes seconds to start. */
function together(): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const fixture of fixtures.filter(({ long }) => !long)) {
    if (isAlone(fixture)) groups.unshift([fixture.name]);
    else if (fixture.disks.length <= room) {
      groups.at(-1)?.push(fixture.name);
      room -= fixture.disks.length;
    } else {
      groups.push([fixture.name]);
      room = 8 - fixture.disks.length;
    }
  }
  return groups;
}

interface Shown {
  readonly prepared: Prepared;
  /** Number of its disk 0 in the reader. */
  readonly first: number;
}

/** The disks of several fixtures in one reader. */
async function readerOf(
  names: readonly string[],
  stack: AsyncDisposableStack,
): Promise<{ reader: Reader; shown: Shown[]; volumes: readonly Volume[] }> {
  const folder = stack.use(await temporaryFolder()).path;
  const reader = stack.use(await startReader({ folder, memoryMiB: 512 }));
  const disks: ReaderDisk[] = [];
  const shown: Shown[] = [];
  let first = 0;
  for (const prepared of await prepare(names)) {
    shown.push({ prepared, first });
    for (const [number, file] of prepared.disks) disks.push(await serve(reader, first + number, file, stack));
    first += prepared.fixture.disks.length;
  }
  return { reader, shown, volumes: await reader.plug(disks) };
}

async function serve(reader: Reader, number: number, file: string, stack: AsyncDisposableStack): Promise<ReaderDisk> {
  const socket = `disk-${number}`;
  const path = join(reader.sockets, socket);
  const child = spawn('qemu-nbd', ['--persistent', '--shared=4', '-r', '-f', 'raw', '-k', path, file], {
    stdio: 'ignore',
  });
  stack.defer(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
  });
  while (!existsSync(path)) await delay(5);
  const { uid, gid } = statSync(reader.sockets);
  chownSync(path, uid, gid);
  return { number, bytes: (await stat(file)).size, socket };
}

/** The fixture's name of a volume as the reader has it: `disk-0p1` of the third disk is `disk-2p1`. */
const idOf = (name: string, first: number): string =>
  name.replace('/opened', '').replace(/^disk-(\d+)/, (_all, number: string) => `disk-${first + Number(number)}`);

const types: Readonly<Record<Listed['type'], Entry['type']>> = {
  file: 'file',
  directory: 'folder',
  link: 'link',
  fifo: 'fifo',
  socket: 'socket',
  character: 'char',
  block: 'block',
};

describe.each(together().map((names) => ({ names, title: names.join(', ') })))('$title', ({ names }) => {
  const stack = new AsyncDisposableStack();
  let opened: Awaited<ReturnType<typeof readerOf>>;
  beforeAll(async () => {
    await prepare(names);
    opened = await readerOf(names, stack);
    return () => stack.disposeAsync();
  }, making);

  test.each(names)('%s has the volumes that it was given', { timeout: reading }, async (name) => {
    const { reader, shown } = opened;
    const { prepared, first } = shown.find((one) => one.prepared.fixture.name === name)!;
    const told = prepared.fixture.volumes;
    let { volumes } = opened;
    for (const { name: locked, passphrase } of told) {
      if (passphrase === undefined) continue;
      const volume = idOf(locked, first);
      await expect(reader.ask('unlock', { volume, passphrase: 'another one' })).rejects.toMatchObject({
        code: 'files.locked',
      });
      volumes = await reader.ask('unlock', { volume, passphrase });
    }
    for (const one of told) await isVolume(reader, volumes, one, { told, first });
  });

  test.each(names)('%s has the files that were put on it', { timeout: reading }, async (name) => {
    const { reader, shown } = opened;
    const { prepared, first } = shown.find((one) => one.prepared.fixture.name === name)!;
    for (const volume of prepared.fixture.volumes) {
      if (volume.state !== 'readable') continue;
      await hasFiles(reader, idOf(volume.name, first), volume, await prepared.manifest(volume.name));
    }
  });
});

async function isVolume(
  reader: Reader,
  volumes: readonly Volume[],
  one: Told,
  { told, first }: { readonly told: readonly Told[]; readonly first: number },
): Promise<void> {
  // What was opened has taken the place of what it was in.
  if (told.some(({ name }) => name === `${one.name}/opened`)) return;
  const id = idOf(one.name, first);
  const found = volumes.find((volume) => volume.id === id);
  expect(found, `${id} of ${volumes.map((volume) => volume.id).join(', ')}`).toBeDefined();
  const seen = await reader.ask('open', { volume: id });
  const why = seen.state === one.state ? null : seen.why;
  // Where nothing can be recognised any more, nobody can tell that something was there.
  const isGone = one.state === 'damaged' && seen.type === null && ['damaged', 'empty'].includes(seen.state);
  if (!isGone)
    expect({ id, type: seen.type ?? 'nothing', state: seen.state, why }).toEqual({
      id,
      type: one.holds,
      state: one.state,
      why: null,
    });
  if (one.label !== undefined && one.state === 'readable') expect(seen.label).toBe(one.label);
  if (one.journal === 'dirty') expect(seen).toMatchObject({ journal: one.holds === 'ntfs' ? 'skipped' : 'replayed' });
  if (one.hibernated) expect(seen.notes.join(' ')).toMatch(/hibernat/i);
}

async function hasFiles(
  reader: Reader,
  volume: string,
  { manifest: use = {} }: Told,
  manifest: Manifest,
): Promise<void> {
  const found = new Map<string, Entry>();
  const { unreadable } = await reader.ask(
    'walk',
    { volume, path: '', filter: {} },
    { onBytes: entriesOf((entry) => void found.set(entry.name, entry)) },
  );
  expect(unreadable).toEqual([]);
  const isFree = (path: Buffer): boolean =>
    (use.free ?? []).some(
      (folder) => path.toString('latin1') === folder || path.toString('latin1').startsWith(`${folder}/`),
    );
  const listed = manifest.entries.filter(({ path }) => path !== '' && !isFree(Buffer.from(path, 'base64')));
  const seen = [...found.keys()].filter((path) => !isFree(Buffer.from(path, 'base64')));
  const readable = (paths: readonly string[]): string[] =>
    paths.map((path) => Buffer.from(path, 'base64').toString('latin1')).sort();
  expect(readable(seen)).toEqual(readable(listed.map(({ path }) => path)));
  for (const entry of listed) await isEntry(reader, volume, entry, { seen: found.get(entry.path)!, use });
}

async function isEntry(
  reader: Reader,
  volume: string,
  entry: Listed,
  { seen, use }: { readonly seen: Entry; readonly use: NonNullable<Told['manifest']> },
): Promise<void> {
  const path = Buffer.from(entry.path, 'base64').toString('latin1');
  const owners = use.owners === 'as mounted' ? {} : { mode: entry.mode, uid: entry.uid, gid: entry.gid };
  expect(seen, path).toMatchObject({
    type: types[entry.type],
    mtime: entry.mtimeNs,
    ...owners,
    ...(entry.type === 'file' ? { size: entry.size } : {}),
    ...(entry.type === 'link' ? { target: targetOf(entry.target) } : {}),
    ...('device' in entry ? { device: entry.device.join(':') } : {}),
  });
  if (entry.type === 'file' && entry.sha256 !== undefined)
    expect(await contentOf(reader, volume, entry.path, { offset: 0, length: null }), path).toBe(entry.sha256);
  for (const { offset, length, sha256 } of (entry.type === 'file' ? entry.data : undefined) ?? [])
    expect(await contentOf(reader, volume, entry.path, { offset, length }), `${path} at ${offset}`).toBe(sha256);
  if (!entry.xattrs || Object.keys(entry.xattrs).length === 0) return;
  const { xattrs } = await reader.ask('stat', { volume, path: entry.path, follow: false });
  const told = Object.entries(entry.xattrs).map(([name, value]) => [Buffer.from(name, 'base64').toString(), value]);
  expect(xattrs.map(([name, value]) => [name, value]).sort(), path).toEqual(told.sort());
}

/** NTFS's absolute links show where it was opened; in the manifest below /mnt. */
const targetOf = (target: string): string =>
  Buffer.from(
    Buffer.from(target, 'base64')
      .toString('latin1')
      .replace(/^\/mnt\/[^/]+\//, '/'),
    'latin1',
  ).toString('base64');

async function contentOf(
  reader: Reader,
  volume: string,
  path: string,
  part: { readonly offset: number; readonly length: number | null },
): Promise<string> {
  const digest = createHash('sha256');
  await reader.ask('read', { volume, path, ...part }, { onBytes: (bytes) => void digest.update(bytes) });
  return digest.digest('hex');
}
