import type { SendenseError } from '../../errors/sendense-error.ts';
import { dataConnections } from '../../host/net/loopback-addresses.ts';
import type { Enrolment, LinkRequest, LinkStatus } from '../../schemas/types.ts';
import {
  openDataTunnels,
  sharesOf,
  type DataState,
  type DataTunnels,
  type DataTunnelsOptions,
  type Share,
} from './data-tunnels.ts';
import { diskForwards, onLoopback } from './link-forwards.ts';

/** How many connections carry the disks, 0: the link does; and why it is not as many as they might be. */
export interface Carriers {
  readonly connections: number;
  readonly why: string | null;
}

export interface DataLinkOptions extends Omit<DataTunnelsOptions, 'shares' | 'onState'> {
  readonly enrolment: Enrolment;
  readonly carriers: Carriers;
  /** Writes a line into the link's session. */
  readonly say: (line: string) => void;
  readonly onState: (state: LinkStatus['data']) => void;
  /** One of them could not be made so often, while the link was up, that fewer had better do it; once. */
  readonly onGivenUp: (fewer: Carriers, error: SendenseError) => void;
}

/** Attempts in a row until it is given up. */
const mostFailures = 3;

/** The connections that carry the disks beside the link, which gives them their tickets. They keep themselves up, until this is disposed of. */
export function openDataLink(options: DataLinkOptions): AsyncDisposable {
  const { enrolment, carriers, say, onState, onGivenUp, ...common } = options;
  const { connections, why } = carriers;
  let isGivenUp = false;
  const show = (state: LinkStatus['data']['state'], error: string | null): void =>
    onState({ way: 'connection', state, error, connections });
  const changed = (now: DataState): void => {
    if (now.state === 'connecting') return show('connecting', why);
    if (now.state === 'up') {
      show('up', why);
      return say(JSON.stringify({ data: 'sshd' } satisfies LinkRequest));
    }
    const { error, failures, others } = now;
    show('down', error.message);
    const hopeless = error.entry.retry === 'never' || error.details?.['place'] !== undefined;
    if (isGivenUp || (failures < mostFailures && !hopeless)) return;
    isGivenUp = true;
    onGivenUp({ connections: others > 0 ? 1 : 0, why: error.message }, error);
  };
  show('connecting', why);
  const shares = sharesOf(diskForwards(enrolment), connections);
  return openDataTunnels({ ...common, shares, onState: changed });
}

export type DataProbeOptions = Omit<DataLinkOptions, 'onState' | 'onGivenUp'>;

/** Connections to see whether all of them can be made, while one, or the link, carries the disks; they listen wherever that does not. */
export function probeAll(options: DataProbeOptions): DataTunnels {
  const { enrolment, carriers } = options;
  const shares = sharesOf(diskForwards(enrolment), dataConnections).map(({ slot, local }) => ({
    slot,
    local: local.filter(({ listen }) => !onLoopback(listen)),
  }));
  // A slot that is in use stays as it is; whether its ports are free is seen by another one.
  const [busy, free] = [shares.slice(0, carriers.connections), shares.slice(carriers.connections)];
  const [first, ...others] = free;
  const all = first ? [{ ...first, local: [...first.local, ...busy.flatMap(({ local }) => local)] }, ...others] : [];
  return probe(options, all);
}

/** One connection to see whether it can be made, while the link carries the disks. */
export const probeOne = (options: DataProbeOptions): DataTunnels => probe(options, [{ slot: 0, local: [] }]);

const probe = ({ tickets, server, keyFile, folder, log }: DataProbeOptions, shares: readonly Share[]): DataTunnels =>
  openDataTunnels({ tickets, server, keyFile, folder, log, shares });
