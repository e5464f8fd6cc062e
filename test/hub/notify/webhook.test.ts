import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { NotifyMessage } from '../../../src/schemas/types.ts';
import { validatorOf } from '../../../src/schemas/validator.ts';
import { messageOf } from '../../../src/hub/notify/message.ts';
import { raiseNotice, type NoticeRow } from '../../../src/state/notices/notices.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { freePort } from '../../support/free-ports.ts';
import { httpReceiver } from '../../support/http-receiver.ts';
import { allText, notifyBench, type NotifyBench } from './notify-bench.ts';

const canary = 'CANARY-hook-19d2';

const webhook = (url: unknown, more: object = {}): object => ({ type: 'webhook', url, ...more });

const failure = {
  event: 'failure',
  plan: 'pgtest1-nightly',
  vm: 'pgtest1',
  repository: 'primary',
  runId: '20261120T010000Z-1',
  message: 'pgtest1-nightly failed: source.missing: <disk0> & more',
  details: { exit_code: 1 },
} as const;

function bench(channel: object): NotifyBench {
  const made = notifyBench(() => ({ hook: channel }));
  made.write('key', `${canary}-key\n`);
  made.write('bearer', `Bearer ${canary}-bearer\n`);
  return made;
}

test('generic: JSON of the published schema, with headers from secrets and a signature over time and body', async () => {
  await using server = await httpReceiver();
  using made = bench(
    webhook(`${server.url}/in`, {
      headers: { 'Authorization': { secret: { file: './bearer' } }, 'X-Site': 'DC1' },
      sign: { secret: { file: './key' } },
    }),
  );
  raiseNotice(made.state, failure);
  expect(await made.deliver()).toEqual({ sent: 1, failed: 0 });
  const [request] = server.requests;
  const message = JSON.parse(request?.body ?? '') as NotifyMessage;
  const validate = validatorOf('notify/message.json');
  expect(validate(message), JSON.stringify(validate.errors)).toBe(true);
  expect(message).toMatchObject({
    version: 1,
    event: 'failure',
    severity: 'critical',
    notices: [{ plan: 'pgtest1-nightly', run_id: '20261120T010000Z-1', details: { exit_code: 1 } }],
  });
  const time = request?.headers['x-sendense-timestamp'];
  expect(request?.headers).toMatchObject({
    'authorization': `Bearer ${canary}-bearer`,
    'x-site': 'DC1',
    'x-sendense-id': message.id,
    'x-sendense-signature': `sha256=${createHmac('sha256', `${canary}-key`)
      .update(`${String(time)}.${request?.body ?? ''}`)
      .digest('hex')}`,
  });
  expect(allText(made.state)).not.toContain(canary);
});

test.each([
  [
    'slack',
    (body: string) => JSON.parse(body) as unknown,
    {
      text: expect.stringContaining('&lt;disk0&gt; &amp; more') as unknown,
      blocks: [{ type: 'header' }, { type: 'section' }, { type: 'context' }],
    },
  ],
  [
    'teams',
    (body: string) => JSON.parse(body) as unknown,
    {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { type: 'AdaptiveCard', body: [{ type: 'TextBlock', color: 'Attention' }, {}, { type: 'FactSet' }] },
        },
      ],
    },
  ],
  ['ntfy', (body: string) => ({ body }), { body: expect.stringContaining('<disk0> & more') as unknown }],
] as const)('%s gets what it understands', async (template, read, wanted) => {
  await using server = await httpReceiver();
  using made = bench(webhook(`${server.url}/topic`, { template }));
  raiseNotice(made.state, failure);
  await made.deliver();
  expect(read(server.requests[0]?.body ?? '')).toMatchObject(wanted);
  if (template === 'ntfy')
    expect(server.requests[0]?.headers).toMatchObject({
      priority: '5',
      title: expect.stringContaining('FAILED') as unknown,
    });
});

