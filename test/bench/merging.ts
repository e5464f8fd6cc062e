/** What `merge.ts` measures, in one bundle. */
export { readContext } from '../../src/repository/stored-files/read-context.ts';
export { openState } from '../../src/state/database/open-state.ts';
export { removePoints } from '../../src/restore-points/merge/remove-points.ts';
