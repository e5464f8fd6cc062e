/** Removes restore points as a program of its own, to be killed: `merge-child.ts FOLDER ID…` */
import { join } from 'node:path';
import { openState } from '../../../src/state/database/open-state.ts';
import { removePoints } from '../../../src/restore-points/merge/remove-points.ts';

const [folder = '', ...remove] = process.argv.slice(2);
using state = openState(join(folder, 'state', 'sendense.db'));
const result = await removePoints(state, {
  repository: 'primary',
  root: join(folder, 'repository'),
  context: 'vm',
  remove,
});
process.stdout.write(JSON.stringify(result));
