import { releasePorts } from '../../state/runs/port-leases.ts';
import type { PortsReleaseInput, PortsReleaseOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';

export const portsRelease = defineStep<PortsReleaseInput, { runId: string }, PortsReleaseOutput>({
  uses: 'ports.release',
  title: 'Release the ports',
  claim: (_input, facts) => ({ runId: facts.runId }),
  plan: async (_context, input) => ({
    effects: (input.leases ?? []).map((lease) => ({
      action: 'remove',
      target: 'port lease',
      detail: `of ${lease.disk}`,
      argv: null,
    })),
    output: { released: input.leases?.length ?? 0 },
  }),
  run: async (context, _input, claim) => ({ released: releasePorts(context.services.state, claim.runId) }),
});
