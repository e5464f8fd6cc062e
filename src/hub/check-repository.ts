import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { compareExport } from '../blocks/compare-export.ts';
import { openIndex } from '../blocks/block-index.ts';
import { totalLength } from '../blocks/extents.ts';
import { writtenAreas } from '../blocks/written-areas.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { checkImage, imageInfo } from '../host/qemu-img.ts';
import { removeRunFolder } from '../host/run-folder.ts';
import { backingName, diskName, indexPath, manifestPath, markerName } from '../repository/layout.ts';
import { parentsFirst, readManifest } from '../repository/manifest.ts';
import { sha256OfFile } from '../repository/verify-chain.ts';
import { serveReadOnly } from '../steps/serve-chain.ts';
import type { CheckOutput, Manifest } from '../schemas/types.ts';

type Finding = CheckOutput['findings'][number];

export interface CheckOptions {
  /** Absolute path. */
  readonly root: string;
  /** Only this VM, only this restore point (and what it is built on). */
  readonly context?: string | undefined;
  readonly point?: string | undefined;
  /** Reads every byte and compares it with the block index; otherwise names, sizes, times and qcow2 structure. */
  readonly deep: boolean;
  /** Checksum of the manifest by backup id, as the database has it now, by context. */
  known(): ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Files that a living run is making now, relative to the root: not ours to judge. */
  claimed(): ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string, done: number, total: number) => void) | undefined;
}

interface Walk {
  readonly options: CheckOptions;
  readonly findings: Finding[];
  /** A folder of its own for sockets. */
  readonly id: string;
  checked: number;
  bytesRead: number;
}

const remedies = {
  chain: 'Do not build on it: run a full backup. Restore points that do not depend on it are sound.',
  time: 'Run `sendense-run check` without --quick: it compares the content.',
  database: 'Run `sendense-run repo import NAME`.',
  unowned: 'Nothing of Sendense refers to it; remove it if nobody needs it.',
  leftover: 'Run `sendense-run recover`; what is still there then can be removed.',
} as const;

/** Everything that can be told of a repository from outside. Reads only. */
export async function checkRepository(
  options: CheckOptions,
): Promise<Pick<CheckOutput, 'points_checked' | 'bytes_read' | 'findings'>> {
  const walk: Walk = { options, findings: [], id: `check-${process.pid}-${Date.now()}`, checked: 0, bytesRead: 0 };
  try {
    const entries = await readdir(options.root, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === markerName || entry.name === 'lost+found') continue;
      if (options.context !== undefined && entry.name !== options.context) continue;
      if (entry.isDirectory()) await checkContext(walk, entry.name);
      else stray(walk, entry.name, entry.name);
    }
    for (const context of options.known().keys()) {
      const there = entries.some((entry) => entry.name === context);
      if (!there && (options.context === undefined || options.context === context))
        missingManifests(walk, context, new Set(), options.point === undefined ? null : new Set([options.point]));
    }
  } finally {
    await removeRunFolder(walk.id);
  }
  return { points_checked: walk.checked, bytes_read: walk.bytesRead, findings: walk.findings };
}

function stray(walk: Walk, name: string, path: string): void {
  if (name.endsWith('.sendense-part'))
    report(walk, 'warning', 'file.leftover', null, path, 'is left from a run that was cut off', remedies.leftover);
  else report(walk, 'warning', 'file.unowned', null, path, 'belongs to no restore point', remedies.unowned);
}

function report(
  walk: Walk,
  severity: Finding['severity'],
  code: Finding['code'],
  backupId: string | null,
  path: string,
  message: string,
  remedy: string,
): void {
  walk.findings.push({ severity, code, backup_id: backupId, path, message: `${path} ${message}`, remedy });
}

async function checkContext(walk: Walk, context: string): Promise<void> {
  const { manifests, damaged } = await readManifests(walk, context);
  const selected = wanted(manifests, walk.options.point);
  const ids =
    walk.options.point === undefined
      ? null
      : new Set([walk.options.point, ...selected.flatMap((manifest) => [manifest.backup_id, ...parentsOf(manifest)])]);
  for (const [id, message] of damaged) {
    if (ids?.has(id) ?? true)
      report(
        walk,
        'error',
        'manifest.damaged',
        id,
        manifestPath(context, id),
        `is damaged: ${message}`,
        'Restore the file from a copy of the repository.',
      );
  }
  compareWithDatabase(walk, context, selected);
  missingManifests(walk, context, new Set([...manifests.keys(), ...damaged.keys()]), ids);
  const sound = new Map<string, boolean>();
  for (const [index, manifest] of selected.entries()) {
    walk.options.signal?.throwIfAborted();
    await checkPoint(walk, context, manifest, manifests, sound);
    walk.checked++;
    walk.options.onProgress?.(`${context} ${manifest.backup_id}`, index + 1, selected.length);
  }
  if (walk.options.point === undefined) await findUnowned(walk, context, manifests, damaged);
}

