import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { createJobFigures } from '../../src/node/metrics/job-figures.ts';
import type { JobStatus, LinkStatus, NodeConfig } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { ask, raw } from './raw-request.ts';
import {
  finished,
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  slowTarget,
  target,
  testNode,
  token,
  until,
  workshop,
  type TestNode,
} from './support.ts';

/** Name with labels -> value. */
async function figures(node: TestNode): Promise<ReadonlyMap<string, number>> {
  const text = await ask<string>(node, 'GET', '/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('metrics need the token, and are in the form that Prometheus reads', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  expect((await raw(node, 'GET', '/metrics', '', { authorization: '' })).status).toBe(401);
  const { status, headers, body } = await raw<string>(node, 'GET', '/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const line of body.split('\n').filter(Boolean))
    expect(line).toMatch(/^(# (HELP|TYPE) sendense_node_\w+ .+|sendense_node_\w+(\{.*\})? [0-9.e+-]+)$/);
});

test('jobs, bytes, ends, errors and requests are counted, once each', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 2 * MiB, [[0, 2 * MiB]]);
  await using to = await target(at, 'to', 2 * MiB);
  await node.api.startBackup(fullRequest('good', imageSpec(disk), [to.uri]));
  await finished(node.api, 'good');
  await node.api.startBackup(fullRequest('bad', imageSpec(disk), ['nbd://127.0.0.1:1/none']));
  await finished(node.api, 'bad');
  await raw(node, 'GET', '/api/v1/status/none');
  await raw(node, 'GET', '/no/such/path/1');
  await raw(node, 'GET', '/no/such/path/2', '', { authorization: '' });
  for (let turn = 0; turn < 2; turn++) {
    const now = await figures(node);
    const of = (name: string): number | undefined => now.get(`sendense_node_${name}`);
    expect(of('jobs{state="succeeded"}')).toBe(1);
    expect(of('jobs{state="failed"}')).toBe(1);
    expect(of('jobs{state="running"}')).toBe(0);
    expect(of('jobs_ended_total{state="succeeded"}')).toBe(1);
    expect(of('jobs_ended_total{state="failed"}')).toBe(1);
    expect(of('job_errors_total{code="job.failed"}')).toBe(1);
    expect(of('job_duration_seconds_count')).toBe(2);
    expect(of('transferred_bytes_total')).toBe(2 * MiB);
    expect(of('transfer_rate_bytes_per_second')).toBe(0);
    expect(of('api_errors_total{code="job.unknown"}')).toBe(1);
    expect(of('api_errors_total{code="node.refused"}')).toBe(1);
    expect(of('api_requests_total{method="POST",route="/api/v1/backup/start",status="202"}')).toBe(2);
    expect(of('api_requests_total{method="GET",route="/api/v1/status/{job}",status="404"}')).toBe(1);
    // What does not exist is one route, however many names it gets.
    expect(of('api_requests_total{method="other",route="unknown",status="404"}')).toBe(1);
    expect(of('api_requests_total{method="other",route="unknown",status="401"}')).toBe(1);
    expect(of('uptime_seconds')).toBeGreaterThan(0);
    expect([...now.keys()].filter((name) => /good|bad|pgtest1|such/.test(name))).toEqual([]);
  }
  await node.api.remove('good');
  await node.api.remove('bad');
  const after = await figures(node);
  expect(after.get('sendense_node_jobs{state="succeeded"}')).toBe(0);
  expect(after.get('sendense_node_transferred_bytes_total')).toBe(2 * MiB);
});

test('the rate of all running jobs is told while they run', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  await node.api.startBackup({
    ...fullRequest('job', imageSpec(disk), [slow.uri]),
    tuning: { connections: 1, requests: 1 },
  });
  await until(
    async () => ((await figures(node)).get('sendense_node_transfer_rate_bytes_per_second') ?? 0) > 0,
    'a rate',
  );
  expect((await figures(node)).get('sendense_node_jobs{state="running"}')).toBe(1);
  await node.api.remove('job');
});

