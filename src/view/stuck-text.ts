import type { StatusOutput } from '../schemas/types.ts';
import { formatTime, plural } from './format.ts';

/** What a user reads of a VM whose restore points do not go although no rule keeps them. */
export const stuckText = ({
  repository,
  vm,
  points,
  reason,
  since,
}: NonNullable<StatusOutput['stuck_prunes']>[number]): string =>
  `retention of ${vm} in repository ${repository} has been stuck since ${formatTime(since)}: ${plural(points, 'restore point')} ${points === 1 ? 'stays' : 'stay'} although no rule keeps ${points === 1 ? 'it' : 'them'}: ${reason}`;