/** What is wrong with each damaged one, by id. */
async function readManifests(
  walk: Walk,
  context: string,
): Promise<{ manifests: Map<string, Manifest>; damaged: Map<string, string> }> {
  const manifests = new Map<string, Manifest>();
  const damaged = new Map<string, string>();
  const names = (await readdir(join(walk.options.root, context))).filter((name) => name.endsWith('.json')).toSorted();
  for (const name of names) {
    const path = join(context, name);
    const id = name.slice(0, -'.json'.length);
    try {
      const manifest = await readManifest(join(walk.options.root, path));
      if (manifest.backup_id !== id || manifest.vm.context !== context)
        throw new SendenseError(
          'repository.damaged',
          `is the manifest of ${manifest.vm.context}/${manifest.backup_id}`,
        );
      manifests.set(id, manifest);
    } catch (error) {
      damaged.set(id, (error as Error).message);
    }
  }
  return { manifests, damaged };
}

function compareWithDatabase(walk: Walk, context: string, manifests: readonly Manifest[]): void {
  // Claims first: a run that ends in between is in the database then.
  const claimed = walk.options.claimed();
  const known = walk.options.known().get(context) ?? new Map<string, string>();
  for (const manifest of manifests) {
    const id = manifest.backup_id;
    const path = manifestPath(context, id);
    if (claimed.has(path)) continue;
    const checksum = known.get(id);
    if (checksum === undefined)
      report(walk, 'warning', 'database.missing', id, path, 'is not in the state database', remedies.database);
    else if (checksum !== manifest.checksum)
      report(
        walk,
        'error',
        'database.differs',
        id,
        path,
        'is not the manifest that was committed',
        'Find out who replaced it.',
      );
  }
}

/** @param ids those of interest; null: all */
function missingManifests(
  walk: Walk,
  context: string,
  there: ReadonlySet<string>,
  ids: ReadonlySet<string> | null,
): void {
  for (const id of walk.options.known().get(context)?.keys() ?? []) {
    if (there.has(id) || (ids !== null && !ids.has(id))) continue;
    report(
      walk,
      'error',
      'manifest.missing',
      id,
      manifestPath(context, id),
      'is missing',
      'The restore point is in the database only; restore the file from a copy of the repository.',
    );
  }
}

const parentsOf = (manifest: Manifest): string[] =>
  manifest.disks.flatMap((disk) => (disk.parent === null ? [] : [disk.parent]));

/** In the order of {@link parentsFirst}, so that a parent is judged before what is built on it. */
function wanted(manifests: ReadonlyMap<string, Manifest>, point: string | undefined): Manifest[] {
  const all = parentsFirst(manifests.values());
  if (point === undefined) return all;
  const needed = new Set<string>();
  const queue = [point];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    const manifest = manifests.get(id);
    if (manifest) queue.push(...parentsOf(manifest));
  }
  return all.filter((manifest) => needed.has(manifest.backup_id));
}

async function checkPoint(
  walk: Walk,
  context: string,
  manifest: Manifest,
  manifests: ReadonlyMap<string, Manifest>,
  sound: Map<string, boolean>,
): Promise<void> {
  for (const disk of manifest.disks) {
    const key = (id: string): string => `${id}/${disk.number}`;
    const parent =
      disk.parent === null
        ? null
        : (manifests.get(disk.parent)?.disks.find((entry) => entry.number === disk.number) ?? undefined);
    const image = join(context, disk.path);
    if (parent === undefined) {
      report(
        walk,
        'error',
        'chain.broken',
        manifest.backup_id,
        image,
        `is built on ${disk.parent}, which has no sound manifest`,
        remedies.chain,
      );
      sound.set(key(manifest.backup_id), false);
      continue;
    }
    if (disk.parent !== null && sound.get(key(disk.parent)) === false) {
      report(
        walk,
        'error',
        'chain.broken',
        manifest.backup_id,
        image,
        `depends on ${disk.parent}, whose ${diskName(disk.number)} is damaged`,
        remedies.chain,
      );
      sound.set(key(manifest.backup_id), false);
      continue;
    }
    sound.set(key(manifest.backup_id), await checkDisk(walk, context, manifest, disk));
  }
}

type ManifestDisk = Manifest['disks'][number];

