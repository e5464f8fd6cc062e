import { writeMarks, type Marks, type MarksChange } from '../../repository/marks.ts';
import type { State } from '../../state/database/open-state.ts';
import { setMarks } from '../../state/points/point-marks.ts';
import type { PointKey } from '../../state/points/restore-points.ts';
import { holdMarks } from './hold-marks.ts';

/**
 * Changes marks of a restore point, in the repository at `root` and in the database. Two at once wait for each other, also those of two
 * hubs; while it is done, no restore point of the VM goes.
 * @param assertWanted asked before anything is changed
 * @throws SendenseError `run.locked`, `run.overtaken`, `state.unusable`, or what the file system says
 */
export async function changeMarks(
  state: State,
  root: string,
  key: PointKey,
  change: MarksChange,
  assertWanted: () => void = () => {},
): Promise<Marks> {
  await using hold = await holdMarks(state, { root, context: key.context });
  assertWanted();
  return state.transaction(() => {
    const marks = writeMarks(hold, key.backupId, change);
    setMarks(state, key, marks);
    return marks;
  });
}
