import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parentOfIndex } from '../../blocks/index-parent.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { foreignHeader } from '../../host/images/foreign-header.ts';
import { backingNameOf, readQcow2Header } from '../../host/images/qcow2-header.ts';
import { imageInfo } from '../../host/images/qemu-img.ts';
import { marksPath } from '../marks.ts';
import { filesOfIntent, intentPath, readIntents } from '../merge/intent.ts';
import { readContext, type ContextFiles } from './read-context.ts';
import { hasOwnContent, recogniseName, type OwnFile } from './recognise.ts';
import { filesOfPoint } from './settle-immutable.ts';

/** A file that Sendense made and that belongs to nothing any more. */
export interface Orphan extends OwnFile {
  /** Relative to the repository. */
  readonly path: string;
  /** What it takes on the disk. */
  readonly bytes: number;
}

export interface FoundOrphans {
  readonly orphans: readonly Orphan[];
  /** Files that belong to no restore point, and why they stay nevertheless. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** Why nothing of this VM was judged; null: it was. */
  readonly skipped: string | null;
}

export interface OrphanOptions {
  readonly root: string;
  readonly context: string;
  /** Backup ids of this VM that the state database knows. */
  readonly known: ReadonlySet<string>;
  /** Files that runs are making or will remove. */
  readonly claimed: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * Whoever asks holds the VM's lock, or asks what its holder would find: an image or index without a manifest was begun with an older
   * fence, and nobody can commit it any more. So its age says nothing. Of temporary files it does.
   */
  readonly overtaken?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Younger files may be of a run of another hub, which is not in this hub's journal. */
export const youngMs = 3_600_000;

/** Judges the folder of one VM. Where anything of it cannot be read, nothing is an orphan. Changes nothing. */
export async function findOrphans(options: OrphanOptions): Promise<FoundOrphans> {
  const { root, context } = options;
  let there: ContextFiles;
  try {
    // Before the files are listed: a removal that ends meanwhile takes away more than it names.
    const intents = await readIntents(root, context);
    there = await readContext(root, context);
    const lost = [...options.known].find((id) => !there.manifests.has(id));
    if (lost !== undefined) return skipped(`the manifest of ${lost} is missing; see \`sendense-run check\``);
    const begun = there.files.find((path) => path.endsWith('.merge') && !intents.some((it) => pathOf(it) === path));
    if (begun !== undefined) return skipped(`the removal ${begun} has just begun`);
    const needed = new Set(intents.flatMap((intent) => [...filesOfIntent(intent)]));
    const found = await judge({ ...options, claimed: options.claimed.union(needed) }, there);
    const unfinished = intents.map((intent) => ({ path: pathOf(intent), reason: `a removal that is not finished` }));
    return { ...found, kept: [...found.kept, ...unfinished] };
  } catch (error) {
    options.signal?.throwIfAborted();
    return skipped(error instanceof SendenseError ? `${error.message}. ${error.remedy}` : (error as Error).message);
  }
}

const pathOf = ({ context, name }: { readonly context: string; readonly name: string }): string =>
  intentPath(context, name);

const skipped = (reason: string): FoundOrphans => ({ orphans: [], kept: [], skipped: reason });

async function judge(options: OrphanOptions, there: ContextFiles): Promise<FoundOrphans> {
  const { root } = options;
  const kept = new Map<string, string>(there.others.map((path) => [path, 'it is no regular file']));
  const orphans = new Map<string, Orphan>();
  const owned = new Set([...there.manifests.values()].flatMap((manifest) => ownedBy(manifest)));
  const unowned = there.files.filter((path) => !owned.has(path) && !options.claimed.has(path));
  const newest = await newestTimes(root, unowned);
  for (const path of unowned) {
    options.signal?.throwIfAborted();
    const own = recogniseName(path);
    const reason =
      own === null ? 'its name is none that Sendense gives' : await whyNot(options, there, path, own, newest);
    if (own !== null && reason === null)
      orphans.set(path, { ...own, path, bytes: (await lstat(join(root, path))).blocks * 512 });
    else kept.set(path, reason ?? '');
  }
  await keepBackingFiles(root, there.files, orphans, kept);
  return {
    orphans: [...orphans.values()].toSorted((a, b) => (a.path < b.path ? 1 : -1)),
    kept: [...kept].map(([path, reason]) => ({ path, reason })),
    skipped: null,
  };
}

const ownedBy = (manifest: Parameters<typeof toPointFiles>[0]): string[] => [
  ...filesOfPoint(toPointFiles(manifest)),
  marksPath(manifest.vm.context, manifest.backup_id),
];

const toPointFiles = <T extends { readonly created: string }>(
  manifest: T & Omit<Parameters<typeof filesOfPoint>[0], 'created'>,
): Parameters<typeof filesOfPoint>[0] => ({ ...manifest, created: Date.parse(manifest.created) });

/** When anything of a restore point (by id; files of none, by path) was last written. */
async function newestTimes(root: string, paths: readonly string[]): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const path of paths) {
    const key = recogniseName(path)?.backupId ?? path;
    const { mtimeMs, ctimeMs } = await lstat(join(root, path));
    times.set(key, Math.max(times.get(key) ?? 0, mtimeMs, ctimeMs));
  }
  return times;
}

