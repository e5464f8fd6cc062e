/** What `merge.ts` measures, in one bundle. */
export { readContext } from '../../src/repository/care/read-context.ts';
export { openState } from '../../src/state/open-state.ts';
export { removePoints } from '../../src/restore-points/merge/remove-points.ts';
