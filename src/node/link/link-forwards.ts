import type { Endpoint, Forward, SshServer } from '../../host/ssh/tunnel.ts';
import type { HostAndPort } from '../../schemas/host-and-port.ts';
import type { Enrolment } from '../../schemas/types.ts';
import { reachable, type ListenAddress } from '../listen-address.ts';

const loopback = '127.0.0.1';
const usual = (port: number): Endpoint => ({ host: loopback, port });

/** Whether it is at 127.0.0.1, which is all that a program has to know that knows nothing of several connections. */
export const onLoopback = (endpoint: Endpoint): boolean => 'port' in endpoint && endpoint.host === loopback;

const portsOf = ({ nbd_ports: { from, to } }: Pick<Enrolment, 'nbd_ports'>): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The NBD ports and the port of the hub's API; the same numbers on both sides. */
export const forwardedPorts = (enrolment: Pick<Enrolment, 'nbd_ports' | 'hub_api_port'>): number[] => [
  ...portsOf(enrolment),
  enrolment.hub_api_port,
];

/** Here on loopback alone; there at the address of this node. */
export const diskForwards = (enrolment: Enrolment): Forward[] =>
  portsOf(enrolment).map((port) => ({ listen: usual(port), connect: { host: nbdHost(enrolment), port } }));

/** Here and there on loopback. */
export const apiForward = ({ hub_api_port: port }: Pick<Enrolment, 'hub_api_port'>): Forward => ({
  listen: usual(port),
  connect: usual(port),
});

/** Where the disks for this node are at the hub. */
export const nbdHost = ({ nbd_address: address }: Pick<Enrolment, 'nbd_address'>): string => address ?? loopback;

/** The hub's way to the node's API. */
export const remoteForwards = (enrolment: Enrolment, api: ListenAddress): Forward[] => [
  { listen: usual(enrolment.reverse_port), connect: reachable(api) },
];

/** Where the hub is, with the key pinned at the enrolment; `moved` is its address now, where that is another. */
export const serverOf = ({ hub }: Enrolment, moved: HostAndPort | undefined): SshServer => ({
  host: moved?.host ?? hub.host,
  port: moved?.port ?? hub.port,
  user: hub.user,
  hostKeys: [hub.host_key],
});
