import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { relative } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { parseJson } from '../schemas/parse-json.ts';
import { describeErrors, validatorOf } from '../schemas/validator.ts';
import type { Manifest } from '../schemas/types.ts';
import { imagePath, indexPath, vmConfigPath } from './layout.ts';
import { mostManifestBytes, readManifestFile } from './manifest-file.ts';
import { publishText, replaceText } from './vm-lock/fenced.ts';
import type { VmHold } from './vm-lock/vm-hold.ts';

/** JSON with sorted keys and no spaces: the same text wherever it is written. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** `sha256:…` over everything but the checksum itself. */
export function manifestChecksum(manifest: Omit<Manifest, 'checksum'>): string {
  const { checksum: _own, ...rest } = manifest as Manifest;
  return `sha256:${createHash('sha256').update(canonical(rest)).digest('hex')}`;
}

/**
 * Puts a manifest in place: written and flushed first, then given its name, if the VM's lock is held at that moment; never over
 * another. Calling it again with the same content is fine.
 * @throws SendenseError `file.exists`, `run.overtaken`
 */
export async function writeManifest(
  hold: VmHold,
  path: string,
  content: Omit<Manifest, 'checksum'>,
): Promise<Manifest> {
  const manifest = { ...content, checksum: manifestChecksum(content) } as Manifest;
  const text = textOf(manifest);
  try {
    await publishText(hold, path, text);
  } catch (error) {
    if (!(await readManifestFile(path).catch(() => null))?.equals(Buffer.from(text))) throw error;
  }
  await rm(`${path}.sendense-part`, { force: true });
  return manifest;
}

/** @throws SendenseError `run.internal` for more than can be read again */
function textOf(manifest: Manifest): string {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (Buffer.byteLength(text) <= mostManifestBytes) return text;
  throw new SendenseError(
    'run.internal',
    `the manifest of ${manifest.backup_id} would have more than ${mostManifestBytes} bytes`,
  );
}

/** Puts a manifest in the place of the one before, durably: after a crash the old or the new one is there. */
export const replaceManifest = (hold: VmHold, path: string, manifest: Manifest): Promise<void> =>
  replaceText(hold, path, textOf(manifest));

/**
 * Reads a manifest and proves that nobody changed it.
 * @throws SendenseError `repository.damaged` naming file and fault
 */
export async function readManifest(path: string): Promise<Manifest> {
  return manifestIn(path, (await bytesOf(path)).toString('utf8'));
}

/**
 * As {@link readManifest}, and proves that each byte is as it was written: also those that do not change the meaning.
 * @throws SendenseError `repository.damaged`
 */
export async function readManifestExactly(path: string): Promise<Manifest> {
  const bytes = await bytesOf(path);
  const manifest = manifestIn(path, bytes.toString('utf8'));
  if (bytes.equals(Buffer.from(textOf(manifest)))) return manifest;
  throw new SendenseError('repository.damaged', `${path} means what was written, but is not the same text`);
}

/** @throws SendenseError `repository.damaged` for what is no regular file; an error of the file system as it is */
const bytesOf = (path: string): Promise<Buffer> =>
  readManifestFile(path).catch((error: NodeJS.ErrnoException) => {
    if (!['ELOOP', 'EINVAL', 'EISDIR', 'EFBIG'].includes(error.code ?? '')) throw error;
    throw new SendenseError('repository.damaged', error.message, { cause: error });
  });

