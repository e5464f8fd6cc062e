import { isDeepStrictEqual } from 'node:util';
import type { Enrolment, LinkWelcome } from '../../schemas/types.ts';

/** The enrolment as the hub describes it now. */
export const withWelcome = (enrolment: Enrolment, welcome: LinkWelcome): Enrolment => ({
  ...enrolment,
  name: welcome.name,
  reverse_port: welcome.reverse_port,
  nbd_address: welcome.nbd_address,
  nbd_ports: welcome.nbd_ports,
  hub_api_port: welcome.hub_api_port,
  data: welcome.data,
  hub_version: welcome.hub_version,
});

type Ports = Pick<Enrolment, 'reverse_port' | 'nbd_address' | 'nbd_ports' | 'hub_api_port' | 'data'>;
/** What the tunnel is made of. */
export const portsOf = ({ reverse_port, nbd_address, nbd_ports, hub_api_port, data }: Ports): Ports => ({
  reverse_port,
  nbd_address,
  nbd_ports,
  hub_api_port,
  data,
});
export const samePorts = (a: Enrolment, b: Enrolment): boolean => isDeepStrictEqual(portsOf(a), portsOf(b));
