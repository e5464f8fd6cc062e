import { writeMarksNow, type Marks, type MarksChange } from '../repository/marks.ts';
import type { State } from '../state/open-state.ts';
import { setMarks } from '../state/point-marks.ts';
import type { PointKey } from '../state/restore-points.ts';

/**
 * Changes marks of a restore point, in the repository at `root` and in the database; two processes at once wait for each
 * other. @throws SendenseError `state.unusable`, or what the file system says
 */
export const changeMarks = (state: State, root: string, key: PointKey, change: MarksChange): Marks =>
  state.transaction(() => {
    const marks = writeMarksNow(root, key.context, key.backupId, change);
    setMarks(state, key, marks);
    return marks;
  });
