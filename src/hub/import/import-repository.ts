import type { ImportOptions } from './import-options.ts';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { careFolder, manifestPath } from '../../repository/layout.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import { marksPath } from '../../repository/marks.ts';
import { manifestNames } from '../../repository/manifest-ids.ts';
import { manifestSaysNow } from '../../repository/manifest-says.ts';
import { parentsFirst, readManifest } from '../../repository/manifest.ts';
import { foreignImage } from '../../repository/own-image.ts';
import { readIntents, wayOut, type MergeChild } from '../../repository/merge/intent.ts';
import { vmsUnder } from '../../repository/vm-identity.ts';
import { ownedPoints } from '../../restore-points/choose/owned-points.ts';
import { strayFolder } from '../../repository/stray-folder.ts';
import { asItStands, withMerge } from '../../repository/merge/merge-files.ts';
import type { ImportOutput, Manifest } from '../../schemas/types.ts';
import { lockHolder } from '../../state/runs/locks.ts';
import { livingMerges } from '../../state/points/merges.ts';
import { setMarks } from '../../state/points/point-marks.ts';
import { insertRestorePoint } from '../../state/points/restore-points.ts';
import { forgetMissing } from './forget-missing.ts';

/**
 * Rebuilds the database's restore points from the manifests of a repository. A restore point whose manifest is damaged,
 * or whose files or parents are missing, is refused with its reason; the rest goes in.
 */
export async function importRepository(options: ImportOptions): Promise<ImportOutput> {
  const output: ImportOutput = {
    version: 1,
    repository: options.repository,
    imported: [],
    present: 0,
    refused: [],
    forgotten: [],
  };
  const entries = await readdir(options.root, { withFileTypes: true });
  const contexts = entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'lost+found' && entry.name !== careFolder)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const context of contexts) {
    const { manifests, merges } = await readAll(options, context.name, output);
    const accepted = new Set<string>();
    for (const manifest of manifests) {
      options.signal?.throwIfAborted();
      await importOne(options, manifest, { accepted, merge: merges.get(manifest.backup_id) }, output);
    }
  }
  if (options.forgetMissing) await forgetMissing(options, output);
  const shared = await sharedNames(
    options,
    contexts.map(({ name }) => name),
  );
  return shared.length === 0 ? output : { ...output, shared };
}

/** Names under which several VMs have restore points, as an older version or a copy by hand left them. */
async function sharedNames(
  { state, repository, root }: ImportOptions,
  contexts: readonly string[],
): Promise<NonNullable<ImportOutput['shared']>> {
  const shared: NonNullable<ImportOutput['shared']> = [];
  for (const context of contexts) {
    const vms = vmsUnder(await ownedPoints(state, root, { repository, context }));
    if (vms.length > 1) shared.push({ vm: context, identities: vms.map(({ identity }) => identity) });
  }
  return shared;
}

interface Read {
  /** Parents before what is built on them. */
  readonly manifests: readonly Manifest[];
  /** What is merged into a restore point at this moment, by its id. */
  readonly merges: ReadonlyMap<string, MergeChild>;
}

async function readAll(options: ImportOptions, context: string, output: ImportOutput): Promise<Read> {
  const manifests: Manifest[] = [];
  const merges = new Map<string, MergeChild>();
  const intents = await readIntents(options.root, context).catch((error: Error) => {
    output.refused.push({ path: context, message: `${error.message}; see ${wayOut}` });
    return [];
  });
  const names = await manifestNames(options.root, context).catch((error: Error) => {
    output.refused.push({ path: context, message: `cannot be listed: ${error.message}` });
    return [];
  });
  for (const name of names) {
    const path = join(context, name);
    try {
      const manifest = await readManifest(join(options.root, path));
      if (manifestPath(manifest.vm.context, manifest.backup_id) !== path)
        throw new SendenseError(
          'repository.damaged',
          `it is the manifest of ${manifest.vm.context}/${manifest.backup_id}`,
        );
      // What a removal under way takes away is no restore point any more, and what it merges is as it will be.
      if (intents.some(({ removed }) => removed.some(({ backup_id: id }) => id === manifest.backup_id))) continue;
      const child = intents.find((intent) => intent.child?.backup_id === manifest.backup_id)?.child;
      if (child) merges.set(manifest.backup_id, child);
      manifests.push(child ? withMerge(await asItStands(options.root, manifest, child), child) : manifest);
    } catch (error) {
      output.refused.push({ path, message: (error as Error).message });
    }
  }
  return { manifests: parentsFirst(manifests), merges };
}

