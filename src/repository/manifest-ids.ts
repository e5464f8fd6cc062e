import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../schemas/parse-json.ts';
import { readManifestFile } from './manifest-file.ts';

/** As `backupIdOf` makes them. */
const ownName = /^[0-9]{8}T[0-9]{6}Z-[0-9a-z]{6}\.json$/;

/**
 * Whether a file beside the VM's folders of disks is a manifest, whole or damaged: by its name, which is the id of a restore point, or,
 * where somebody else has given the names, because it says so. Any other JSON is not ours, and none of our business.
 */
export async function isManifest(root: string, context: string, name: string): Promise<boolean> {
  if (!name.endsWith('.json')) return false;
  if (ownName.test(name)) return true;
  try {
    const value = parseJson((await readManifestFile(join(root, context, name))).toString('utf8')) as {
      format?: unknown;
    };
    return typeof value === 'object' && String(value?.format).startsWith('sendense-restore-point/');
  } catch {
    return false;
  }
}

/** Ids of the restore points whose manifests are in the folder of a VM, known or not. @throws NodeJS.ErrnoException */
export async function manifestIds(root: string, context: string): Promise<Set<string>> {
  return new Set((await manifestNames(root, context)).map((name) => name.slice(0, -5)));
}

/** Names of the manifests in the folder of a VM. @throws NodeJS.ErrnoException */
export async function manifestNames(root: string, context: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(root, context))) if (await isManifest(root, context, name)) found.push(name);
  return found;
}
