import type { Endpoint, Forward, SshServer } from '../../host/ssh/tunnel.ts';
import type { HostAndPort } from '../../schemas/host-and-port.ts';
import type { Enrolment } from '../../schemas/types.ts';
import { reachable, type ListenAddress } from '../listen-address.ts';

const loopback = '127.0.0.1';
const onLoopback = (port: number): Endpoint => ({ host: loopback, port });

/** The NBD ports and the port of the hub's API; the same numbers on both sides. */
export function forwardedPorts({
  nbd_ports: { from, to },
  hub_api_port: api,
}: Pick<Enrolment, 'nbd_ports' | 'hub_api_port'>): number[] {
  return [...Array.from({ length: to - from + 1 }, (_, index) => from + index), api];
}

/** Here on loopback alone, there on loopback. */
export const localForwards = (enrolment: Enrolment): Forward[] =>
  forwardedPorts(enrolment).map((port) => ({ listen: onLoopback(port), connect: onLoopback(port) }));

/** The hub's way to the node's API. */
export const remoteForwards = (enrolment: Enrolment, api: ListenAddress): Forward[] => [
  { listen: onLoopback(enrolment.reverse_port), connect: reachable(api) },
];

/** Where the hub is, with the key pinned at the enrolment; `moved` is its address now, where that is another. */
export const serverOf = ({ hub }: Enrolment, moved: HostAndPort | undefined): SshServer => ({
  host: moved?.host ?? hub.host,
  port: moved?.port ?? hub.port,
  user: hub.user,
  hostKeys: [hub.host_key],
});
