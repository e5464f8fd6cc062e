import { SendenseError } from '../errors/sendense-error.ts';
import type { State } from '../state/database/open-state.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { knownBoot } from './claim.ts';
import { moveOf } from './boot-move.ts';

/**
 * A VM of which a restore point can be made: all that its guest wrote is in one file for each disk, on top of its restore point.
 * @throws SendenseError `boot.unknown`, `boot.failed`
 */
export function keepable(state: State, id: string): BootRow {
  const row = knownBoot(state, id);
  const refuse = (why: string, remedy: string): never => {
    throw new SendenseError('boot.failed', `${id} ${why}; nothing was kept`, { remedy });
  };
  const move = moveOf(row);
  if (row.state === 'moved')
    refuse(
      `has moved to ${move?.directory ?? 'another place'}, and has no restore point below it any more`,
      'Back up its disks there: a plan of kind `backup` with a source of type `image`.',
    );
  if (move !== null)
    refuse(
      `is moving to ${move.directory}`,
      'Wait for the end of `boot move`, then back up its disks there: a plan of kind `backup` with a source of type `image`.',
    );
  if (row.state !== 'up') refuse(`is ${row.state}`, '`sendense-run boot list` shows how it goes.');
  return row;
}
