import { readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Manifest } from '../../schemas/types.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { manifestPath, markerName } from '../layout.ts';
import { isManifest } from '../manifest-ids.ts';
import { readManifest } from '../manifest.ts';

/** All that is in the folder of a VM. Paths are relative to the repository. */
export interface ContextFiles {
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Regular files. */
  readonly files: readonly string[];
  /** Neither files nor folders: links, sockets. */
  readonly others: readonly string[];
}

/** Folders of VMs. */
export const contextsIn = async (root: string): Promise<string[]> =>
  (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'lost+found')
    .map(({ name }) => name)
    .filter((name) => name !== markerName)
    .toSorted();

/** @throws SendenseError `repository.damaged` where any manifest cannot be read; an error of the file system as it is */
export async function readContext(root: string, context: string): Promise<ContextFiles> {
  const entries = await readdir(join(root, context), { recursive: true, withFileTypes: true });
  const pathOf = (entry: { parentPath: string; name: string }): string =>
    join(relative(root, entry.parentPath), entry.name);
  const files = entries.filter((entry) => entry.isFile()).map(pathOf);
  const others = entries.filter((entry) => !entry.isFile() && !entry.isDirectory()).map(pathOf);
  const manifests = new Map<string, Manifest>();
  for (const path of files.filter((file) => /^[^/]+\/[^/]+\.json$/.test(file))) {
    if (!(await isManifest(root, context, basename(path)))) continue;
    const manifest = await readManifest(join(root, path));
    if (manifestPath(manifest.vm.context, manifest.backup_id) !== path)
      throw new SendenseError(
        'repository.damaged',
        `${path} is the manifest of ${manifest.vm.context}/${manifest.backup_id}`,
      );
    manifests.set(manifest.backup_id, manifest);
  }
  return { manifests, files, others };
}
