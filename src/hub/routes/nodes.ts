import type { NodesOutput } from '../../schemas/types.ts';
import { defineRoute } from './route.ts';

export const listNodes = defineRoute({
  id: 'listNodes',
  method: 'GET',
  path: '/api/v1/nodes',
  tag: 'nodes',
  summary: 'All nodes that were added on this hub',
  right: 'look',
  description: 'The same as `sendense-run node list --json`.',
  answers: { 200: { description: 'The nodes, without keys and tokens.', schema: 'output/nodes.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts }): Promise<NodesOutput> => parts.hub.nodes.list(),
});
