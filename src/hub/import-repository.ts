import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { readQcow2Header } from '../host/qcow2-header.ts';
import { careFolder, manifestPath } from '../repository/layout.ts';
import { marksPath, readMarks } from '../repository/marks.ts';
import { parentsFirst, readManifest } from '../repository/manifest.ts';
import { readIntents } from '../repository/merge/intent.ts';
import { asItStands, withMerge } from '../repository/merge/merge-files.ts';
import type { ImportOutput, Manifest } from '../schemas/types.ts';
import type { State } from '../state/open-state.ts';
import { setMarks } from '../state/point-marks.ts';
import { insertRestorePoint } from '../state/restore-points.ts';
import { forgetMissing } from './forget-missing.ts';

export interface ImportOptions {
  readonly state: State;
  readonly repository: string;
  /** Absolute path. */
  readonly root: string;
  /** Forgets restore points whose manifest is gone. */
  readonly forgetMissing?: boolean;
  readonly signal?: AbortSignal | undefined;
}

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
  const contexts = await readdir(options.root, { withFileTypes: true });
  for (const context of contexts
    .filter((entry) => entry.isDirectory() && entry.name !== 'lost+found' && entry.name !== careFolder)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const manifests = await readAll(options, context.name, output);
    const accepted = new Set<string>();
    for (const manifest of manifests) {
      options.signal?.throwIfAborted();
      await importOne(options, manifest, accepted, output);
    }
  }
  if (options.forgetMissing) await forgetMissing(options, output);
  return output;
}

/** Parents before what is built on them. */
async function readAll(options: ImportOptions, context: string, output: ImportOutput): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  const intents = await readIntents(options.root, context).catch((error: Error) => {
    output.refused.push({ path: context, message: error.message });
    return [];
  });
  for (const name of (await readdir(join(options.root, context))).filter((entry) => entry.endsWith('.json'))) {
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
      manifests.push(child ? withMerge(await asItStands(options.root, manifest, child), child) : manifest);
    } catch (error) {
      output.refused.push({ path, message: (error as Error).message });
    }
  }
  return parentsFirst(manifests);
}

/** A damaged file of marks keeps no restore point out, but is named. */
async function importMarks(
  { state, repository, root }: ImportOptions,
  { vm: { context }, backup_id: backupId }: Manifest,
  output: ImportOutput,
): Promise<void> {
  try {
    setMarks(state, { repository, context, backupId }, await readMarks(root, context, backupId));
  } catch (error) {
    output.refused.push({ path: marksPath(context, backupId), message: (error as Error).message });
  }
}

/** An image of another hub may name any file of this machine: a restore would read it, a merge write to it. */
async function assertOwnFiles(root: string, path: string): Promise<void> {
  const header = await readQcow2Header(join(root, path));
  if (header?.externalData) throw new SendenseError('repository.damaged', `the data of ${path} are in another file`);
  if (header?.backing != null && /[/:]/.test(header.backing))
    throw new SendenseError(
      'repository.damaged',
      `${path} is built on ${header.backing}, which is not a file beside it`,
    );
}

async function importOne(
  options: ImportOptions,
  manifest: Manifest,
  accepted: Set<string>,
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
      for (const file of [disk.path, disk.index.path]) {
        const info = await lstat(join(options.root, manifest.vm.context, file)).catch(() => null);
        if (!info?.isFile())
          throw new SendenseError('repository.damaged', `${join(manifest.vm.context, file)} is missing`);
        if (file === disk.path && info.size !== disk.file_bytes)
          throw new SendenseError(
            'repository.damaged',
            `${join(manifest.vm.context, file)} has ${info.size} bytes, ${disk.file_bytes} were committed`,
          );
        if (file === disk.path) await assertOwnFiles(options.root, join(manifest.vm.context, file));
      }
    }
    const outcome = insertRestorePoint(options.state, options.repository, manifest);
    accepted.add(manifest.backup_id);
    await importMarks(options, manifest, output);
    if (outcome === 'present') output.present++;
    else output.imported.push(manifest.backup_id);
  } catch (error) {
    output.refused.push({ path, message: (error as Error).message });
  }
}
