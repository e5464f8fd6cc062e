import type { ClaimFacts, ToOf } from '../target-kind.ts';
import { jobsClaim, type JobsClaim } from '../vsphere/vsphere-claim.ts';

/** By it the disks are found that were not attached. */
export type AttachClaim = JobsClaim;

export const claimOf = (to: ToOf<'attach'>, facts: ClaimFacts): AttachClaim => jobsClaim(to.attach, to, facts);
