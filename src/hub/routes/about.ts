import { version } from '../../schemas/package.ts';
import type { HubHealth } from '../../schemas/types.ts';
import { defineRoute } from './route.ts';

export const health = defineRoute({
  id: 'health',
  method: 'GET',
  path: '/api/v1/health',
  tag: 'hub',
  summary: 'Version, connected nodes and runs that go on',
  // Who watches the hub needs no right to read its backups.
  right: 'figures',
  vms: 'none',
  answers: { 200: { description: 'The hub answers.', schema: 'hub/health.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts: { hub, ssh } }): Promise<HubHealth> => ({
    status: 'ok',
    version,
    time: Date.now(),
    ssh,
    nodes_connected: hub.nodes.list().nodes.filter((node) => node.state === 'connected').length,
    runs: hub.activity().runs.get('running') ?? 0,
  }),
});

export const openapi = defineRoute({
  id: 'openapi',
  method: 'GET',
  path: '/api/v1/openapi.json',
  tag: 'hub',
  summary: 'This API as an OpenAPI 3.1 document',
  right: 'self',
  vms: 'none',
  answers: {
    200: { description: 'The document; also `docs/hub-openapi.json` of the same version.', type: 'application/json' },
  },
  errors: [],
  quiet: true,
  handle: async ({ parts }) => parts.openApi(),
});

export const metrics = defineRoute({
  id: 'metrics',
  method: 'GET',
  path: '/metrics',
  tag: 'hub',
  summary: 'Figures for Prometheus',
  right: 'figures',
  answers: { 200: { description: "Prometheus' text form.", type: 'text/plain' } },
  errors: [],
  quiet: true,
  handle: async ({ parts, answer }) => {
    const { hub, service } = parts;
    await parts.countElsewhere();
    const now = { ...hub.activity(), nodes: hub.nodes.list().nodes, figures: await hub.figures() };
    answer.type(service.contentType);
    return service.text(now);
  },
});
