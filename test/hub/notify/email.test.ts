import { afterEach, beforeEach, expect, test } from 'vitest';
import { raiseNotice } from '../../../src/state/notices/notices.ts';
import { makeCertificate, type Certificate } from '../../support/certificate.ts';
import { freePort } from '../../support/free-ports.ts';
import { mailServer } from '../../support/mail-server.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { allText, notifyBench, type NotifyBench } from './notify-bench.ts';

const canary = 'CANARY-smtp-7f3a9c';
const login = { user: 'backup', password: canary };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let certificate: Certificate;

beforeEach(async () => {
  folder = await temporaryFolder();
  certificate = await makeCertificate(folder.path);
});
afterEach(() => folder[Symbol.asyncDispose]());

const email = (port: number, more: object = {}): object => ({
  type: 'email',
  host: '127.0.0.1',
  port,
  from: 'sendense@example.com',
  to: ['operators@example.com', 'night@example.com'],
  ...more,
});

const withLogin = (port: number, more: object = {}): object =>
  email(port, {
    user: login.user,
    password: { secret: { file: './smtp.password' } },
    ca: certificate.certFile,
    ...more,
  });

function bench(channel: object): NotifyBench {
  const made = notifyBench(() => ({ mail: channel }));
  made.write('smtp.password', `${canary}\n`);
  return made;
}

const failure = (plan: string, message = `${plan} failed: source.missing: disk0.raw is gone`) =>
  ({
    event: 'failure',
    plan,
    vm: 'pgtest1',
    runId: '20261120T010000Z-1',
    message,
    details: { exit_code: 1, error: { remedy: 'Look for the <disk>.' } },
  }) as const;

test('a failure is mailed with STARTTLS and login, as text and HTML, in one thread for each plan', async () => {
  await using server = await mailServer({ certificate, login });
  using made = bench(withLogin(server.port));
  raiseNotice(made.state, failure('pgtest1-nightly'));
  expect(await made.deliver()).toEqual({ sent: 1, failed: 0 });
  raiseNotice(made.state, {
    ...failure('pgtest1-nightly'),
    event: 'recovery',
    message: 'pgtest1-nightly succeeded again',
  });
  await made.deliver();
  const [first, second] = server.mails;
  expect(first).toMatchObject({
    from: 'sendense@example.com',
    to: ['operators@example.com', 'night@example.com'],
    encrypted: true,
    user: 'backup',
  });
  expect(first?.headers).toMatchObject({
    'subject': '[Sendense] FAILED: pgtest1-nightly failed: source.missing: disk0.raw is gone',
    'auto-submitted': 'auto-generated',
    'x-sendense-event': 'failure',
    'x-sendense-plan': 'pgtest1-nightly',
  });
  expect(first?.source).toContain('text/html');
  expect(first?.source).toContain('&lt;disk&gt;');
  expect(second?.headers['message-id']).not.toBe(first?.headers['message-id']);
  expect(second?.headers['references']).toBe(first?.headers['references']);
  expect(second?.headers['subject']).toContain('recovered');
});

test.each([
  ['a wrong password', { login: { user: 'backup', password: 'other' } }, {}, /refused user and password/],
  ['a certificate that is not trusted', { login }, { ca: undefined }, /certificate/],
])('%s is an error that names no secret, and the message waits', async (_what, server, more, message) => {
  await using smtp = await mailServer({ certificate, ...server });
  using made = bench(withLogin(smtp.port, more));
  raiseNotice(made.state, failure('pgtest1-nightly'));
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  expect(smtp.mails).toEqual([]);
  expect(made.warnings.join()).toMatch(message);
  expect(made.history()[0]?.deliveries).toMatchObject([{ channel: 'mail', state: 'waiting', attempts: 1 }]);
  expect(allText(made.state) + made.warnings.join()).not.toContain(canary);
});

test('without STARTTLS nothing is sent unless the channel allows it', async () => {
  await using server = await mailServer();
  using strict = bench(email(server.port));
  raiseNotice(strict.state, failure('pgtest1-nightly'));
  expect(await strict.deliver()).toEqual({ sent: 0, failed: 1 });
  using loose = bench(email(server.port, { tls: 'opportunistic' }));
  raiseNotice(loose.state, failure('pgtest1-nightly'));
  expect(await loose.deliver()).toEqual({ sent: 1, failed: 0 });
  expect(server.mails).toMatchObject([{ encrypted: false }]);
});

test('opportunistic takes TLS from whoever offers it', async () => {
  await using server = await mailServer({ certificate });
  using made = bench(email(server.port, { tls: 'opportunistic' }));
  raiseNotice(made.state, failure('pgtest1-nightly'));
  await made.deliver();
  expect(server.mails).toMatchObject([{ encrypted: true }]);
});

test('a server that is down gets the mail when it is back, once', async () => {
  const port = await freePort();
  using made = bench(withLogin(port));
  raiseNotice(made.state, failure('pgtest1-nightly'));
  expect(await made.deliver()).toEqual({ sent: 0, failed: 1 });
  await using server = await mailServer({ certificate, login, port });
  expect(await made.deliver({ waitMs: 10_000 })).toEqual({ sent: 1, failed: 0 });
  await made.deliver();
  expect(server.mails).toHaveLength(1);
});

test('a recipient that is refused does not keep the mail from the others, and is named', async () => {
  await using server = await mailServer({ certificate, login, refused: ['night@example.com'] });
  using made = bench(withLogin(server.port));
  raiseNotice(made.state, failure('pgtest1-nightly'));
  expect(await made.deliver()).toEqual({ sent: 1, failed: 0 });
  expect(server.mails).toMatchObject([{ to: ['operators@example.com'] }]);
  expect(made.warnings.join()).toContain('night@example.com');
});

test('a secret that got into a notice does not get into the mail', async () => {
  await using server = await mailServer({ certificate, login });
  using made = bench(withLogin(server.port));
  raiseNotice(made.state, failure('pgtest1-nightly', `the server said: ${canary}`));
  await made.deliver();
  expect(server.mails[0]?.source).not.toContain(canary);
  expect(server.mails[0]?.source).toContain('***');
});
