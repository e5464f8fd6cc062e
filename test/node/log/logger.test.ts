import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { readableLine } from '../../../src/node/log/log-line.ts';
import { makeLogger, neverLog, type LoggerOptions, type NodeLogger } from '../../../src/node/log/logger.ts';
import { startNode } from '../../../src/node/start-node.ts';
import { token, workshop } from '../support.ts';

function recorded(options: Partial<LoggerOptions> = {}): { log: NodeLogger; lines: string[] } {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) > 0 };
  return { log: makeLogger({ level: 'trace', form: 'json', stream, ...options }), lines };
}

test('a line is JSON with time, level and message, and with what belongs to it', () => {
  const { log, lines } = recorded({ part: 'link' });
  log.child({ request_id: 'req-1', job_id: 'job-7' }).warn({ port: 10_100 }, 'taken');
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'warn',
    time: expect.any(Number) as number,
    part: 'link',
    request_id: 'req-1',
    job_id: 'job-7',
    port: 10_100,
    msg: 'taken',
  });
});

test('an error has its code and the way out, one that is not ours its stack', () => {
  const { log, lines } = recorded();
  log.error({ error: new SendenseError('node.busy', 'full') }, 'a');
  log.error(new TypeError('broken'));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: { code: 'node.busy', message: 'full', remedy: 'Try again later.' },
  });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    err: { code: 'TypeError', stack: expect.stringContaining('logger.test') as string },
  });
});

test('what a name calls a secret is not written, nor what was said never to be', () => {
  const canary = 'canary-"5e4d"\\value';
  neverLog(canary);
  const { log, lines } = recorded();
  const secrets = {
    vcenter_password: 'canary-1',
    headers: { authorization: 'Bearer canary-2', host: 'x' },
    deep: { list: [{ api_token: 'canary-3', privateKey: 'canary-4' }] },
    tokenFile: '/etc/sendense/token',
    note: `it was ${canary}`,
  };
  log.info(secrets, `said ${canary}`);
  log.child(secrets).info('again');
  log.info({ error: new SendenseError('tool.failed', `said ${canary}`) }, 'x');
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toContain('canary');
  expect(lines.join('')).toContain('/etc/sendense/token');
});

test('for the journal each line begins with its priority; on a terminal nothing can steer it', () => {
  const { log, lines } = recorded({ form: 'journal' });
  log.error('a');
  log.info('b');
  expect(lines.map((line) => line.slice(0, 4))).toEqual(['<3>{', '<6>{']);
  const line = readableLine('{"level":"warn","time":0,"msg":"a\\u001b[2Jb","port":1}');
  expect(line).toContain('1970-01-01T00:00:00.000Z warn ');
  expect(line).not.toContain('\u001b[2J');
  expect(line).toContain('port=1');
});

test('no secret of a request reaches the log of the API', async () => {
  await using at = await workshop();
  const { log, lines } = recorded();
  await using node = await startNode({
    listen: { socket: at.path('s') },
    stateDir: at.path('state'),
    token,
    logger: log,
  });
  const ask = async (method: string, path: string, authorization: string, body = ''): Promise<number | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    request(
      {
        socketPath: node.url.slice('unix:'.length),
        method,
        path,
        headers: { authorization, 'content-type': 'application/json' },
      },
      (answer) => {
        void text(answer).then(() => resolve(answer.statusCode));
      },
    )
      .on('error', reject)
      .end(body);
    return promise;
  };
  const vsphere = (more: object): string =>
    JSON.stringify({
      vm_name: 'pgtest1',
      source: { type: 'vsphere' },
      vcenter_password: 'canary-password-123',
      ...more,
    });
  expect(await ask('GET', '/api/v1/health', `Bearer ${token}`)).toBe(200);
  expect(await ask('GET', '/api/v1/health?token=canary-query-123', 'Bearer canary-wrong-123')).toBe(401);
  expect(await ask('POST', '/api/v1/discover', `Bearer ${token}`, vsphere({}))).toBe(400);
  expect(await ask('POST', '/api/v1/backup/start', `Bearer ${token}`, vsphere({ job_id: 'j' }))).toBe(400);
  expect(await ask('POST', '/api/v1/backup/start', `Bearer ${token}`, 'canary-body-123 {')).toBe(400);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join('')).not.toContain('canary');
});
