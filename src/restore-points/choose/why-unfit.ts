import { join } from 'node:path';
import { exists } from '../../host/files/files.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { manifestPath } from '../../repository/layout.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksOf } from '../../state/points/point-marks.ts';
import { findPoint, points } from '../../state/points/restore-points.ts';
import { followMarks } from '../hold/follow-marks.ts';
import { brokenBelow } from '../verify/broken-points.ts';
import { chainVerdict } from './chain-verdict.ts';

interface Place {
  /** Name of the repository. */
  readonly repository: string;
  /** Its folder. */
  readonly root: string;
  readonly keys: ImageKeys;
}

/** Why a restore point cannot be restored (reads as a sentence after its name), as far as that is known without reading all of it; null: it can. */
export async function whyUnfit(
  state: State,
  { repository, root, keys }: Place,
  { context, backupId }: { readonly context: string; readonly backupId: string },
): Promise<string | null> {
  const vm = { repository, context };
  await followMarks(state, root, vm);
  const point = findPoint(state, { ...vm, backupId });
  if (!point) {
    // Another hub has made it, and this one has not read its manifest yet.
    const isThere = await exists(join(root, manifestPath(context, backupId)));
    return isThere ? null : `is not in the repository ${repository}`;
  }
  const broken = brokenBelow(point, points(state, vm), marksOf(state, vm));
  if (broken !== null) return `is broken: ${broken.reason}`;
  for (const disk of point.disks) {
    const found = await chainVerdict(state, root, point, disk.number, { key: keys.of(disk) });
    if (found.verdict === 'broken') return `is damaged: ${found.reason}`;
  }
  return null;
}