test('many notices fit into every template', async () => {
  await using server = await httpReceiver();
  for (const template of ['slack', 'teams', 'ntfy', 'generic']) {
    using made = bench(webhook(server.url, { template }));
    made.state.transaction(() => {
      for (let at = 0; at < 500; at++)
        raiseNotice(made.state, {
          ...failure,
          plan: `vm${at}`,
          message: `vm${at} failed: vCenter ünreachable ${'x'.repeat(100)}`,
        });
    });
    expect(await made.deliver()).toEqual({ sent: 500, failed: 0 });
  }
  const [slack, teams, ntfy, generic] = server.requests;
  expect(server.requests).toHaveLength(4);
  const { blocks } = JSON.parse(slack?.body ?? '') as { blocks: { text?: { text: string } }[] };
  expect(blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
  expect(blocks[1]?.text?.text.length).toBeLessThanOrEqual(3000);
  expect(Buffer.byteLength(teams?.body ?? '')).toBeLessThan(28_000);
  expect(Buffer.byteLength(ntfy?.body ?? '')).toBeLessThanOrEqual(4096);
  expect((JSON.parse(generic?.body ?? '') as NotifyMessage).notices).toHaveLength(500);
});

test('an address that is a secret is in no error, log or database, whatever the server answers', async () => {
  await using server = await httpReceiver();
  using made = bench(webhook({ secret: { file: './url' } }, { template: 'slack', timeout: '20s' }));
  const path = `/services/${canary}/T000`;
  made.write('url', `${server.url}${path}\n`);
  raiseNotice(made.state, failure);
  server.answer = (response, request) => void response.writeHead(500).end(`cannot post to ${request.path}`);
  await made.deliver();
  const down = await freePort();
  made.write('url', `http://127.0.0.1:${down}${path}\n`);
  await made.deliver({ waitMs: 3000 });
  expect(server.requests[0]?.path).toBe(path);
  expect(made.warnings.join('\n')).toContain('answered 500');
  expect(made.warnings.join('\n')).toContain('ECONNREFUSED');
  expect(made.warnings.join('\n') + allText(made.state)).not.toContain(canary);
});

test('a secret that stands where a subject is cut is not in it by half', () => {
  const secret = `${canary}-straddling`;
  const row = {
    ...failure,
    id: '1',
    run_id: null,
    raised: 0,
    details: '{}',
    message: `${'x'.repeat(140)} ${secret} and more`,
  } as unknown as NoticeRow;
  const message = messageOf([row], 'hub', (text) => text.replaceAll(secret, '***'));
  expect(message.subject).toHaveLength(160);
  expect(message.subject).not.toContain('CANARY');
});

test('a redirect is not followed', async () => {
  await using other = await httpReceiver();
  await using server = await httpReceiver();
  server.answer = (response) => void response.writeHead(302, { location: `${other.url}/else` }).end();
  using made = bench(webhook(server.url));
  raiseNotice(made.state, failure);
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(made.warnings.join()).toContain('a redirect, which Sendense does not follow');
  expect(other.requests).toEqual([]);
});

test('an answer without end is an answer', async () => {
  await using server = await httpReceiver();
  server.answer = (response) => {
    const more = (): void => void (response.destroyed || response.write('x'.repeat(10_000), more));
    more();
  };
  using made = bench(webhook(server.url));
  raiseNotice(made.state, failure);
  expect(await made.deliver()).toEqual({ sent: 1, failed: 0 });
});

test('a connection that breaks before the answer is a failure', async () => {
  await using server = await httpReceiver();
  server.answer = (response) => void response.destroy();
  using made = bench(webhook(server.url));
  raiseNotice(made.state, failure);
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
});

test('a server that does not answer costs no more than the time limit', async () => {
  await using server = await httpReceiver();
  server.answer = () => {};
  using made = bench(webhook(server.url, { timeout: '300ms' }));
  raiseNotice(made.state, failure);
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(made.warnings).toEqual(['channel hook: no answer within 300ms']);
});

test('TLS: nobody is believed but the authority that is named', async () => {
  await using folder = await temporaryFolder();
  const certificate = await makeCertificate(folder.path);
  const stranger = await makeCertificate(folder.path, 'stranger');
  await using server = await httpReceiver({ certificate });
  for (const [ca, sent] of [
    [certificate.certFile, 1],
    [stranger.certFile, 0],
    [undefined, 0],
  ] as const) {
    using made = bench(webhook(server.url, { ca }));
    raiseNotice(made.state, failure);
    expect(await made.deliver()).toEqual({ sent, failed: 1 - sent });
  }
  expect(server.requests).toHaveLength(1);
});

test('an address that is a secret is not sent to in the clear, but to this machine or where that is wanted', async () => {
  await using server = await httpReceiver();
  for (const [address, more, error] of [
    ['http://hooks.example.com/CANARY', {}, 'its url is a secret, and http:// would send it in the clear'],
    [`${server.url}/CANARY`, {}, null],
    [`http://hooks.invalid/CANARY`, { plainHttp: true }, 'hooks.invalid'],
  ] as const) {
    using made = bench(webhook({ secret: { file: './url' } }, more));
    made.write('url', `${address}\n`);
    raiseNotice(made.state, failure);
    expect(await made.deliver()).toEqual(error === null ? { sent: 1, failed: 0 } : { sent: 0, failed: 1 });
    if (error !== null) expect(allText(made.state)).toContain(error);
    expect(allText(made.state)).not.toContain('CANARY/');
  }
  expect(server.requests).toHaveLength(1);
});
