import type { ClaimFacts, ToOf } from '../target-kind.ts';
import { nodeClaim, type NodeClaim } from './node-claim.ts';

/** By it a VM is found whose disks were not finished. */
export interface JobsClaim extends NodeClaim {
  /** Jobs at the node: one writes, the other one compares. */
  readonly jobs: { readonly write: string; readonly compare: string };
  /** What is copied whole is kept. */
  readonly resume: boolean;
}

export interface VsphereClaim extends JobsClaim {
  /** Null: the name that was saved. */
  readonly name: string | null;
}

export const jobsClaim = (
  source: string,
  to: { readonly credential?: string; readonly node: string; readonly resume: boolean },
  facts: ClaimFacts,
): JobsClaim => ({
  ...nodeClaim(source, to, facts),
  jobs: { write: `${facts.runId}-${facts.stepId}`, compare: compareJob(facts.runId) },
  resume: to.resume,
});

export const claimOf = (to: ToOf<'vsphere'>, facts: ClaimFacts): VsphereClaim => ({
  ...jobsClaim(to.vsphere, to, facts),
  name: to.name ?? null,
});

export const compareJob = (runId: string): string => `${runId}-compare`;