test('a restart of the node counts nothing twice', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  {
    await using node = await testNode(at);
    await using to = await target(at, 'to', MiB);
    await node.api.startBackup(fullRequest('job', imageSpec(disk), [to.uri]));
    await finished(node.api, 'job');
  }
  await using node = await testNode(at);
  const now = await figures(node);
  expect(now.get('sendense_node_transferred_bytes_total')).toBe(0);
  expect(now.get('sendense_node_jobs{state="succeeded"}')).toBe(1);
  expect(now.get('sendense_node_jobs_ended_total{state="succeeded"}')).toBeUndefined();
  await node.api.remove('job');
});

test('counters take each byte and each end once, in whatever order a job is looked at', () => {
  const job = (bytes: number, more: Partial<JobStatus> = {}): JobStatus =>
    ({
      job_id: 'a',
      started: 1000,
      finished: null,
      status: 'running',
      error: null,
      disks: [{ bytes_transferred: bytes, bytes_read: 2 * bytes }],
      ...more,
    }) as JobStatus;
  const end = { finished: 3000, status: 'succeeded' } as const;
  const none = { transferred: 0, read: 0, sent: 0 };
  const { news, keep } = createJobFigures([]);
  expect([news(job(5)), news(job(5)), news(job(3)), news(job(9))].map(({ moved }) => moved.transferred)).toEqual([
    5, 0, 0, 4,
  ]);
  expect(news(job(10, end))).toEqual({
    moved: { transferred: 1, read: 2, sent: 0 },
    ended: { status: 'succeeded', code: null, seconds: 2 },
  });
  expect(news(job(9))).toEqual({ moved: none, ended: null });
  expect(news(job(10, end))).toEqual({ moved: none, ended: null });
  expect(news(job(7, { started: 2000 })).moved.transferred).toBe(7);
  keep([]);
  expect(news(job(7, { started: 2000 })).moved.transferred).toBe(7);
  expect(createJobFigures([job(6)]).news(job(8)).moved.transferred).toBe(2);
});

test('config tells limits, address and tunnel, and never the token', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const config = await ask<NodeConfig>(node, 'GET', '/api/v1/config');
  expect(validatorOf('node/config.json')(config)).toBe(true);
  expect(config).toMatchObject({
    listen: node.running.url,
    state_dir: node.stateDir,
    tunnel: null,
    nbd_ports: { from: 10_100, to: 10_200 },
    limits: { jobs_running: 100, body_ms: 30_000 },
  });
  expect(JSON.stringify(config)).not.toContain(token);
  expect([...(await figures(node)).keys()].filter((name) => name.includes('tunnel'))).toEqual([]);

  const status: LinkStatus = {
    version: 1,
    state: 'up',
    name: 'site-b',
    hub: 'hub.example.com:443',
    connected_since: Date.now(),
    program: 'openssh',
    connections: 1,
    attempts: 0,
    retry_at: null,
    last_error: null,
    data: { way: 'tunnel', state: 'up', error: null, connections: 1 },
    reverse_port: 9081,
    nbd_ports: { from: 10_300, to: 10_320 },
    hub_api_port: 8082,
    hub_version: '0.1.0',
    clock_skew_ms: 3,
    process: thisProcess(),
    updated: Date.now(),
  };
  await mkdir(`${node.stateDir}/link`);
  await writeFile(`${node.stateDir}/link/status.json`, JSON.stringify(status));
  expect(await ask(node, 'GET', '/api/v1/config')).toMatchObject({
    name: 'site-b',
    tunnel: { state: 'up', hub: 'hub.example.com:443' },
    nbd_ports: { from: 10_300, to: 10_320 },
  });
  const now = await figures(node);
  expect(now.get('sendense_node_tunnel_state{state="up"}')).toBe(1);
  expect(now.get('sendense_node_tunnel_state{state="down"}')).toBe(0);
  await writeFile(`${node.stateDir}/link/status.json`, '{');
  expect(await ask(node, 'GET', '/api/v1/config')).toMatchObject({ tunnel: null });
});
