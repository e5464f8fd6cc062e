import type { JournalledRun } from '../../engine/journal.ts';
import { pidNamespace } from '../../host/programs/process-identity.ts';
import { forgetShown, hasEnded, showAlive, type NamedProcess } from '../../host/files/alive-folder.ts';

/** Whether the processes of runs live that cannot be looked for: those of other containers that share the state database. */
export interface OwnersElsewhere {
  /** This process shows to those of other containers that it lives. */
  show(): Promise<AsyncDisposable>;
  /** Null: nobody knows. */
  hasEnded(run: JournalledRun): Promise<boolean | null>;
  /** Its run is cleaned up. */
  forget(run: JournalledRun): Promise<void>;
}

/** @param rescuing the database is that of one rescue, and is opened by others only once its process has died */
export function ownersElsewhere(statePath: string, rescuing: boolean): OwnersElsewhere {
  const parent = `${statePath}.alive`;
  return {
    show: () => showAlive(parent),
    hasEnded: async (run) => rescuing || hasEnded(parent, nameOf(run)),
    forget: (run) => forgetShown(parent, nameOf(run)),
  };
}

const nameOf = ({ owner, unseenIn }: JournalledRun): NamedProcess => ({
  pid: owner.pid,
  namespace: unseenIn ?? pidNamespace(),
});