function manifestIn(path: string, text: string): Manifest {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new SendenseError('repository.damaged', `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const validate = validatorOf('manifest.json');
  if (!validate(value)) throw new SendenseError('repository.damaged', `${path}: ${describeErrors(validate.errors)}`);
  const manifest = value as Manifest;
  const expected = manifestChecksum(manifest);
  if (manifest.checksum !== expected) {
    throw new SendenseError(
      'repository.damaged',
      `${path} was changed: its checksum is ${manifest.checksum}, its content gives ${expected}`,
    );
  }
  const stray = strayPath(manifest) ?? strayParent(manifest);
  if (stray !== null)
    throw new SendenseError('repository.damaged', `${path} names a file outside of its place: ${stray}`);
  if (manifest.disks.some(({ parent }) => parent === manifest.backup_id))
    throw new SendenseError('repository.damaged', `${path} is built on itself`);
  const contradiction = contradictionIn(manifest);
  if (contradiction !== null) throw new SendenseError('repository.damaged', `${path} ${contradiction}`);
  return manifest;
}

/** What its schema cannot say. Restore points are ordered by their times, and disks told apart by number and uuid. */
function contradictionIn({ started, created, disks }: Manifest): string | null {
  const odd = [started, created].find((time) => Number.isNaN(Date.parse(time)));
  if (odd !== undefined) return `names ${JSON.stringify(odd.slice(0, 40))} as a time`;
  const twice = (['number', 'uuid'] as const).find(
    (key) => new Set(disks.map((disk) => disk[key])).size < disks.length,
  );
  if (twice !== undefined) return `names two disks of the same ${twice}`;
  return disks.every(({ number }) => Number.isSafeInteger(number)) ? null : 'has a disk with a number that none has';
}

/** The checksum proves only that nobody changed a manifest by accident: what it names is opened, so it must be its own. */
function strayPath({ vm: { context }, backup_id, disks, vm_config: config }: Manifest): string | null {
  if (config && config.path !== relative(context, vmConfigPath(context, backup_id))) return config.path;
  for (const disk of disks) {
    if (disk.path !== relative(context, imagePath(context, disk.number, backup_id))) return disk.path;
    if (disk.index.path !== relative(context, indexPath(context, disk.number, backup_id))) return disk.index.path;
  }
  return null;
}

const id = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Backing files are opened by the names of parents. */
const strayParent = ({ parent, disks }: Manifest): string | null =>
  [parent, ...disks.map((disk) => disk.parent)].find((name) => name !== null && !id.test(name)) ?? null;

const placeOf = ({ sequence, created }: Manifest): number => sequence ?? Date.parse(created);

/** Parents before what is built on them, and else in the order in which they were made. */
export function parentsFirst(manifests: Iterable<Manifest>): Manifest[] {
  const oldestFirst = [...manifests].toSorted((a, b) => placeOf(a) - placeOf(b) || compare(a.backup_id, b.backup_id));
  const byId = new Map(oldestFirst.map((manifest) => [manifest.backup_id, manifest]));
  const begun = new Set<Manifest>();
  const ordered: Manifest[] = [];
  const visit = (manifest: Manifest): void => {
    if (begun.has(manifest)) return;
    begun.add(manifest);
    for (const { parent } of manifest.disks) {
      const below = parent === null ? undefined : byId.get(parent);
      if (below) visit(below);
    }
    ordered.push(manifest);
  };
  oldestFirst.forEach(visit);
  return ordered;
}

/** A restore point with all that it is built on, as far as that is there, or without a point all of them; parents first. */
export function withAncestors(
  manifests: ReadonlyMap<string, Manifest>,
  point: string | undefined,
): { readonly chain: Manifest[]; readonly missing: string[] } {
  const all = parentsFirst(manifests.values());
  if (point === undefined) return { chain: all, missing: [] };
  const needed = new Set<string>();
  const queue = [point];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (needed.has(next)) continue;
    needed.add(next);
    queue.push(...parentsOf(manifests.get(next)));
  }
  return {
    chain: all.filter((manifest) => needed.has(manifest.backup_id)),
    missing: [...needed].filter((known) => !manifests.has(known)),
  };
}

const parentsOf = (manifest: Manifest | undefined): string[] =>
  (manifest?.disks ?? []).flatMap(({ parent }) => (parent === null ? [] : [parent]));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
