import type { ClaimFacts } from '../target-kind.ts';

/** Durable before anything is made: by it a VM is known as one that this run works on. */
export interface NodeClaim {
  /** Of sendense.yaml. */
  readonly source: string;
  readonly credential: string | null;
  readonly node: string;
  /** In the mark of the VM. */
  readonly run: string;
}

export const nodeClaim = (
  source: string,
  { credential = null, node }: { readonly credential?: string | null; readonly node: string },
  { runId: run }: Pick<ClaimFacts, 'runId'>,
): NodeClaim => ({ source, credential, node, run });
