import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning, thisPlace } from '../../host/programs/process-identity.ts';
import type { State } from '../../state/database/open-state.ts';
import { filesRun } from '../../state/runs/files-run.ts';
import { findRun, noteAsker } from '../../state/runs/runs.ts';
import type { CancelAnswer } from './acts.ts';

/**
 * As Ctrl-C at its terminal: it cleans up. The process of a plan's run looks in the database whether somebody wants that (`stop-asked.ts`):
 * a signal would be for all that it runs, such as the other VMs of a group, and a second one would end it at once.
 * @throws SendenseError `run.unknown`, `run.elsewhere`
 */
export function cancelRun(state: State, id: string, who: string): CancelAnswer {
  const run = findRun(state, id);
  if (!run) throw new SendenseError('run.unknown', `there is no run ${id}`);
  if (run.finished !== null) return 'ended';
  if (run.plan === filesRun && run.kind === 'care')
    throw new SendenseError(
      'run.elsewhere',
      `run ${id} is an open restore point, whose process has those of others too`,
      {
        remedy: 'Who opened it closes it: `sendense-run files close`, or DELETE /api/v1/restore/ID. Admins may, too.',
      },
    );
  const { owner, ownerPlace } = run;
  if (ownerPlace !== null && ownerPlace !== thisPlace())
    throw new SendenseError('run.elsewhere', `run ${id} goes on on another machine or in another container`);
  // One that was killed; `recover` cleans up after it.
  if (!isRunning(owner)) return 'ended';
  if (run.stoppedBy !== null) return 'asked';
  if (owner.pid === process.pid)
    throw new SendenseError('run.elsewhere', `run ${id} is one of the hub itself, and ends in a moment`, {
      remedy: 'Wait for its end. `systemctl restart sendense-hub` ends it with the hub.',
    });
  if (run.kind === 'care' && !hasSignalled(id, owner.pid, 0)) return 'ended';
  // Whoever is told to end says who wanted that.
  noteAsker(state, id, 'stopped_by', who);
  if (run.kind === 'care') hasSignalled(id, owner.pid, 'SIGTERM');
  return 'asked';
}

/** What a command does to a repository: its process does nothing else. @param name 0: only whether it could */
function hasSignalled(id: string, pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    throw new SendenseError('run.elsewhere', `run ${id} (process ${pid}) belongs to another user`, { cause });
  }
}
