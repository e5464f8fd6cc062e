import { expect, test } from 'vitest';
import { limitPerMinute } from '../../src/host/net/limit-per-minute.ts';
import { healthy, httpNode, isError } from './http-node.ts';
import { raw } from './raw-request.ts';
import { workshop } from './support.ts';

test('many wrong tokens get 429 with Retry-After and one line in the log; the right one passes all the same', async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { refusedPerMinute: 5 });
  const statuses: number[] = [];
  for (let turn = 0; turn < 9; turn++) {
    const answer = await raw(node, 'GET', '/api/v1/jobs', '', { authorization: `Bearer canary-wrong-${turn}` });
    expect(isError(answer.body)).toBe(true);
    statuses.push(answer.status);
    if (answer.status === 429) {
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body.error.code).toBe('node.limited');
    }
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429]);
  await expect(healthy(node)).resolves.toMatchObject({ status: 'ok' });
  const warned = node.lines.filter(({ level }) => level >= 40);
  expect(warned.map(({ code }) => code)).toEqual([...Array<string>(5).fill('node.refused'), 'node.limited']);
  expect(JSON.stringify(node.lines)).not.toContain('canary');
});

test('who asks too much is told when to ask again', async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { requestsPerMinute: 3 });
  for (let turn = 0; turn < 3; turn++) expect((await raw(node, 'GET', '/api/v1/health')).status).toBe(200);
  const { status, headers, body } = await raw(node, 'GET', '/api/v1/health');
  expect([status, body.error.code]).toEqual([429, 'node.limited']);
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
  await expect(healthy(node)).rejects.toMatchObject({ code: 'node.limited', entry: { retry: 'temporary' } });
});

test('a limit counts each peer by itself, starts anew after a minute, and remembers only so many peers', () => {
  let now = 0;
  const take = limitPerMinute(2, () => now);
  expect([take('a'), take('a'), take('a'), take('a')].map(({ allowed, first }) => [allowed, first])).toEqual([
    [true, false],
    [true, false],
    [false, true],
    [false, false],
  ]);
  expect(take('b').allowed).toBe(true);
  now = 59_500;
  expect(take('a')).toEqual({ allowed: false, first: false, retrySeconds: 1 });
  now = 60_000;
  expect(take('a').allowed).toBe(true);
  for (let peer = 0; peer < 20_000; peer++) take(`peer ${peer}`);
  expect(take('peer 19999').allowed).toBe(true);
});
