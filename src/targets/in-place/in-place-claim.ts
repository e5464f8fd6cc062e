import type { ClaimFacts, ToOf } from '../target-kind.ts';
import { nodeClaim, type NodeClaim } from '../vsphere/node-claim.ts';

/** By it a VM is known as one that this run restores. */
export interface InPlaceClaim extends NodeClaim {
  /** At the node. */
  readonly job: string;
}

export const claimOf = (to: ToOf<'inPlace'>, facts: Pick<ClaimFacts, 'runId'>): InPlaceClaim => ({
  ...nodeClaim(to.inPlace, to, facts),
  job: `${facts.runId}-in-place`,
});
