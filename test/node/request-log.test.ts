import { expect, test } from 'vitest';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { httpNode } from './http-node.ts';
import { raw } from './raw-request.ts';
import { finished, fullRequest, imageSpec, token, until, workshop } from './support.ts';

test('a request has one id in its answer and in every line about it, the caller’s where that is sensible', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const ids = new Set<string>();
  for (const [path, status] of [
    ['/api/v1/health', 200],
    ['/api/v1/status/none', 404],
    ['/nothing', 404],
  ] as const) {
    const answer = await raw(node, 'GET', path);
    expect(answer.status).toBe(status);
    ids.add(String(answer.headers['x-request-id']));
  }
  expect(ids.size).toBe(3);
  const given = await raw(node, 'GET', '/api/v1/status/job-7', '', { 'x-request-id': 'run-1.step-2' });
  expect(given.headers['x-request-id']).toBe('run-1.step-2');
  const foul = await raw(node, 'GET', '/api/v1/health?token=canary-query', '', { 'x-request-id': 'x"}{' });
  expect(foul.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  await until(() => node.lines.some(({ request_id: id }) => id === foul.headers['x-request-id']), 'the last line');
  expect(node.lines.find(({ request_id: id }) => id === 'run-1.step-2')).toMatchObject({
    job_id: 'job-7',
    method: 'GET',
    path: '/api/v1/status/job-7',
    status: 404,
    code: 'job.unknown',
    peer: '127.0.0.1',
  });
  for (const id of ids) expect(node.lines.filter(({ request_id: one }) => one === id)).toHaveLength(1);
  expect(JSON.stringify(node.lines)).not.toContain('canary');
});

test('a password in a header or a body is in no line of the log', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const password = 'canary-password-2';
  const login = { 'x-vcenter-host': '127.0.0.1:none', 'x-vcenter-user': 'backup', 'x-vcenter-password': password };
  await raw(node, 'GET', '/api/v1/vms/vm-1/cbt-status', '', login);
  for (const path of ['discover', 'backup/start', 'replicate', 'cleanup', 'vm-spec-changes', 'credentials/test'])
    await raw(node, 'POST', `/api/v1/${path}`, JSON.stringify({ vcenter_password: password, vm_name: 'x' }));
  await until(() => node.lines.filter(({ msg }) => msg.startsWith('request')).length >= 7, 'all lines');
  expect(JSON.stringify(node.lines)).not.toContain('canary');
});

test('a start is logged with the id of its job', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const request = fullRequest('job-8', imageSpec('/none.raw'), ['nbd://127.0.0.1:1/x']);
  await raw(node, 'POST', '/api/v1/backup/start', JSON.stringify(request));
  const api = nodeClient({ url: node.running.url, token });
  await finished(api, 'job-8');
  await api.remove('job-8');
  await until(() => node.lines.some(({ method }) => method === 'DELETE'), 'the last line');
  const told = node.lines.filter(({ level, job_id: job }) => level >= 30 && job === 'job-8');
  expect(told.map(({ method, path, status }) => [method, path, status])).toEqual([
    ['POST', '/api/v1/backup/start', 202],
    ['DELETE', '/api/v1/jobs/job-8', 204],
  ]);
});
