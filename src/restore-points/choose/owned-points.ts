import { join } from 'node:path';
import { manifestPath } from '../../repository/layout.ts';
import { manifestIds } from '../../repository/manifest-ids.ts';
import { readManifest } from '../../repository/manifest.ts';
import { identityOf, type OwnedPoint } from '../../repository/vm-identity.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import { points } from '../../state/points/restore-points.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';
import { storedMarks } from '../hold/follow-marks.ts';

/**
 * The restore points under a name as the files of the repository say, oldest first: also those that the database has lost, or that
 * another hub has made. What a manifest says of a VM never changes, so one that the database knows is not read. A manifest that cannot
 * be read is left out: it tells nothing, and nothing of it is built upon or removed.
 */
export async function ownedPoints(state: State, root: string, vm: VmContext): Promise<OwnedPoint[]> {
  const known = new Map(points(state, vm).map((point) => [point.backup_id, point]));
  // A folder that cannot be listed says nothing against the database.
  const there = await manifestIds(root, vm.context).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? new Set<string>() : new Set(known.keys()),
  );
  if (there.size === 0) return [];
  const marks = await storedMarks(state, root, vm);
  const found: (OwnedPoint & { readonly sequence: number })[] = [];
  for (const id of there) {
    const point = known.get(id) ?? (await unknownPoint(root, vm.context, id));
    if (!point) continue;
    const { plan, disks, created, sequence } = point;
    const identity = identityOf(point.vm, marks.get(marksKey(vm.context, id)));
    const instanceUuid = point.vm.instance_uuid ?? null;
    found.push({ backupId: id, created, sequence, identity, instanceUuid, plan, kept: !!point.kept, disks });
  }
  return found.toSorted((a, b) => a.sequence - b.sequence || (a.backupId < b.backupId ? -1 : 1));
}

type Said = Pick<Manifest, 'vm' | 'plan' | 'disks' | 'kept'> & { readonly created: number; readonly sequence: number };

async function unknownPoint(root: string, context: string, id: string): Promise<Said | null> {
  const manifest = await readManifest(join(root, manifestPath(context, id))).catch(() => null);
  if (manifest?.backup_id !== id || manifest.vm.context !== context) return null;
  const created = Date.parse(manifest.created);
  return { ...manifest, created, sequence: manifest.sequence ?? created };
}
