import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Server } from 'node:tls';
import { expect, test } from 'vitest';
import { followCertificate } from '../../../src/hub/tls/follow-certificate.ts';
import { hubCertificate, readCertificate, type CertificateFiles } from '../../../src/hub/tls/hub-certificate.ts';
import { makeCertificate } from '../../../src/hub/tls/make-certificate.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { raw } from '../../node/raw-request.ts';
import { until } from '../../node/support.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
const names = ['hub.example.com', 'localhost', '127.0.0.1', '::1', '2001:db8::7', 'fd00::ffff:192.0.2.7'];

test('a certificate that the hub makes is one to openssl and to Node, for its names and addresses and no others', async () => {
  await using folder = await temporaryFolder();
  const { certificate, key } = makeCertificate(names);
  const parsed = new X509Certificate(certificate);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect([parsed.subject, parsed.ca, Date.parse(parsed.validFrom) < Date.now()]).toEqual([
    'CN=hub.example.com',
    false,
    true,
  ]);
  expect(parsed.checkHost('hub.example.com')).toBe('hub.example.com');
  expect([parsed.checkHost('example.com'), parsed.checkIP('192.0.2.8')]).toEqual([undefined, undefined]);
  for (const address of names.slice(2)) expect(parsed.checkIP(address), address).toBeDefined();
  writeFileSync(folder.file('hub.pem'), certificate);
  writeFileSync(folder.file('key.pem'), key);
  const openssl = (...words: string[]): string => execFileSync('openssl', words, { encoding: 'utf8' });
  const own = ['-CAfile', folder.file('hub.pem'), folder.file('hub.pem')];
  expect(openssl('verify', '-x509_strict', '-verify_hostname', 'hub.example.com', ...own)).toContain('OK');
  expect(openssl('pkey', '-in', folder.file('key.pem'), '-check', '-noout')).toContain('valid');
});

const filesIn = (folder: string): CertificateFiles => ({
  certificate: `${folder}/hub-tls/hub.pem`,
  key: `${folder}/hub-tls/hub.pem`,
  made: true,
});

test('it is made once, for its owner alone, and stays', async () => {
  await using folder = await temporaryFolder();
  const files = filesIn(folder.path);
  const [one, other] = await Promise.all([hubCertificate(files, ['backup.example.com']), hubCertificate(files, [])]);
  expect(other.fingerprint).toBe(one.fingerprint);
  expect((await hubCertificate(files, [])).fingerprint).toBe(one.fingerprint);
  expect(one.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const modes = [files.certificate, `${folder.path}/hub-tls`].map((path) => statSync(path).mode & 0o777);
  expect(modes).toEqual([0o600, 0o700]);
});

test.each([
  ['a key of others', (files: CertificateFiles) => chmodSync(files.key, 0o644), 'has mode 0644'],
  ['no certificate', (files: CertificateFiles) => writeFileSync(files.certificate, 'x'), 'holds no certificate'],
  ['another key', (files: CertificateFiles) => writeFileSync(files.key, makeCertificate(names).key), 'not that of the'],
  ['no key', (files: CertificateFiles) => writeFileSync(files.key, 'x'), 'holds no private key'],
  [
    'no file',
    (files: CertificateFiles) => ({ ...files, certificate: `${files.certificate}x` }),
    'cannot be read (ENOENT)',
  ],
] as const)('%s is refused with the name of the file', async (_what, spoil, why) => {
  await using folder = await temporaryFolder();
  const files = { certificate: folder.file('c.pem'), key: folder.file('k.pem'), made: false };
  const { certificate, key } = makeCertificate(names);
  writeFileSync(files.certificate, certificate);
  writeFileSync(files.key, key, { mode: 0o600 });
  const spoilt = spoil(files) ?? files;
  const error: unknown = await readCertificate(spoilt).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'hub.certificate', message: expect.stringContaining(why) as string });
  expect(JSON.stringify(error)).not.toContain('PRIVATE KEY-----\n');
});

async function ask(
  at: ServedHub,
  method: string,
  path: string,
  { ca, body, ...options }: RequestOptions & { readonly body?: object },
) {
  const { port } = new URL(at.running.url);
  const agent = new Agent({ maxCachedSessions: 0 });
  const asked = request({ host: '127.0.0.1', port, method, path, ca, agent, servername: 'localhost', ...options });
  asked.end(body && JSON.stringify(body));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const fingerprint = (
    answer.socket as unknown as { getPeerX509Certificate(): X509Certificate }
  ).getPeerX509Certificate().fingerprint256;
  return {
    status: answer.statusCode,
    headers: answer.headers,
    fingerprint,
    body: await json(answer).catch(() => null),
  };
}

