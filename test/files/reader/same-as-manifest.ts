import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Entry, Volume } from '../../../src/files/protocol.ts';
import { entriesOf } from '../../../src/files/reader/check-answer.ts';
import type { Reader } from '../../../src/files/reader/start-reader.ts';
import { all } from '../../support/rounds.ts';
import type { Volume as Told } from '../fixtures/fixture.ts';
import type { Entry as Listed, Manifest } from '../fixtures/manifest.ts';
import type { Prepared } from '../fixtures/prepared.ts';

/** What a reader, or a session of one, can be asked. */
export type Asked = Pick<Reader, 'ask' | 'read'>;

/**
 * The volumes of a fixture are what it was made with; encrypted ones are unlocked.
 * @param first number of its disk 0 in the reader
 */
export async function hasVolumes(
  reader: Asked,
  plugged: readonly Volume[],
  { prepared, first }: { readonly prepared: Prepared; readonly first: number },
): Promise<void> {
  const told = prepared.fixture.volumes;
  let volumes = plugged;
  for (const { name: locked, passphrase } of told) {
    if (passphrase === undefined) continue;
    const volume = idOf(locked, first);
    await expect(reader.ask('unlock', { volume, passphrase: 'another one' })).rejects.toMatchObject({
      code: 'files.locked',
    });
    volumes = await reader.ask('unlock', { volume, passphrase });
  }
  for (const one of told) await isVolume(reader, volumes, one, { told, first });
}

/** Every file of every volume of a fixture is as its manifest says; see {@link isRepetition}. */
export async function hasAllFiles(
  reader: Asked,
  { prepared, first }: { readonly prepared: Prepared; readonly first: number },
): Promise<void> {
  for (const volume of prepared.fixture.volumes)
    if (volume.state === 'readable')
      await hasFiles(reader, idOf(volume.name, first), volume, await prepared.manifest(volume.name));
}

/** The fixture's name of a volume as the reader has it: `disk-0p1` of the third disk is `disk-2p1`. */
export const idOf = (name: string, first: number): string =>
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

export async function isVolume(
  reader: Asked,
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

/** The folder with hundreds of small files alike, of which a tenth is read; at full length all are. What the folder says of them is compared. */
const isRepetition = (path: string): boolean => !all && /(^|\/)many\/\d*[1-9]$/.test(path);

/** Every file of a volume is as a manifest says. */
export async function hasFiles(
  reader: Asked,
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
  reader: Asked,
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
  if (isRepetition(path)) return;
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

/** As a user gets it: large files past the guest. */
async function contentOf(
  reader: Asked,
  volume: string,
  path: string,
  part: { readonly offset: number; readonly length: number | null },
): Promise<string> {
  const digest = createHash('sha256');
  const onBytes = (bytes: Buffer): void => void digest.update(bytes);
  await reader.read({ volume, path, ...part }, { onBytes });
  return digest.digest('hex');
}
