import { dirname, join } from 'node:path';
import { fsyncFolder } from '../../host/files/files.ts';
import { lift } from '../../repository/stored-files/immutable.ts';
import { filesOfPoint } from '../../repository/stored-files/settle-immutable.ts';
import { removeEmptyFolders } from '../../repository/stored-files/trash.ts';
import { diskFolder, manifestPath } from '../../repository/layout.ts';
import { marksPath } from '../../repository/marks.ts';
import { assertHeld, removeFile } from '../../repository/vm-lock/fenced.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import { followMarks } from '../../restore-points/hold/follow-marks.ts';
import { holdMarks } from '../../restore-points/hold/hold-marks.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { releaseUse, usersOf } from '../../state/points/point-uses.ts';
import { deletePoint, type PointKey } from '../../state/points/restore-points.ts';
import { setMarks } from '../../state/points/point-marks.ts';

/**
 * Removes restore points that are safe in another repository, newest first, as far as nothing that stays is built on them
 * and no run reads them and no VM runs from them, at whatever hub. A restore point is forgotten before its manifest goes, and its manifest goes before its files: what
 * a kill leaves is found by `check` as not known, or by `repo gc`.
 * @param chosen parents first
 * @returns why each that stays does, by backup id
 */
export async function removeCopied(
  state: State,
  vm: {
    readonly repository: string;
    readonly root: string;
    readonly context: string;
    /** The VM's lock there. */
    readonly hold: VmHold;
    /** Who copied them, and says that it reads them. */
    readonly runId: string;
  },
  chosen: readonly Manifest[],
  all: ReadonlyMap<string, Manifest>,
): Promise<Map<string, string>> {
  const { repository, root, context, hold, runId } = vm;
  const kept = new Map<string, string>();
  const left = new Map(all);
  for (const manifest of chosen.toReversed()) {
    const id = manifest.backup_id;
    const child = [...left.values()].find(({ disks }) => disks.some(({ parent }) => parent === id));
    if (child) {
      kept.set(id, `${child.backup_id} is built on it`);
      continue;
    }
    await assertHeld(hold);
    // What any hub starts from it is in its marks by now, or finds it gone.
    await using _marks = await holdMarks(state, { root, context });
    await followMarks(state, root, { repository, context });
    const reader = forget(state, runId, { repository, context, backupId: id });
    if (reader !== undefined) {
      kept.set(id, `${reader} it`);
      continue;
    }
    await removeFiles(hold, root, manifest);
    left.delete(id);
  }
  return kept;
}

/** Who else reads it, in words; undefined: nobody does, and nobody can begin to. */
const forget = (state: State, runId: string, key: PointKey): string | undefined =>
  state.transaction(() => {
    releaseUse(state, runId, key);
    const reader = usersOf(state, key).get(key.backupId);
    if (reader === undefined) {
      setMarks(state, key, null);
      deletePoint(state, key);
    }
    return reader;
  });

async function removeFiles(hold: VmHold, root: string, manifest: Manifest): Promise<void> {
  const { backup_id: id, disks } = manifest;
  const { context } = manifest.vm;
  const files = [...filesOfPoint({ ...manifest, created: 0 }), marksPath(context, id)].map((path) => join(root, path));
  await lift(files);
  const path = join(root, manifestPath(context, id));
  await removeFile(hold, path);
  await fsyncFolder(dirname(path));
  for (const file of files) await removeFile(hold, file);
  for (const { number } of disks) await removeEmptyFolders(root, diskFolder(context, number));
}
