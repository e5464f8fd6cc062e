import type {
  DoctorOutput,
  HubNodeAdd,
  HubNodeRename,
  HubNodeToken,
  NodeAddedOutput,
  NodesOutput,
} from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';

const hourMs = 3_600_000;
const name = { name: { description: 'Name of the node.', logAs: 'node' } } as const;
const shown = { 200: { description: 'The node.', schema: 'output/nodes.json' } } as const;
const common = { tag: 'nodes', right: 'administer', vms: 'none' } as const;

export const addNode = defineRoute<HubNodeAdd>({
  ...common,
  id: 'addNode',
  method: 'POST',
  path: '/api/v1/nodes',
  summary: 'Let a node join: a token for once',
  description: 'As `sendense-run node add`. The token is in this answer only.',
  fresh: true,
  body: { schema: 'hub/node-add.json', bytes: 1024 },
  answers: { 201: { description: 'The token, and how the node uses it.', schema: 'output/node-added.json' } },
  errors: ['node.exists', 'node.ports', 'hub.host-key', 'usage'],
  logOf: (body) => ({ node: body.name }),
  async handle({ parts, body, answer }): Promise<NodeAddedOutput> {
    answer.header('cache-control', 'no-store');
    const { expires_ms: expiresMs = hourMs } = body;
    return await parts.hub.nodes.add({ name: body.name, expiresMs, again: false });
  },
});

export const renewNodeToken = defineRoute<HubNodeToken>({
  ...common,
  id: 'renewNodeToken',
  method: 'POST',
  path: '/api/v1/nodes/{name}/token',
  summary: 'A new token for a node that is there',
  description: 'As `sendense-run node add --again`.',
  fresh: true,
  params: name,
  body: { schema: 'hub/node-token.json', bytes: 1024 },
  answers: { 201: { description: 'The token, and how the node uses it.', schema: 'output/node-added.json' } },
  errors: ['node.unknown', 'node.exists', 'hub.host-key', 'usage'],
  async handle({ parts, params, body, answer }): Promise<NodeAddedOutput> {
    answer.header('cache-control', 'no-store');
    const { expires_ms: expiresMs = hourMs } = body;
    return await parts.hub.nodes.add({ name: params['name'] ?? '', expiresMs, again: true });
  },
});

export const renameNode = defineRoute<HubNodeRename>({
  ...common,
  id: 'renameNode',
  method: 'POST',
  path: '/api/v1/nodes/{name}/rename',
  summary: 'Give a node another name',
  description: 'As `sendense-run node rename`. Plans that name it have to be changed.',
  params: name,
  body: { schema: 'hub/node-rename.json', bytes: 1024 },
  answers: shown,
  errors: ['node.unknown', 'node.exists', 'usage'],
  logOf: ({ to }) => ({ to }),
  handle: async ({ parts, params, body }): Promise<NodesOutput> =>
    parts.hub.nodes.rename(params['name'] ?? '', body.to),
});

export const revokeNode = defineRoute({
  ...common,
  id: 'revokeNode',
  method: 'POST',
  path: '/api/v1/nodes/{name}/revoke',
  summary: 'Refuse the key and the token of a node from now on',
  description: 'As `sendense-run node revoke`. Its connection is cut.',
  fresh: true,
  params: name,
  answers: shown,
  errors: ['node.unknown'],
  handle: async ({ parts, params }): Promise<NodesOutput> => await parts.hub.nodes.revoke(params['name'] ?? ''),
});

export const askNodeDoctor = defineRoute({
  tag: 'nodes',
  id: 'askNodeDoctor',
  method: 'POST',
  path: '/api/v1/nodes/{name}/doctor',
  right: 'operate',
  summary: 'What is wrong with a node, and what to do',
  description: 'What the hub finds when it asks the node, then what `sendense-node doctor` finds there.',
  params: name,
  answers: { 200: { description: 'The checks.', schema: 'output/doctor.json' } },
  errors: ['node.unknown'],
  patient: true,
  handle: async ({ parts, params, signal }): Promise<DoctorOutput> =>
    await parts.hub.nodeDoctor(params['name'] ?? '', signal),
});

export const removeNode = defineRoute({
  ...common,
  id: 'removeNode',
  method: 'DELETE',
  path: '/api/v1/nodes/{name}',
  summary: 'Forget a node',
  description: 'As `sendense-run node remove`. Its connection is cut.',
  fresh: true,
  params: name,
  answers: { 200: { description: 'What it was.', schema: 'output/nodes.json' } },
  errors: ['node.unknown'],
  handle: async ({ parts, params }): Promise<NodesOutput> => await parts.hub.nodes.remove(params['name'] ?? ''),
});
