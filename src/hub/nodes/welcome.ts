import type { LinkWelcome } from '../../schemas/types.ts';
import { version } from '../../schemas/package.ts';
import { nodeAddress } from '../../state/nodes/node-address.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { HubPlaces } from './hub-places.ts';

/**
 * What a node is told of its ports, at its enrolment and at each connection.
 * @param data how it reaches its disks
 */
export const welcomeOf = (
  node: NodeRecord,
  places: Pick<HubPlaces, 'nbdPorts' | 'api'>,
  data: LinkWelcome['data'],
): LinkWelcome => ({
  version: 1,
  name: node.name,
  reverse_port: node.reversePort,
  nbd_address: nodeAddress(node.reversePort),
  nbd_ports: places.nbdPorts,
  hub_api_port: places.api.port,
  data,
  hub_version: version,
  time: Date.now(),
});
