import type { SendenseError } from '../../errors/sendense-error.ts';
import { loopbackAddresses } from '../../host/net/loopback-addresses.ts';
import { openTunnel, type Forward, type Tunnel, type TunnelOptions, type TunnelState } from '../../host/ssh/tunnel.ts';
import type { TicketOffice } from './data-tickets.ts';

/** Several SSH connections for the disks: one TCP connection does not fill a long line, and one process not two cores. */
export interface DataTunnels extends AsyncDisposable {
  /** Resolves when all of them are up. @throws as that of a tunnel */
  ready(signal?: AbortSignal): Promise<void>;
}

/** `up`: all of them are. `down`: one of them broke, or could not be made. */
export type DataState =
  | { readonly state: 'connecting' }
  | { readonly state: 'up' }
  | {
      readonly state: 'down';
      readonly error: SendenseError;
      /** How often in a row this one could not be made while the link was up. */
      readonly failures: number;
      /** How many of the others have not failed since they were up, or since the beginning. */
      readonly others: number;
    };

/** What one of the connections does. */
export interface Share {
  /** By this number the hub knows the connection; a new one ends the one before. From 0 on. */
  readonly slot: number;
  readonly local: readonly Forward[];
}

export interface DataTunnelsOptions extends Pick<TunnelOptions, 'server' | 'keyFile' | 'folder'> {
  readonly tickets: TicketOffice;
  readonly shares: readonly Share[];
  readonly onState?: (state: DataState) => void;
  readonly log: NonNullable<TunnelOptions['log']>;
}

export function openDataTunnels({ tickets, shares, onState, ...options }: DataTunnelsOptions): DataTunnels {
  const { server, keyFile, folder } = options;
  const each = shares.map(() => ({ state: 'connecting' as TunnelState['state'], failures: 0, wasUp: false }));
  const changed = (index: number, now: TunnelState): void => {
    const one = each[index];
    if (one === undefined) return;
    one.state = now.state;
    if (now.state === 'down') {
      if (!one.wasUp && tickets.isOpen()) one.failures++;
      one.wasUp = false;
      const others = each.filter((other) => other !== one && other.failures === 0).length;
      return onState?.({ state: 'down', error: now.error, failures: one.failures, others });
    }
    if (now.state === 'up') [one.wasUp, one.failures] = [true, 0];
    const states = new Set(each.map(({ state }) => state));
    if (states.size === 1 && states.has('up')) onState?.({ state: 'up' });
    else if (!states.has('down')) onState?.({ state: 'connecting' });
  };
  const tunnels = shares.map(({ slot, local }, index): Tunnel => {
    const name = shares.length === 1 ? 'disks' : `disks, connection ${index + 1} of ${shares.length}`;
    return openTunnel({
      server,
      keyFile,
      folder,
      local,
      remote: [],
      dial: (signal) => tickets.dial(slot, signal),
      onState: (state) => changed(index, state),
      log: (level, message, facts) => options.log(level, `${name}: ${message}`, facts),
    });
  });
  return {
    ready: async (signal) => void (await Promise.all(tunnels.map((tunnel) => tunnel.ready(signal)))),
    [Symbol.asyncDispose]: async () => void (await Promise.all(tunnels.map((tunnel) => tunnel[Symbol.asyncDispose]()))),
  };
}

/**
 * How several connections share what is to be forwarded. Each port goes through all of them: at 127.0.0.1 through one, which is
 * another one for the next port, and at further loopback addresses through the others. Who knows one address has one
 * connection for each disk; who knows all of them can have all for one disk.
 */
export function sharesOf(local: readonly Forward[], connections: number): Share[] {
  const hosts = loopbackAddresses(connections);
  return hosts.map((_, slot) => ({
    slot,
    local: local.map((forward) => {
      if (!('port' in forward.listen)) return forward;
      const { port } = forward.listen;
      const nth = (slot - (port % connections) + connections) % connections;
      return { ...forward, listen: { host: hosts[nth] ?? forward.listen.host, port } };
    }),
  }));
}