/** Why a file of ours is no orphan; null: it is one. */
async function whyNot(
  { root, now, overtaken = false, signal }: OrphanOptions,
  there: ContextFiles,
  path: string,
  own: OwnFile,
  newest: ReadonlyMap<string, number>,
): Promise<string | null> {
  if (own.kind !== 'part' && own.backupId !== null && there.manifests.has(own.backupId))
    return `the restore point ${own.backupId} is there, and does not name it`;
  const isYoung = now - (newest.get(own.backupId ?? path) ?? now) < youngMs;
  if (isYoung && (own.kind === 'part' || !overtaken)) return 'it was changed less than an hour ago';
  if (!(await hasOwnContent(join(root, path), own.kind))) return 'it does not hold what its name says';
  if (own.kind !== 'image') return null;
  const foreign = foreignHeader(await readQcow2Header(join(root, path)));
  if (foreign !== null) return `it ${foreign}`;
  // Fails where a program has the image open for writing.
  return imageInfo(join(root, path), { format: 'qcow2', signal }).then(
    () => null,
    (error: unknown) => (error as Error).message.replaceAll('\n', ' '),
  );
}

/** What is built on what, by the folder of both: the file below is named as it is there. */
async function filesBelow(root: string, files: readonly string[]): Promise<Map<string, string>> {
  const below = new Map<string, string>();
  for (const path of files) {
    if (/\.qcow2(\.sendense-part)?$/.test(path)) {
      const name = await backingNameOf(join(root, path));
      if (name != null) below.set(path, name);
    }
    if (path.endsWith('.qcow2')) continue;
    // One that is encrypted does not tell: those that its image is built on stay by themselves.
    const index = /\.index(\.sendense-part)?$/.test(path)
      ? await parentOfIndex(join(root, path)).catch(() => null)
      : null;
    if (index) below.set(path, `${index.name}.index`);
  }
  return below;
}

/** An image or index on which one is built that stays, stays too, and so does the index of an image that stays. */
async function keepBackingFiles(
  root: string,
  files: readonly string[],
  orphans: Map<string, Orphan>,
  kept: Map<string, string>,
): Promise<void> {
  const backing = await filesBelow(root, files);
  for (let changed = true; changed;) {
    changed = false;
    for (const [path, name] of backing) {
      if (orphans.has(path)) continue;
      for (const orphan of orphans.keys()) {
        if (dirname(orphan) !== dirname(path) || !name.includes(basename(orphan))) continue;
        orphans.delete(orphan);
        kept.set(orphan, `${path} is built on it`);
        changed = true;
      }
    }
    for (const orphan of [...orphans.keys()].filter((path) => path.endsWith('.index'))) {
      const image = orphan.replace(/\.index$/, '.qcow2');
      if (orphans.has(image) || !kept.has(image)) continue;
      orphans.delete(orphan);
      kept.set(orphan, `${image} stays`);
      changed = true;
    }
  }
}
