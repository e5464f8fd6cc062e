import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning, thisPlace } from '../../host/programs/process-identity.ts';
import type { State } from '../../state/database/open-state.ts';
import { findRun, noteAsker } from '../../state/runs/runs.ts';
import type { CancelAnswer } from './acts.ts';

/** As Ctrl-C at its terminal: it cleans up. @throws SendenseError `run.unknown`, `run.elsewhere` */
export function cancelRun(state: State, id: string, who: string): CancelAnswer {
  const run = findRun(state, id);
  if (!run) throw new SendenseError('run.unknown', `there is no run ${id}`);
  if (run.finished !== null) return 'ended';
  const { owner, ownerPlace } = run;
  if (ownerPlace !== null && ownerPlace !== thisPlace())
    throw new SendenseError('run.elsewhere', `run ${id} goes on on another machine or in another container`);
  // One that was killed; `recover` cleans up after it.
  if (!isRunning(owner)) return 'ended';
  try {
    process.kill(owner.pid, 'SIGTERM');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ESRCH') return 'ended';
    throw new SendenseError('run.elsewhere', `run ${id} (process ${owner.pid}) belongs to another user`, { cause });
  }
  noteAsker(state, id, 'stopped_by', who);
  return 'asked';
}
