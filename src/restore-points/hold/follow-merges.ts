import { join } from 'node:path';
import { manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { checksumOf } from '../../state/points/point-links.ts';
import { recordMerged } from '../../state/points/removed-points.ts';
import { findPoint, type PointKey, type RestorePoint } from '../../state/points/restore-points.ts';

/**
 * Whether a manifest is that of the restore point which the database knows, after another hub has merged it with what it was built
 * on: other files, made of the same run, that show the same disks.
 */
export const isMergedForm = (
  { run_id, disks, vm }: Pick<RestorePoint, 'run_id' | 'disks' | 'vm'>,
  manifest: Manifest,
): boolean =>
  manifest.run_id === run_id &&
  manifest.vm.context === vm.context &&
  manifest.disks.length === disks.length &&
  manifest.disks.every((disk) => {
    const known = disks.find(({ number }) => number === disk.number);
    return known?.uuid === disk.uuid && known.capacity_bytes === disk.capacity_bytes && known.digest === disk.digest;
  });

/** The database learns what another hub has made of these restore points. @returns whether it learnt anything */
export async function followMerges(state: State, root: string, keys: readonly PointKey[]): Promise<boolean> {
  let learnt = false;
  for (const key of keys) {
    if (checksumOf(state, key) === null) continue;
    const manifest = await readManifest(join(root, manifestPath(key.context, key.backupId))).catch(() => null);
    if (!manifest || manifest.checksum === checksumOf(state, key)) continue;
    const row = findPoint(state, key);
    if (!row || !isMergedForm(row, manifest)) continue;
    recordMerged(state, key, manifest);
    learnt = true;
  }
  return learnt;
}
