import { parseDuration } from '../../time/duration.ts';
import { portUsers } from '../../host/net/port-holder.ts';
import { isPortFree } from '../../host/net/port-probe.ts';
import { allocatePorts, listLeases, releasePorts } from '../../state/runs/port-leases.ts';
import type { PortsAllocateInput, PortsAllocateOutput } from '../../schemas/types.ts';
import { dataAddressOf, loopback, type DataAddress } from '../nbd/data-address.ts';
import { waitFor } from './wait-for.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';

interface Claim {
  readonly runId: string;
  readonly stepId: string;
}

export const portsAllocate = defineStep<PortsAllocateInput, Claim, PortsAllocateOutput>({
  uses: 'ports.allocate',
  title: 'Allocate NBD ports',
  claim: (_input, facts) => ({ runId: facts.runId, stepId: facts.stepId }),

  async plan({ services }, input) {
    if (placeFor(services, input).kind === 'unix') return { effects: [], notes: [noPorts], output: { leases: [] } };
    const { from, to } = services.settings.ports;
    const taken = listLeases(services.state).filter(({ port }) => port >= from && port <= to).length;
    return {
      effects: [
        {
          action: 'lease',
          target: `${input.disks.length} of ports ${from}-${to}`,
          detail: `${taken} of ${to - from + 1} are leased now`,
          argv: null,
        },
      ],
      unknown: ['which ports: decided when they are leased'],
      output: { leases: input.disks.map(({ disk }, index) => ({ disk, port: from + index })) },
    };
  },

  async run(context, input, claim) {
    const place = placeFor(context.services, input);
    if (place.kind === 'unix') return { leases: [] };
    const { listen } = place;
    const { from, to, wait } = context.services.settings.ports;
    // A second attempt with the same claim starts from nothing.
    releasePorts(context.services.state, claim.runId, claim.stepId);
    const allocate = (): Promise<number[]> =>
      allocatePorts(context.services.state, {
        count: input.disks.length,
        from,
        to,
        owner: claim,
        isFree: (port) => isPortFree(port, listen),
        holders: (ports) => portUsers(ports, listen),
      });
    // What never fits is not waited for.
    const waitMs = input.disks.length > to - from + 1 ? 0 : parseDuration(input.wait ?? wait);
    const more = { signal: context.signal, onWait: (message: string) => context.log(message) };
    // Runs give their ports back. What another user holds is held for as long as they like: only a program that ends at this moment is waited for.
    const outlastOthers = (): Promise<number[]> =>
      waitFor(allocate, { code: 'ports.taken', waitMs: Math.min(waitMs, momentMs), ...more });
    const ports = await waitFor(outlastOthers, { code: 'ports.exhausted', waitMs, ...more });
    // Before files and snapshots are made: a program on the node may hold one of them.
    await context.services.checkPorts(input.node ?? 'local', ports, context.signal);
    return { leases: input.disks.map(({ disk }, index) => ({ disk, port: ports[index] ?? 0 })) };
  },

  async undo({ services }, claim) {
    releasePorts(services.state, claim.runId, claim.stepId);
  },
});

const momentMs = 2000;

const noPorts = 'the disks are served at Unix sockets that this user alone can open: no port is needed';

/** Where nothing is said of the node it is the loopback address. */
const placeFor = (services: Services, { node }: Pick<PortsAllocateInput, 'node'>): DataAddress =>
  node === undefined ? loopback : dataAddressOf(services, node);
