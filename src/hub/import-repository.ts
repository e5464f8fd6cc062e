import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { manifestPath } from '../repository/layout.ts';
import { parentsFirst, readManifest } from '../repository/manifest.ts';
import type { ImportOutput, Manifest } from '../schemas/types.ts';
import type { State } from '../state/open-state.ts';
import { insertRestorePoint } from '../state/restore-points.ts';

export interface ImportOptions {
  readonly state: State;
  readonly repository: string;
  /** Absolute path. */
  readonly root: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Rebuilds the database's restore points from the manifests of a repository. A restore point whose manifest is damaged,
 * or whose files or parents are missing, is refused with its reason; the rest goes in.
 */
export async function importRepository(options: ImportOptions): Promise<ImportOutput> {
  const output: ImportOutput = { version: 1, repository: options.repository, imported: [], present: 0, refused: [] };
  const contexts = await readdir(options.root, { withFileTypes: true });
  for (const context of contexts
    .filter((entry) => entry.isDirectory() && entry.name !== 'lost+found')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const manifests = await readAll(options, context.name, output);
    const accepted = new Set<string>();
    for (const manifest of manifests) {
      options.signal?.throwIfAborted();
      await importOne(options, manifest, accepted, output);
    }
  }
  return output;
}

/** Parents before what is built on them. */
async function readAll(options: ImportOptions, context: string, output: ImportOutput): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const name of (await readdir(join(options.root, context))).filter((entry) => entry.endsWith('.json'))) {
    const path = join(context, name);
    try {
      const manifest = await readManifest(join(options.root, path));
      if (manifestPath(manifest.vm.context, manifest.backup_id) !== path)
        throw new SendenseError(
          'repository.damaged',
          `it is the manifest of ${manifest.vm.context}/${manifest.backup_id}`,
        );
      manifests.push(manifest);
    } catch (error) {
      output.refused.push({ path, message: (error as Error).message });
    }
  }
  return parentsFirst(manifests);
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
      }
    }
    const outcome = insertRestorePoint(options.state, options.repository, manifest);
    accepted.add(manifest.backup_id);
    if (outcome === 'present') output.present++;
    else output.imported.push(manifest.backup_id);
  } catch (error) {
    output.refused.push({ path, message: (error as Error).message });
  }
}
