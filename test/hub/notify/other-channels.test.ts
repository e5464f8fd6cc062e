import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { formatRecord } from '../../../src/host/net/syslog.ts';
import { uuidOf } from '../../../src/hub/notify/channels/ping.ts';
import type { NotifyMessage } from '../../../src/schemas/types.ts';
import { raiseNotice, type NoticeEvent } from '../../../src/state/notices/notices.ts';
import { freePort } from '../../support/free-ports.ts';
import { httpReceiver } from '../../support/http-receiver.ts';
import { allText, notifyBench } from './notify-bench.ts';

const notice = (event: NoticeEvent, details: Record<string, unknown> = {}) => ({
  event,
  plan: 'pgtest1-nightly',
  vm: 'pgtest1',
  runId: 'run-1',
  message: `pgtest1-nightly: ${event} "quoted" ]\nsecond line`,
  details,
});

test('a command gets the message on its standard input, and no shell sees it', async () => {
  using made = notifyBench((folder) => ({
    own: { type: 'command', run: ['/bin/sh', '-c', 'cat > "$1"', 'own', join(folder, 'got $(id).json')] },
  }));
  raiseNotice(made.state, notice('failure'));
  expect(await made.deliver()).toEqual({ sent: 1, failed: 0 });
  const got = JSON.parse(readFileSync(join(made.folder, 'got $(id).json'), 'utf8')) as NotifyMessage;
  expect(got).toMatchObject({ version: 1, event: 'failure', notices: [{ plan: 'pgtest1-nightly' }] });
});

test('a command that hangs, with a child that holds its pipes, is ended at its time limit', async () => {
  using made = notifyBench(() => ({
    own: { type: 'command', run: ['/bin/sh', '-c', 'sleep 600'], timeout: '300ms' },
  }));
  raiseNotice(made.state, notice('failure'));
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(made.warnings).toEqual(['channel own: no answer within 300ms']);
});

test('a command that fails says why, and no more of it than fits', async () => {
  using made = notifyBench(() => ({
    own: {
      type: 'command',
      run: ['/bin/sh', '-c', 'head -c 10000000 /dev/zero | tr "\\0" y; echo; echo no such pager >&2; exit 3'],
    },
  }));
  raiseNotice(made.state, notice('failure'));
  await made.deliver();
  expect(made.warnings[0]).toContain('ended with 3');
  expect(allText(made.state).length).toBeLessThan(5000);
});

test('a ping says when a run begins, and how it ends by its exit code', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ ping: { type: 'ping', url: `${server.url}/key/{plan}?create=1` } }));
  raiseNotice(made.state, notice('started'));
  raiseNotice(made.state, notice('success', { exit_code: 0 }));
  raiseNotice(made.state, notice('started'));
  raiseNotice(made.state, notice('failure', { exit_code: 14 }));
  raiseNotice(made.state, notice('warning', { exit_code: 3, warnings: ['the clock is off'] }));
  // Not what a check is about.
  raiseNotice(made.state, notice('rpo'));
  raiseNotice(made.state, notice('recovery'));
  expect(await made.deliver()).toEqual({ sent: 5, failed: 0 });
  const query = `?create=1&rid=${uuidOf('run-1')}`;
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `POST /key/pgtest1-nightly/start${query}`,
    `POST /key/pgtest1-nightly${query}`,
    `POST /key/pgtest1-nightly/start${query}`,
    `POST /key/pgtest1-nightly/14${query}`,
    `POST /key/pgtest1-nightly${query}`,
  ]);
  expect(server.requests[4]?.body).toContain('the clock is off');
  expect(uuidOf('run-1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a ping may say fail instead of the exit code, and keeps its address to itself', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ ping: { type: 'ping', url: { secret: { file: './url' } }, failure: 'fail' } }));
  made.write('url', `${server.url}/CANARY-ping-5512\n`);
  raiseNotice(made.state, notice('failure', { exit_code: 14 }));
  server.answer = (response, request) => void response.writeHead(404).end(`not found: ${request.path}`);
  await made.deliver();
  expect(server.requests[0]?.path).toMatch(/^\/CANARY-ping-5512\/fail\?rid=/);
  expect(made.warnings.join()).toContain('answered 404');
  expect(made.warnings.join() + allText(made.state)).not.toContain('CANARY');
});

const record = (severity: number): RegExp =>
  new RegExp(
    `^<${3 * 8 + severity}>1 \\d{4}-\\d\\d-\\d\\dT[\\d:.+-]+Z? \\S+ sendense \\S+ failure \\[.*sendense@32473 event="failure" plan="pgtest1-nightly" vm="pgtest1" run="run-1"\\] FAILED: pgtest1-nightly: failure "quoted" \\] second line$`,
  );

test('syslog over UDP, RFC 5424', async () => {
  const socket = createSocket('udp4');
  const port = await freePort();
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  using made = notifyBench(() => ({ log: { type: 'syslog', address: `udp://127.0.0.1:${port}` } }));
  raiseNotice(made.state, notice('failure'));
  const [[message]] = (await Promise.all([once(socket, 'message'), made.deliver()])) as [[Buffer], unknown];
  socket.close();
  expect(message.toString()).toMatch(record(3));
});

test('a record of syslog is one line, whatever the VM is called', () => {
  const line = formatRecord({
    severity: 3,
    facility: 'daemon',
    kind: 'failure',
    time: 0,
    text: 'a\u001b]0;b\u0007',
    fields: { vm: 'web"]\n<0>1 - forged' },
  });
  // eslint-disable-next-line no-control-regex
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(line).toContain('vm="web\\"\\] <0>1 - forged"');
});

test('syslog over TCP, each record with its length', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  using made = notifyBench(() => ({ log: { type: 'syslog', address: `tcp://127.0.0.1:${port}` } }));
  raiseNotice(made.state, notice('failure'));
  const connection = once(server, 'connection') as Promise<[NodeJS.ReadableStream]>;
  const [[stream]] = await Promise.all([connection, made.deliver()]);
  const [, length, line] = /^(\d+) (.*)$/s.exec(await text(stream)) ?? [];
  server.close();
  expect(Number(length)).toBe(Buffer.byteLength(line ?? ''));
  expect(line).toMatch(record(3));
});

test('syslog over a Unix socket', async () => {
  using made = notifyBench((folder) => ({ log: { type: 'syslog', address: join(folder, 'log') } }));
  raiseNotice(made.state, notice('failure'));
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(made.warnings.join()).toContain('there is no such socket');
  const server = createServer().listen(join(made.folder, 'log'));
  await once(server, 'listening');
  const connection = once(server, 'connection') as Promise<[NodeJS.ReadableStream]>;
  const [[stream], result] = await Promise.all([connection, made.deliver({ waitMs: 10_000 })]);
  const line = await text(stream);
  server.close();
  expect(result).toEqual({ sent: 1, failed: 0 });
  expect(line.replace(/\0|\n$/g, '').replace(/^\d+ (?=<)/, '')).toMatch(record(3));
});

test.skipIf(existsSync('/run/systemd/journal/socket'))('a journal that is not there is an error', async () => {
  using made = notifyBench(() => ({ log: { type: 'journal' } }));
  raiseNotice(made.state, notice('failure'));
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(made.warnings.join()).toContain('there is no journal');
});
