import { setTimeout as delay } from 'node:timers/promises';
import { toSendenseError, type SendenseError } from '../../errors/sendense-error.ts';
import { dataConnections } from '../../host/net/loopback-addresses.ts';
import { isInstalled } from '../../host/programs/bound-words.ts';
import type { Forward, TunnelOptions } from '../../host/ssh/tunnel.ts';
import type { LinkRequest } from '../../schemas/types.ts';
import { openDataLink, probeAll, probeOne, type Carriers, type DataLinkOptions } from './data-link.ts';
import { ticketOffice, type TicketOffice } from './data-tickets.ts';
import type { DataTunnels } from './data-tunnels.ts';
import { diskForwards } from './link-forwards.ts';

/** How the disks at the hub are reached: by connections of their own, or by the link with everything else. */
export interface DiskWay extends AsyncDisposable {
  /** What the link has to forward for it. */
  readonly local: readonly Forward[];
  /** The link has been greeted by the hub, or has broken. */
  linkIs(up: boolean): void;
  /** Takes a line of the link's session; false where it is about something else. */
  take(line: string): boolean;
}

export interface DiskWayOptions extends Omit<DataLinkOptions, 'tickets' | 'onGivenUp'> {
  readonly program: NonNullable<TunnelOptions['program']>;
  /** When to try again whether more connections can be made, ms. */
  readonly retryMs: number;
  /** As many of these are to be used from now on. */
  readonly onOther: (carriers: Carriers) => void;
}

/** As long as nothing is in the way. */
export const allCarriers: Carriers = { connections: dataConnections, why: null };

/**
 * Connections of their own where the hub offers them and ssh is there. Where some of those cannot be made, one; and where that
 * cannot be made, the link. What is in the way may go away: that is tried now and then.
 */
export function openDiskWay(options: DiskWayOptions): DiskWay {
  const { enrolment, program, carriers } = options;
  const tickets = ticketOffice(options);
  const can = enrolment.data === 'connection' && program !== 'ssh2' && isInstalled('ssh');
  const onGivenUp = (fewer: Carriers, error: SendenseError): void => {
    const way = fewer.connections > 0 ? 'with one connection' : 'with the link';
    options.log('warn', `the disks go ${way}: ${error.message}`, { code: error.code });
    options.onOther(fewer);
  };
  const byLink = !can || carriers.connections === 0;
  const data = byLink ? null : openDataLink({ ...options, tickets, onGivenUp });
  const ended = new AbortController();
  const trying =
    can && carriers.connections < dataConnections
      ? keepTrying({ ...options, tickets }, ended.signal).catch(() => {})
      : null;
  const show = (): void => {
    const state = tickets.isOpen() ? 'up' : 'connecting';
    if (byLink) options.onState({ way: 'tunnel', state, error: carriers.why, connections: 1 });
  };
  show();
  return {
    local: byLink ? diskForwards(enrolment) : [],
    take: tickets.take,
    linkIs: (up) => {
      tickets.open(up);
      // A hub that offers another way wants to know.
      if (byLink && up && enrolment.data === 'connection')
        options.say(JSON.stringify({ data: 'builtin' } satisfies LinkRequest));
      show();
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await Promise.all([trying, data?.[Symbol.asyncDispose]()]);
    },
  };
}

/** Until more connections could be made than there are, or the signal aborts. */
async function keepTrying(
  options: DiskWayOptions & { readonly tickets: TicketOffice },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await delay(options.retryMs, undefined, { signal });
    if (!options.tickets.isOpen()) continue;
    const why = await failureOf(probeAll(options), signal);
    signal.throwIfAborted();
    if (why === null) {
      options.log('info', 'the disks go by all connections of their own again');
      return options.onOther(allCarriers);
    }
    if (options.carriers.connections === 0 && (await failureOf(probeOne(options), signal)) === null) {
      options.log('info', `the disks go by one connection of their own again, not by all: ${why.message}`);
      return options.onOther({ connections: 1, why: why.message });
    }
    options.log('info', `the disks go as before: ${why.message}`);
  }
}

/** Why these are not made; null where they are. They are gone then. */
async function failureOf(probe: DataTunnels, signal: AbortSignal): Promise<SendenseError | null> {
  await using _probe = probe;
  return await probe.ready(AbortSignal.any([signal, AbortSignal.timeout(60_000)])).then(() => null, toSendenseError);
}