/** A damaged file of marks keeps no restore point out, but is named; undefined: the marks stay as they are. */
async function marksIn(
  { root }: ImportOptions,
  { vm: { context }, backup_id: backupId }: Manifest,
  output: ImportOutput,
): Promise<Awaited<ReturnType<typeof currentMarks>> | undefined> {
  try {
    return await currentMarks(root, context, backupId);
  } catch (error) {
    output.refused.push({ path: marksPath(context, backupId), message: (error as Error).message });
    return undefined;
  }
}

/**
 * Whether a restore point is still as its manifest said. Who removes restore points forgets them in one transaction before
 * the manifests go, so what is entered after that one would stay for ever: asked within the transaction that enters it.
 * @throws SendenseError `run.locked`, `repository.damaged`
 */
function assertStands({ state, repository, root }: ImportOptions, { vm, backup_id, checksum }: Manifest): void {
  const { context } = vm;
  const holder = lockHolder(state, `${repository}/${context}`, isRunning);
  if (holder?.alive)
    throw new SendenseError('run.locked', `run ${holder.runId} works on its VM; import again after that`);
  if (livingMerges(state, repository, isRunning).includes(context))
    throw new SendenseError(
      'run.locked',
      'restore points of its VM are being removed at this moment; import again after that',
    );
  if (manifestSaysNow(join(root, manifestPath(context, backup_id)))?.checksum !== checksum)
    throw new SendenseError('repository.damaged', 'it was removed or changed while it was imported');
}

/** On which its file may still be built while a removal is not finished. */
const parentsBefore = (merge: MergeChild | undefined, number: number): string[] =>
  (merge?.disks.find((disk) => disk.number === number)?.run ?? []).slice(0, 1).map(({ backup_id: id }) => id);

/**
 * The files of a disk are there, in the repository itself, and the image takes its content from nowhere else.
 * @param before backup ids on which it may be built beside its parent
 * @throws SendenseError `repository.damaged`
 */
async function assertOwnFiles(
  root: string,
  context: string,
  disk: Manifest['disks'][number],
  before: readonly string[],
): Promise<void> {
  const wrong = (what: string): never => {
    throw new SendenseError('repository.damaged', what);
  };
  for (const path of [disk.path, disk.index.path].map((file) => join(context, file))) {
    const stray = await strayFolder(root, path);
    if (stray !== null) wrong(`${path} ${stray}`);
    const info = await lstat(join(root, path)).catch(() => null);
    if (!info) return wrong(`${path} is missing`);
    if (!info.isFile()) wrong(`${path} is not a regular file`);
    if (path === join(context, disk.index.path)) continue;
    if (info.size !== disk.file_bytes) wrong(`${path} has ${info.size} bytes, ${disk.file_bytes} were committed`);
    const foreign = await foreignImage(join(root, path), disk.parent, ...before);
    if (foreign !== null) wrong(`${path} ${foreign}`);
  }
}

async function importOne(
  options: ImportOptions,
  manifest: Manifest,
  { accepted, merge }: { readonly accepted: Set<string>; readonly merge: MergeChild | undefined },
  output: ImportOutput,
): Promise<void> {
  const path = manifestPath(manifest.vm.context, manifest.backup_id);
  try {
    for (const disk of manifest.disks) {
      if (disk.parent !== null && !accepted.has(disk.parent))
        throw new SendenseError(
          'repository.damaged',
          `disk-${disk.number} is built on ${disk.parent}, which is not there or was refused`,
        );
      await assertOwnFiles(options.root, manifest.vm.context, disk, parentsBefore(merge, disk.number));
    }
    const { state, repository } = options;
    const key = { repository, context: manifest.vm.context, backupId: manifest.backup_id };
    const marks = await marksIn(options, manifest, output);
    const outcome = state.transaction(() => {
      const entered = insertRestorePoint(state, repository, manifest);
      if (entered !== 'present') assertStands(options, manifest);
      if (marks !== undefined) setMarks(state, key, marks);
      return entered;
    });
    accepted.add(manifest.backup_id);
    if (outcome === 'present') output.present++;
    else output.imported.push(manifest.backup_id);
  } catch (error) {
    output.refused.push({ path, message: (error as Error).message });
  }
}
