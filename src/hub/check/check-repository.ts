import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { careFolder, diskName, manifestPath, markerName } from '../../repository/layout.ts';
import { marksPath } from '../../repository/marks.ts';
import { readManifest, readManifestExactly, withAncestors } from '../../repository/manifest.ts';
import type { MergeChild } from '../../repository/merge/intent.ts';
import { asItStands, withMerge } from '../../repository/merge/merge-files.ts';
import type { CheckOutput, Manifest } from '../../schemas/types.ts';
import { removedText } from '../../restore-points/verify/examine-point.ts';
import { inTurn, type Turn } from '../../restore-points/verify/in-turn.ts';
import { createLookedAt } from '../../restore-points/verify/looked-at.ts';
import { checkDisk } from './check-disk.ts';
import { checkSideFiles } from './check-side-files.ts';
import { forgetRemoved, readMerges, type Merges } from './check-merges.ts';
import { remedies, report, type CheckOptions, type Walk } from './check-walk.ts';

type Checked = Pick<CheckOutput, 'points_checked' | 'bytes_read' | 'findings'>;

/** Everything that can be told of a repository from outside. Reads only. */
export async function checkRepository(options: CheckOptions): Promise<Checked> {
  const id = ownFolderId('check');
  const walks: Walk[] = [];
  const walkOf = (): Walk => {
    const walk = { options, findings: [], id, checked: 0, bytesRead: 0 };
    walks.push(walk);
    return walk;
  };
  try {
    const entries = await readdir(options.root, { withFileTypes: true });
    const turns: Turn[] = [];
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === markerName || entry.name === careFolder || entry.name === 'lost+found') continue;
      if (options.context !== undefined && entry.name !== options.context) continue;
      // What is found is told in this order, whichever VM is done first.
      const walk = walkOf();
      if (entry.isDirectory()) turns.push(turnOf(walk, entry.name));
      else stray(walk, entry.name, entry.name);
    }
    await inTurn(turns, options.signal ?? new AbortController().signal);
    for (const context of options.known().keys()) {
      const there = entries.some((entry) => entry.name === context);
      if (!there && (options.context === undefined || options.context === context))
        await missingManifests(walkOf(), context, null, options.point === undefined ? null : new Set([options.point]));
    }
  } finally {
    await removeRunFolder(id);
  }
  return {
    points_checked: walks.reduce((sum, { checked }) => sum + checked, 0),
    bytes_read: walks.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    findings: walks.flatMap(({ findings }) => findings),
  };
}

/** Content is read of one VM after the other, with all threads; else several VMs are looked at at once. */
const turnOf = (walk: Walk, context: string): Turn => ({
  key: context,
  weight: walk.options.deep ? Number.POSITIVE_INFINITY : 0,
  async run() {
    await using lookedAt = createLookedAt();
    walk.lookedAt = lookedAt;
    await checkContext(walk, context);
    walk.lookedAt = undefined;
  },
});

function stray(walk: Walk, name: string, path: string): void {
  if (name.endsWith('.sendense-part'))
    report(walk, 'warning', 'file.leftover', null, path, 'is left from a run that was cut off', remedies.leftover);
  else report(walk, 'warning', 'file.unowned', null, path, 'belongs to no restore point', remedies.unowned);
}

async function checkContext(walk: Walk, context: string): Promise<void> {
  const before = walk.findings.length;
  const merges = await readMerges(walk, context);
  const { manifests, damaged } = await readManifests(walk, context, merges);
  await checkManifests(walk, context, merges, manifests, damaged);
  await forgetRemoved(walk, context, before, new Map([...manifests].map(([id, { checksum }]) => [id, checksum])));
}

async function checkManifests(
  walk: Walk,
  context: string,
  merges: Merges,
  manifests: Map<string, Manifest>,
  damaged: Map<string, string>,
): Promise<void> {
  const { chain: selected, missing } = withAncestors(manifests, walk.options.point);
  const ids =
    walk.options.point === undefined ? null : new Set([...selected.map(({ backup_id: id }) => id), ...missing]);
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
  compareWithDatabase(walk, context, merges, selected);
  const there = new Set([...manifests.keys(), ...damaged.keys(), ...merges.removed]);
  await missingManifests(walk, context, { ids: there, manifests }, ids);
  const sound = new Map<string, boolean>();
  for (const [index, manifest] of selected.entries()) {
    walk.options.signal?.throwIfAborted();
    await checkPoint(walk, context, manifest, manifests, sound, merges);
    walk.checked++;
    walk.options.onProgress?.(`${context} ${manifest.backup_id}`, index + 1, selected.length);
  }
  if (walk.options.point === undefined) await findUnowned(walk, context, manifests, damaged, merges);
}

