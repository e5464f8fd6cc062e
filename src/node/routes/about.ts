import { hostname } from 'node:os';
import type { NodeConfig, NodeHealth } from '../../schemas/types.ts';
import { nodeTools } from '../node-tools.ts';
import { linkOf } from '../link-state.ts';
import { maxRunning } from '../jobs/jobs.ts';
import { defineRoute } from './route.ts';

const mostPadding = 8000;

/** What the node is and how it does. */
export const health = defineRoute({
  id: 'health',
  method: 'GET',
  path: '/api/v1/health',
  tag: 'node',
  summary: 'Version, tools and running jobs',
  answers: { 200: { description: 'The node answers; `degraded`: a tool is missing.', schema: 'node/health.json' } },
  headers: {
    'x-padding': {
      description: `Makes the question longer; the answer has as much of it, up to ${mostPadding} bytes.`,
    },
  },
  errors: [],
  quiet: true,
  handle: async ({ parts: node, header, answer }): Promise<NodeHealth> => {
    // Whether packets of full size pass, in both directions.
    const padding = header('x-padding');
    if (padding !== null) answer.header('x-padding', 'x'.repeat(Math.min(padding.length, mostPadding)));
    const [tools, running] = await Promise.all([nodeTools(), node.jobs.running()]);
    return {
      status: tools.every((tool) => tool.version) ? 'ok' : 'degraded',
      version: node.version,
      time: Date.now(),
      tools,
      jobs_running: running,
    };
  },
});

export const config = defineRoute({
  id: 'config',
  method: 'GET',
  path: '/api/v1/config',
  tag: 'node',
  summary: 'How the node is set up',
  description: 'Name, address, tunnel, limits. Never a secret.',
  answers: { 200: { description: 'The set-up.', schema: 'node/config.json' } },
  errors: [],
  handle: async ({ parts: node }): Promise<NodeConfig> => {
    const { limits, stateDir, version } = node;
    const link = await linkOf(stateDir);
    return {
      name: link.name ?? hostname(),
      version,
      listen: node.address(),
      state_dir: stateDir,
      tunnel: link.tunnel,
      nbd_ports: link.nbdPorts,
      limits: {
        requests_per_minute: limits.requestsPerMinute,
        refused_per_minute: limits.refusedPerMinute,
        connections: limits.connections,
        header_bytes: limits.headerBytes,
        headers_ms: limits.headersMs,
        body_ms: limits.bodyMs,
        upload_silence_ms: limits.uploadSilenceMs,
        jobs_running: maxRunning,
      },
    };
  },
});

export const openapi = defineRoute({
  id: 'openapi',
  method: 'GET',
  path: '/api/v1/openapi.json',
  tag: 'node',
  summary: 'This API as an OpenAPI 3.1 document',
  answers: {
    200: { description: 'The document; also `docs/openapi.json` of the same version.', type: 'application/json' },
  },
  errors: [],
  handle: async ({ parts: node }) => node.openApi(),
});

export const metrics = defineRoute({
  id: 'metrics',
  method: 'GET',
  path: '/metrics',
  tag: 'node',
  summary: 'Figures for Prometheus',
  answers: { 200: { description: "Prometheus' text form.", type: 'text/plain' } },
  errors: [],
  quiet: true,
  handle: async ({ parts: node, answer }) => {
    const [jobs, { tunnel }] = await Promise.all([node.jobs.list(), linkOf(node.stateDir)]);
    answer.type(node.metrics.contentType);
    return node.metrics.text({ jobs, tunnel });
  },
});