test('over TLS the session has a cookie that no other host can plant, and browsers come back over TLS', async () => {
  const { certificate: cert, key } = makeCertificate(names);
  await using at = await servedHub({}, {}, { certificate: { cert, key }, settings: 'hosts: [Backup.example.com]' });
  expect(at.running.url).toMatch(/^https:/);
  await at.hub.access.addUser('anna', password, { roles: ['admin'], vms: null });
  const page = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
  const login = await ask(at, 'POST', '/api/v1/session', { ca: cert, headers: page, body: { name: 'anna', password } });
  expect(login.status).toBe(200);
  expect(login.headers['strict-transport-security']).toBe('max-age=31536000');
  const [cookie = ''] = login.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/^__Host-sendense=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const [pair = ''] = cookie.split(';');
  const known = async (sent: string, more = {}) =>
    (await ask(at, 'GET', '/api/v1/session', { ca: cert, headers: { cookie: sent, ...more } })).status;
  expect(await known(pair)).toBe(200);
  // A cookie of the name that it has without TLS may be planted by a sibling of the domain.
  expect(await known(pair.replace('__Host-', ''))).toBe(401);
  expect([await known(pair, { host: 'backup.example.com' }), await known(pair, { host: 'evil.example.com' })]).toEqual([
    200, 421,
  ]);
  const { host } = new URL(at.running.url);
  const write = async (origin: string) =>
    (await ask(at, 'DELETE', '/api/v1/account/sessions', { ca: cert, headers: { cookie: pair, origin } })).status;
  expect([await write(`http://${host}`), await write(`https://${host}`)]).toEqual([403, 200]);
  const out = await ask(at, 'DELETE', '/api/v1/session', {
    ca: cert,
    headers: { 'cookie': pair, 'sec-fetch-site': 'same-origin' },
  });
  expect(String(out.headers['set-cookie'])).toContain(
    '__Host-sendense=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
  );
  // Who speaks HTTP to it gets nothing.
  const plain = { running: { url: at.running.url.replace('https', 'http') } };
  await expect(raw(plain, 'GET', '/')).rejects.toThrow('socket hang up');
});

/** Hangs up in the middle of the first message of TLS. */
async function hangUp(at: ServedHub): Promise<void> {
  const socket = connect(Number(new URL(at.running.url).port), '127.0.0.1');
  const closed = once(socket, 'close');
  socket.on('error', () => undefined).end(Buffer.from('160301020001', 'hex'));
  await closed;
}

test('browsers that do not know the certificate yet use up nobody’s requests', async () => {
  const { certificate: cert, key } = makeCertificate(names);
  await using at = await servedHub({ refusedPerMinute: 3 }, {}, { certificate: { cert, key } });
  for (let attempt = 0; attempt < 8; attempt++)
    await expect(ask(at, 'GET', '/api/v1/session', {})).rejects.toThrow('self-signed certificate');
  expect((await ask(at, 'GET', '/api/v1/session', { ca: cert })).status).toBe(401);
  // Whether Node has said its last word of the handshake when it hangs up is a matter of moments. These have said their first.
  for (let attempt = 0; attempt < 3; attempt++) await hangUp(at);
  await until(() => at.lines.some(({ msg }) => msg === 'TLS did not begin'), 'the line');
  // Of one that has hung up already the address is not known any more.
  const peers = at.lines.flatMap(({ msg, peer }) => (msg === 'TLS did not begin' ? [peer] : []));
  expect(new Set(peers).size).toBe(peers.length);
});

test('a new certificate is taken while the hub runs, and one that is no good is told and changes nothing', async () => {
  await using folder = await temporaryFolder();
  const files = filesIn(folder.path);
  const first = await hubCertificate(files, []);
  await using at = await servedHub({}, {}, { certificate: first });
  const told: string[] = [];
  const say = (facts: unknown, text?: string): void => void told.push(text ?? String(facts));
  using _following = followCertificate({
    files,
    first,
    server: at.app.server as unknown as Server,
    log: { info: say, warn: say } as never,
    everyMs: 10,
  });
  const shown = async () => (await ask(at, 'GET', '/', { rejectUnauthorized: false })).fingerprint;
  expect(await shown()).toBe(first.fingerprint);
  writeFileSync(files.certificate, 'half a file');
  await until(() => told.some((text) => text.includes('stays as it was')), 'the warning');
  expect(await shown()).toBe(first.fingerprint);
  const next = makeCertificate(names);
  writeFileSync(files.certificate, `${next.key}${next.certificate}`);
  await until(() => told.includes('a new certificate'), 'the new certificate');
  expect(await shown()).toBe(new X509Certificate(next.certificate).fingerprint256);
  expect(readFileSync(files.certificate, 'utf8')).not.toBe('');
  expect(told.filter((text) => text === 'a new certificate')).toHaveLength(1);
});
