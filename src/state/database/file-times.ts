import type { State } from './open-state.ts';
import type { PointKey } from '../points/restore-points.ts';

/** Notes that a disk's file has another modification time than at its commit, after its content was proven to be the same. */
export function recordFileTime(state: State, key: PointKey, number: number, mtimeNs: string): void {
  state.run(
    state.query
      .updateTable('backup_disks')
      .set({ file_mtime_ns: mtimeNs })
      .where('repository', '=', key.repository)
      .where('context', '=', key.context)
      .where('backup_id', '=', key.backupId)
      .where('number', '=', number),
  );
}