/** What is wrong with each damaged one, by id. */
async function readManifests(
  walk: Walk,
  context: string,
  merges: Merges,
): Promise<{ manifests: Map<string, Manifest>; damaged: Map<string, string> }> {
  const manifests = new Map<string, Manifest>();
  const damaged = new Map<string, string>();
  const names = (await readdir(join(walk.options.root, context))).filter((name) => name.endsWith('.json')).toSorted();
  for (const name of names) {
    const path = join(context, name);
    const id = name.slice(0, -'.json'.length);
    if (merges.removed.has(id)) continue;
    try {
      const manifest = await readManifestExactly(join(walk.options.root, path));
      if (manifest.backup_id !== id || manifest.vm.context !== context)
        throw new SendenseError(
          'repository.damaged',
          `is the manifest of ${manifest.vm.context}/${manifest.backup_id}`,
        );
      manifests.set(id, withMerge(manifest, merges.children.get(id)));
    } catch (error) {
      damaged.set(id, (error as Error).message);
    }
  }
  return { manifests, damaged };
}

function compareWithDatabase(walk: Walk, context: string, merges: Merges, manifests: readonly Manifest[]): void {
  // Claims first: a run that ends in between is in the database then.
  const claimed = walk.options.claimed();
  const known = walk.options.known(context).get(context) ?? new Map<string, string>();
  for (const manifest of manifests) {
    const id = manifest.backup_id;
    const path = manifestPath(context, id);
    if (claimed.has(path)) continue;
    const checksum = known.get(id);
    if (checksum === undefined)
      report(walk, 'warning', 'database.missing', id, path, 'is not in the state database', remedies.database);
    else if (checksum !== manifest.checksum && !isHalfPublished(merges.children.get(id), checksum, manifest))
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

/** A merge replaces the manifest and then its row, and was cut off in between. */
const isHalfPublished = (merge: MergeChild | undefined, known: string, { checksum }: Manifest): boolean =>
  merge?.checksum === known && merge.manifest?.checksum === checksum;

interface There {
  readonly ids: ReadonlySet<string>;
  readonly manifests: ReadonlyMap<string, Manifest>;
}

/**
 * @param there null: the VM's folder is missing
 * @param ids those of interest; null: all
 */
async function missingManifests(
  walk: Walk,
  context: string,
  there: There | null,
  ids: ReadonlySet<string> | null,
): Promise<void> {
  const { isRemoved, forget } = walk.options;
  for (const id of walk.options.known(context).get(context)?.keys() ?? []) {
    if (there?.ids.has(id) || (ids !== null && !ids.has(id))) continue;
    const removed = there !== null && (await isRemoved?.(context, id, there.manifests.values())) === true;
    report(
      walk,
      'error',
      'manifest.missing',
      id,
      manifestPath(context, id),
      removed ? removedText : 'is missing',
      removed && forget !== undefined
        ? forget
        : 'The restore point is in the database only; restore the file from a copy of the repository.',
    );
  }
}

async function checkPoint(
  walk: Walk,
  context: string,
  manifest: Manifest,
  manifests: ReadonlyMap<string, Manifest>,
  sound: Map<string, boolean>,
  merges: Merges,
): Promise<void> {
  const tellMark = await checkSideFiles(walk, manifest);
  const child = merges.children.get(manifest.backup_id);
  // With the parents and sizes of the files that are there.
  const standing =
    child &&
    (await asItStands(
      walk.options.root,
      await readManifest(join(walk.options.root, manifestPath(context, manifest.backup_id))),
      child,
    ));
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
    const merging = standing?.disks.find((entry) => entry.number === disk.number && entry.parent !== disk.parent);
    sound.set(
      key(manifest.backup_id),
      await checkDisk(
        walk,
        context,
        manifest,
        merging ?? standing?.disks.find((entry) => entry.number === disk.number) ?? disk,
        merging !== undefined,
      ),
    );
  }
  tellMark();
}

async function findUnowned(
  walk: Walk,
  context: string,
  manifests: ReadonlyMap<string, Manifest>,
  damaged: ReadonlyMap<string, string>,
  merges: Merges,
): Promise<void> {
  const owned = new Set<string>(merges.files);
  const entries = await readdir(join(walk.options.root, context), { recursive: true, withFileTypes: true });
  for (const file of walk.options.claimed()) owned.add(file);
  // Whose manifest is damaged, missing, or was written after we had read them: owned, but what is theirs cannot be read.
  const unread = new Set(
    [...damaged.keys(), ...(walk.options.known(context).get(context)?.keys() ?? [])].filter((id) => !manifests.has(id)),
  );
  for (const entry of entries) {
    const id = entry.name.slice(0, -'.json'.length);
    if (entry.name.endsWith('.json') && dirname(pathOf(walk, entry)) === context && !manifests.has(id)) unread.add(id);
  }
  const unjudged = new Set(
    [...unread].flatMap((id) => [`${id}.json`, `${id}.qcow2`, `${id}.index`, `${id}.vm-config`, `${id}.marks`]),
  );
  for (const manifest of manifests.values()) {
    owned.add(manifestPath(context, manifest.backup_id)).add(marksPath(context, manifest.backup_id));
    if (manifest.vm_config) owned.add(join(context, manifest.vm_config.path));
    for (const disk of manifest.disks) owned.add(join(context, disk.path)).add(join(context, disk.index.path));
  }
  for (const entry of entries) {
    const path = pathOf(walk, entry);
    if (entry.isDirectory() || owned.has(path) || unjudged.has(entry.name)) continue;
    stray(walk, entry.name, path);
  }
}

const pathOf = (walk: Walk, entry: Dirent): string => join(relative(walk.options.root, entry.parentPath), entry.name);
