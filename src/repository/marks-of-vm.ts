import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../schemas/types.ts';
import { manifestPath } from './layout.ts';
import { readManifest } from './manifest.ts';
import { readMarks, type Marks } from './marks.ts';

type Broken = NonNullable<Marks['broken']>;

/** What a mark of a damage was judged against: the manifest, and the damaged disks as it describes them. */
export const judgedAgainst = (manifest: Manifest | null, disks: readonly number[]): NonNullable<Broken['judged']> => ({
  manifest: manifest?.checksum ?? null,
  disks: (manifest?.disks ?? []).filter(({ number }) => disks.includes(number)).map(factsOf),
});

const factsOf = ({ number, file_bytes, file_mtime_ns, envelope }: Manifest['disks'][number]) => ({
  number,
  file_bytes,
  file_mtime_ns,
  envelope: envelope ?? null,
});

/**
 * Whether a mark of a damage is about what is there now: a merge gives a restore point other files, and what was judged then was not
 * these. A mark that does not say what it was judged against counts always.
 */
export function stillCounts({ judged, disks }: Broken, manifest: Manifest): boolean {
  if (!judged || judged.manifest === null || judged.manifest === manifest.checksum) return true;
  if (disks.length === 0) return false;
  const now = manifest.disks.map((disk) => JSON.stringify(factsOf(disk)));
  return judged.disks.some((disk) => now.includes(JSON.stringify(disk)));
}

/** Without the mark of a damage that is about files which are not there any more. */
export async function currentMarks(root: string, context: string, backupId: string): Promise<Marks | null> {
  const marks = await readMarks(root, context, backupId);
  if (!marks?.broken?.judged) return marks;
  const manifest = await readManifest(join(root, manifestPath(context, backupId))).catch(() => null);
  return manifest === null || stillCounts(marks.broken, manifest) ? marks : { ...marks, broken: null };
}

/**
 * The marks of all restore points of a VM, as their files say; what has none is not in it.
 * @returns `unreadable`: by backup id, why a file of marks cannot be read
 * @throws NodeJS.ErrnoException where the folder cannot be listed
 */
export async function marksOfVm(
  root: string,
  context: string,
): Promise<{ readonly marks: ReadonlyMap<string, Marks>; readonly unreadable: ReadonlyMap<string, string> }> {
  const marks = new Map<string, Marks>();
  const unreadable = new Map<string, string>();
  for (const name of await readdir(join(root, context))) {
    if (!name.endsWith('.marks')) continue;
    const id = name.slice(0, -'.marks'.length);
    try {
      const found = await currentMarks(root, context, id);
      if (found) marks.set(id, found);
    } catch (error) {
      unreadable.set(id, (error as Error).message);
    }
  }
  return { marks, unreadable };
}
