import type { ClaimFacts, ToOf } from '../target-kind.ts';

/** Durable before anything is made: by it a VM is found that was not finished. */
export interface VsphereClaim {
  /** Of sendense.yaml. */
  readonly source: string;
  readonly credential: string | null;
  readonly node: string;
  /** In the mark of the VM. */
  readonly run: string;
  /** Null: the name that was saved. */
  readonly name: string | null;
  /** Jobs at the node: one writes, the other one compares. */
  readonly jobs: { readonly write: string; readonly compare: string };
  /** What is copied whole is kept. */
  readonly resume: boolean;
}

export const claimOf = (to: ToOf<'vsphere'>, { runId, stepId }: ClaimFacts): VsphereClaim => ({
  source: to.vsphere,
  credential: to.credential ?? null,
  node: to.node,
  run: runId,
  name: to.name ?? null,
  jobs: { write: `${runId}-${stepId}`, compare: compareJob(runId) },
  resume: to.resume,
});

export const compareJob = (runId: string): string => `${runId}-compare`;
