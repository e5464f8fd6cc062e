import type { SendenseError } from '../../errors/sendense-error.ts';
import { openTunnel, type SshServer, type TunnelOptions, type TunnelState } from '../../host/ssh/tunnel.ts';
import type { Enrolment, LinkStatus } from '../../schemas/types.ts';
import { ticketOffice, type TicketOffice } from './data-tickets.ts';
import { diskForwards } from './link-forwards.ts';

/** The connection that carries the disks beside the link, which gives it its tickets. It keeps itself up, until it is disposed of. */
export interface DataLink extends AsyncDisposable {
  /** The link has been greeted by the hub, or has broken. */
  linkIs(up: boolean): void;
  /** Takes a line of the link's session; false where it is about something else. */
  take(line: string): boolean;
}

export interface DataLinkOptions {
  readonly enrolment: Enrolment;
  readonly server: SshServer;
  readonly keyFile: string;
  readonly folder: string;
  /** Writes a line into the link's session. */
  readonly say: (line: string) => void;
  readonly onState: (state: LinkStatus['data']) => void;
  /** It could not be made so often, while the link was up, that the disks had better go with the link. */
  readonly onGivenUp: (error: SendenseError) => void;
  readonly log: NonNullable<TunnelOptions['log']>;
}

/** Attempts in a row until it is given up. */
const mostFailures = 3;

export function openDataLink(options: DataLinkOptions): DataLink {
  const { enrolment, say, onState } = options;
  const tickets = ticketOffice(options);
  let failures = 0;
  let up = false;
  const changed = (state: TunnelState): void => {
    if (state.state === 'connecting') return onState({ way: 'connection', state: 'connecting', error: null });
    if (state.state === 'up') {
      up = true;
      failures = 0;
      say(JSON.stringify({ data: 'sshd' }));
      return onState({ way: 'connection', state: 'up', error: null });
    }
    const { error } = state;
    onState({ way: 'connection', state: 'down', error: error.message });
    if (!up && tickets.isOpen()) failures++;
    up = false;
    const hopeless = error.entry.retry === 'never' || error.details?.['place'] !== undefined;
    if (failures >= mostFailures || hopeless) options.onGivenUp(error);
  };
  onState({ way: 'connection', state: 'connecting', error: null });
  const tunnel = openTunnel({ ...tunnelOptions(options, tickets), local: diskForwards(enrolment), onState: changed });
  return {
    linkIs: tickets.open,
    take: tickets.take,
    [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
  };
}

/** A connection to see whether it can be made: it carries nothing. */
export interface DataProbe extends Omit<DataLink, 'linkIs'> {
  /** @throws SendenseError why it cannot be made; on abort the signal's reason */
  ready(signal: AbortSignal): Promise<void>;
}

/** While the link is up. */
export function probeData(options: Omit<DataLinkOptions, 'onState' | 'onGivenUp'>): DataProbe {
  const tickets = ticketOffice(options);
  tickets.open(true);
  const tunnel = openTunnel({ ...tunnelOptions(options, tickets), local: [] });
  return {
    take: tickets.take,
    ready: (signal) => tunnel.ready(signal),
    [Symbol.asyncDispose]: tunnel[Symbol.asyncDispose],
  };
}

type Common = Pick<DataLinkOptions, 'server' | 'keyFile' | 'folder' | 'say' | 'log'>;

const tunnelOptions = (
  { server, keyFile, folder, log }: Common,
  { dial }: TicketOffice,
): Omit<TunnelOptions, 'local'> => ({
  server,
  keyFile,
  folder,
  remote: [],
  dial,
  log: (level, message, facts) => log(level, `disks: ${message}`, facts),
});
