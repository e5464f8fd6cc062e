import { SendenseError } from '../../errors/sendense-error.ts';
import { closeGate } from '../../host/nbd/gate/open-gate.ts';
import { terminateQemuNbd } from '../../host/nbd/qemu-nbd.ts';
import type { NbdStopInput, NbdStopOutput } from '../../schemas/types.ts';
import { socketOf } from './data-address.ts';
import { defineStep } from '../define-step.ts';

/** How long qemu-nbd may take to flush what it holds. */
const graceMs = 20 * 60_000;

export const nbdStop = defineStep<NbdStopInput, null, NbdStopOutput>({
  uses: 'nbd.stop',
  title: 'Stop qemu-nbd and flush',
  claim: () => null,
  plan: async (_context, input) => ({
    effects: [{ action: 'run', target: 'qemu-nbd', detail: 'SIGTERM to each; it flushes and ends', argv: null }],
    output: { stopped: input.servers.length },
  }),

  async run(context, input) {
    const outcomes = await Promise.all(
      input.servers.map((server) => terminateQemuNbd(server.process, { graceMs, signal: context.signal })),
    );
    // Their ports are free when their leases are given back.
    await Promise.all(input.servers.map(({ disk }) => closeGate(socketOf(context.runId, disk))));
    context.signal.throwIfAborted();
    for (const [index, server] of input.servers.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'killed')
        throw new SendenseError(
          'nbd.failed',
          `qemu-nbd of ${server.disk} did not end within ${graceMs / 60_000} min and was killed`,
        );
      if (outcome === 'gone')
        throw new SendenseError(
          'nbd.failed',
          `qemu-nbd of ${server.disk} ended too early; data that it held may be lost`,
        );
    }
    return { stopped: input.servers.length };
  },
});
