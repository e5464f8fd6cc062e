import { hasEnded } from '../../host/programs/process-identity.ts';
import type { DaemonEntry } from '../../state/schedules/daemons.ts';

/** Whether a daemon that has not said that it ended still works, as far as anybody can say. */
export const isDaemonAlive = ({ owner, place }: DaemonEntry): boolean => !hasEnded(owner, place);