async function checkDisk(walk: Walk, context: string, manifest: Manifest, disk: ManifestDisk): Promise<boolean> {
  const { root, signal } = walk.options;
  const image = join(context, disk.path);
  const error = (code: Finding['code'], path: string, message: string): false => {
    report(walk, 'error', code, manifest.backup_id, path, message, remedies.chain);
    return false;
  };
  const info = await lstat(join(root, image), { bigint: true }).catch(() => null);
  if (!info) return error('file.missing', image, 'is missing');
  if (!info.isFile()) return error('file.missing', image, 'is not a regular file');
  if (info.size !== BigInt(disk.file_bytes))
    return error('file.changed', image, `has ${info.size} bytes, ${disk.file_bytes} were committed`);
  const touched = String(info.mtimeNs) !== disk.file_mtime_ns;
  const index = join(context, disk.index.path);
  const sha256 = await sha256OfFile(join(root, index), signal).catch(() => null);
  if (sha256 === null) return error('file.missing', index, 'is missing');
  if (sha256 !== disk.index.sha256)
    return error('index.damaged', index, `is damaged: its SHA-256 is ${sha256}, ${disk.index.sha256} was committed`);
  const structure = await imageStructure(walk, image, disk);
  if (structure !== null) return error('image.damaged', image, structure);
  if (walk.options.deep) return compareContent(walk, context, manifest, disk);
  if (touched)
    report(
      walk,
      'warning',
      'file.changed',
      manifest.backup_id,
      image,
      'has another modification time than at the commit',
      remedies.time,
    );
  return true;
}

async function imageStructure(walk: Walk, image: string, disk: ManifestDisk): Promise<string | null> {
  const { root, signal } = walk.options;
  try {
    const info = await imageInfo(join(root, image), { format: 'qcow2', forceShare: true, signal });
    const backing = disk.parent === null ? undefined : backingName(disk.parent);
    if (info.backingFile !== backing)
      return `names the backing file ${info.backingFile ?? 'none'}, ${backing ?? 'none'} was committed`;
    if (info.virtualSize !== disk.capacity_bytes)
      return `has a capacity of ${info.virtualSize} bytes, ${disk.capacity_bytes} were committed`;
    const check = await checkImage(join(root, image), signal);
    return check.ok ? null : `is damaged: qemu-img check: ${check.message}`;
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** A full is read whole; of an incremental what it holds and what changed, because its parent was proven before. */
async function compareContent(walk: Walk, context: string, manifest: Manifest, disk: ManifestDisk): Promise<boolean> {
  const { root, signal } = walk.options;
  const image = join(context, disk.path);
  const index = join(root, context, disk.index.path);
  try {
    await using reader = await openIndex(index);
    if (reader.root !== disk.digest)
      throw new SendenseError(
        'repository.damaged',
        `its block index has digest ${reader.root}, ${disk.digest} was committed`,
      );
    const areas =
      disk.parent === null
        ? undefined
        : await writtenAreas({
            file: join(root, image),
            index,
            parentIndex: join(root, indexPath(context, disk.number, disk.parent)),
            capacity: disk.capacity_bytes,
            signal,
          });
    if (areas && totalLength(areas) === 0) return true;
    await using server = await serveReadOnly(join(root, image), 'qcow2', walk.id, signal);
    const result = await compareExport({
      uri: server.uri,
      indexPath: index,
      ...(areas ? { areas } : {}),
      ...(signal ? { signal } : {}),
    });
    walk.bytesRead += result.comparedBytes;
    const first = result.mismatches[0];
    if (!first) return true;
    report(
      walk,
      'error',
      'content.mismatch',
      manifest.backup_id,
      image,
      `does not hold what was backed up: first difference at offset ${first.offset} of ${diskName(disk.number)} (${first.length} bytes)`,
      remedies.chain,
    );
  } catch (error) {
    signal?.throwIfAborted();
    report(
      walk,
      'error',
      'image.damaged',
      manifest.backup_id,
      image,
      `cannot be compared: ${(error as Error).message}`,
      remedies.chain,
    );
  }
  return false;
}

async function findUnowned(
  walk: Walk,
  context: string,
  manifests: ReadonlyMap<string, Manifest>,
  damaged: ReadonlyMap<string, string>,
): Promise<void> {
  const owned = new Set<string>();
  const entries = await readdir(join(walk.options.root, context), { recursive: true, withFileTypes: true });
  for (const file of walk.options.claimed()) owned.add(file);
  // Whose manifest is damaged, missing, or was written after we had read them: owned, but what is theirs cannot be read.
  const unread = new Set(
    [...damaged.keys(), ...(walk.options.known().get(context)?.keys() ?? [])].filter((id) => !manifests.has(id)),
  );
  for (const entry of entries) {
    const id = entry.name.slice(0, -'.json'.length);
    if (entry.name.endsWith('.json') && dirname(pathOf(walk, entry)) === context && !manifests.has(id)) unread.add(id);
  }
  const unjudged = new Set([...unread].flatMap((id) => [`${id}.json`, `${id}.qcow2`, `${id}.index`]));
  for (const manifest of manifests.values()) {
    owned.add(manifestPath(context, manifest.backup_id));
    for (const disk of manifest.disks) owned.add(join(context, disk.path)).add(join(context, disk.index.path));
  }
  for (const entry of entries) {
    const path = pathOf(walk, entry);
    if (entry.isDirectory() || owned.has(path) || unjudged.has(entry.name)) continue;
    stray(walk, entry.name, path);
  }
}

const pathOf = (walk: Walk, entry: Dirent): string => join(relative(walk.options.root, entry.parentPath), entry.name);
