import type { LinkWelcome } from '../../schemas/types.ts';
import { version } from '../../schemas/package.ts';
import type { NodeRecord } from '../../state/nodes.ts';
import type { HubPlaces } from './hub-places.ts';

/** What a node is told of its ports, at its enrolment and at each connection. */
export const welcomeOf = (node: NodeRecord, places: Pick<HubPlaces, 'nbdPorts' | 'api'>): LinkWelcome => ({
  version: 1,
  name: node.name,
  reverse_port: node.reversePort,
  nbd_ports: places.nbdPorts,
  hub_api_port: places.api.port,
  hub_version: version,
  time: Date.now(),
});
