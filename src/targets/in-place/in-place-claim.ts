import type { ClaimFacts, ToOf } from '../target-kind.ts';

/** Durable before anything is written: by it a VM is known as one that this run restores. */
export interface InPlaceClaim {
  /** Of sendense.yaml. */
  readonly source: string;
  readonly credential: string | null;
  readonly node: string;
  /** In the mark of the VM. */
  readonly run: string;
  /** At the node. */
  readonly job: string;
}

export const claimOf = (to: ToOf<'inPlace'>, { runId }: Pick<ClaimFacts, 'runId'>): InPlaceClaim => ({
  source: to.inPlace,
  credential: to.credential ?? null,
  node: to.node,
  run: runId,
  job: `${runId}-in-place`,
});
