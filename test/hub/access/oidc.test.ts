import { expect, test } from 'vitest';
import type { SessionInfo } from '../../../src/schemas/types.ts';
import { raw } from '../../node/raw-request.ts';
import { lyingProvider, type Lie } from './lying-provider.ts';
import { client, realProvider, Surfer, type RealProvider } from './oidc-provider.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
const settingsFor = (issuer: string): string =>
  `oidc: { issuer: '${issuer}', clientId: ${client.id}, clientSecret: sso, name: Example SSO, scope: openid profile, groups: { admins: admin, dba: [viewer, restorer] }, vms: { dba: ['pg*'] } }`;

interface Place extends AsyncDisposable {
  readonly at: ServedHub;
  readonly provider: RealProvider;
  readonly begin: string;
}

async function hubWithProvider(): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await realProvider());
  const at = stack.use(await servedHub({}, {}, { settings: settingsFor(provider.issuer) }));
  at.hub.credentials.add('sso', client.id, client.secret);
  provider.serve(at.running.url);
  provider.groups.set('anna', ['staff', 'admins']);
  provider.groups.set('dora', ['dba']);
  const begin = `${at.running.url}/api/v1/session/oidc`;
  return { at, provider, begin, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function sessionOf(at: ServedHub, surfer: Surfer): Promise<SessionInfo> {
  const answer = await surfer.open(`${at.running.url}/api/v1/session`);
  return (await answer.json()) as SessionInfo;
}

const codeOf = async (answer: Response): Promise<unknown> => {
  const text = await answer.text();
  return [answer.status, text === '' ? null : (JSON.parse(text) as { error: { code: string } }).error.code];
};

test('who logs in at the provider is let in with the roles of the groups, and is a user like others', async () => {
  await using place = await hubWithProvider();
  const { at, begin } = place;
  const ways = await raw<object>(at, 'GET', '/api/v1/session/ways', '', { authorization: undefined });
  expect(ways.body).toEqual({ oidc: { name: 'Example SSO' } });
  const anna = new Surfer();
  const back = await anna.logIn(`${begin}?to=/runs%3Fstatus%3Dfailed`, 'anna', at.running.url);
  const done = await anna.open(back);
  expect([done.status, done.headers.get('location')]).toEqual([302, '/runs?status=failed']);
  expect(done.headers.getSetCookie()[0]).toMatch(/^sendense=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(await sessionOf(at, anna)).toMatchObject({ user: 'anna', roles: ['admin'], vms: null, kind: 'oidc' });
  const dora = new Surfer();
  await dora.open(await dora.logIn(begin, 'dora', at.running.url));
  expect(await sessionOf(at, dora)).toMatchObject({ roles: ['viewer', 'restorer'], vms: ['pg*'] });
  expect(at.hub.access.users().users).toMatchObject([
    { name: 'anna', kind: 'oidc', roles: ['admin'], sessions: 1 },
    { name: 'dora', kind: 'oidc' },
  ]);
  // She has no password here, and nobody gives her one.
  const json = JSON.stringify({ name: 'anna', password: '' });
  expect((await raw(at, 'POST', '/api/v1/session', json)).status).toBe(400);
  await expect(at.hub.access.setPassword('anna', password)).rejects.toMatchObject({ code: 'access.elsewhere' });
  // The groups of now count: dora loses hers, and the session that she had.
  place.provider.groups.set('dora', []);
  const later = new Surfer();
  const refused = await later.open(await later.logIn(begin, 'dora', at.running.url));
  expect(await codeOf(refused)).toEqual([403, 'access.groups']);
  expect((await dora.open(`${at.running.url}/api/v1/session`)).status).toBe(401);
  const { entries } = at.hub.audit.list({}, { limit: 9, after: null });
  expect(entries.map(({ action, who, error }) => [action, who, error])).toEqual([
    ['finishOidc', '', 'access.groups'],
    ['finishOidc', 'dora', null],
    ['finishOidc', 'anna', null],
  ]);
  const told = JSON.stringify([at.lines, entries]);
  for (const secret of [client.secret, new URL(back).searchParams.get('code') ?? '?'])
    expect(told).not.toContain(secret);
});

test('a code is good once, in the browser that began, from the provider that it was begun with', async () => {
  await using place = await hubWithProvider();
  const { at, begin } = place;
  const anna = new Surfer();
  const back = await anna.logIn(begin, 'anna', at.running.url);
  const ticket = new Map(anna.jar.get(new URL(at.running.url).host));
  // Fixation: somebody else's browser, without or with an attempt of its own.
  const victim = new Surfer();
  expect(await codeOf(await victim.open(back))).toEqual([401, 'access.oidc']);
  await victim.open(begin);
  expect(await codeOf(await victim.open(back))).toEqual([401, 'access.oidc']);
  // Mix-up: another provider says that the code is its own, or nobody says whose it is.
  for (const change of [
    (query: URLSearchParams) => query.set('iss', 'https://evil.example.com'),
    (query: URLSearchParams) => query.delete('iss'),
    (query: URLSearchParams) => query.set('state', 'x'),
    (query: URLSearchParams) => query.set('code', 'x'),
  ]) {
    const other = new Surfer();
    const url = new URL(await other.logIn(begin, 'anna', at.running.url));
    change(url.searchParams);
    expect(await codeOf(await other.open(url.href)), url.search).toEqual([401, 'access.oidc']);
  }
  expect((await anna.open(back)).status).toBe(302);
  // Replayed: in the same browser, and with all that it had.
  expect(await codeOf(await anna.open(back))).toEqual([401, 'access.oidc']);
  const thief = new Surfer();
  thief.jar.set(new URL(at.running.url).host, ticket);
  expect(await codeOf(await thief.open(back))).toEqual([401, 'access.oidc']);
  // The session is new, whatever cookie the browser had.
  const planted = new Surfer();
  planted.jar.set(new URL(at.running.url).host, new Map([['sendense', 'A'.repeat(43)]]));
  await planted.open(await planted.logIn(begin, 'anna', at.running.url));
  expect(planted.jar.get(new URL(at.running.url).host)?.get('sendense')).not.toBe('A'.repeat(43));
  expect((await sessionOf(at, planted)).user).toBe('anna');
  // A person sees the page.
  const html = await new Surfer().open(back, { headers: { accept: 'text/html' } });
  expect([html.status, html.headers.get('location')]).toEqual([302, '/?login=access.oidc']);
  // The page to come back to is one of this hub.
  for (const to of [
    '//evil.example.com',
    'https://evil.example.com',
    '/\\evil.example.com',
    'x',
    '/日本',
    '/a b',
    '/\n',
  ]) {
    const led = new Surfer();
    const answer = await led.open(await led.logIn(`${begin}?to=${encodeURIComponent(to)}`, 'anna', at.running.url));
    expect(answer.headers.get('location'), to).toBe('/');
  }
});

test('what destroys asks the provider for the password again, and the session ends there too', async () => {
  await using place = await hubWithProvider();
  const { at, begin } = place;
  const anna = new Surfer();
  await anna.open(await anna.logIn(begin, 'anna', at.running.url));
  const remove = () =>
    anna.open(`${at.running.url}/api/v1/tokens/ghost`, {
      method: 'DELETE',
      headers: { 'sec-fetch-site': 'same-origin' },
    });
  expect(await codeOf(await remove())).toEqual([403, 'access.stale']);
  const json = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
  const prove = { method: 'POST', body: JSON.stringify({ password }), headers: json };
  expect(await codeOf(await anna.open(`${at.running.url}/api/v1/session/fresh`, prove))).toEqual([
    409,
    'access.elsewhere',
  ]);
  await anna.open(await anna.logIn(`${begin}?again=true`, 'anna', at.running.url));
  expect(await codeOf(await remove())).toEqual([404, 'access.token']);
  const out = await anna.open(`${begin}/sign-out`);
  expect(out.headers.get('location')).toContain(`${place.provider.issuer}/session/end?`);
  // Disabled here, she is refused although the provider lets her in.
  at.hub.access.setDisabled('anna', true);
  const later = new Surfer();
  expect(await codeOf(await later.open(await later.logIn(begin, 'anna', at.running.url)))).toEqual([
    401,
    'access.oidc',
  ]);
});

test('a user of the provider does not become a user of this hub who has the same name', async () => {
  await using place = await hubWithProvider();
  const { at, begin } = place;
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const anna = new Surfer();
  const answer = await anna.open(await anna.logIn(begin, 'anna', at.running.url));
  expect(await codeOf(answer)).toEqual([401, 'access.oidc']);
  expect(at.hub.access.users().users).toMatchObject([{ name: 'anna', kind: 'local', roles: ['viewer'] }]);
});

test('an ID token that is for another client, of another provider, attempt or key, or too old, lets nobody in', async () => {
  await using provider = await lyingProvider();
  await using at = await servedHub({}, {}, { settings: settingsFor(provider.issuer) });
  at.hub.credentials.add('sso', client.id, client.secret);
  const attempt = async (lie: Lie): Promise<unknown> => {
    const surfer = new Surfer();
    const led = await surfer.open(`${at.running.url}/api/v1/session/oidc`);
    const asked = new URL(led.headers.get('location') ?? '').searchParams;
    expect([asked.get('code_challenge_method'), asked.get('response_type')]).toEqual(['S256', 'code']);
    provider.nonce = asked.get('nonce') ?? '';
    provider.lie = lie;
    return await codeOf(
      await surfer.open(
        `${asked.get('redirect_uri')}?${new URLSearchParams({ code: 'c', state: asked.get('state') ?? '' }).toString()}`,
      ),
    );
  };
  const now = Math.floor(Date.now() / 1000);
  const lies: Readonly<Record<string, Lie>> = {
    'another audience': { claims: { aud: 'another' } },
    'several audiences, none authorised': { claims: { aud: ['sendense', 'another'], azp: 'another' } },
    'expired': { claims: { iat: now - 7200, exp: now - 3600 } },
    'of the future': { claims: { nbf: now + 3600 } },
    'another issuer': { claims: { iss: 'https://evil.example.com' } },
    'another attempt': { claims: { nonce: 'x' } },
    'no attempt': { claims: { nonce: undefined } },
    'another key': { foreign: true },
    'no signature': { header: { alg: 'none' } },
    'no user': { claims: { sub: undefined } },
  };
  for (const [what, lie] of Object.entries(lies)) expect(await attempt(lie), what).toEqual([401, 'access.oidc']);
  expect(at.hub.access.users().users).toEqual([]);
  expect(await attempt({})).toEqual([302, null]);
});

test('a provider that does not answer is told, and nobody who logs in here is kept out', async () => {
  await using at = await servedHub({}, {}, { settings: settingsFor('http://127.0.0.1:9') });
  at.hub.credentials.add('sso', client.id, client.secret);
  const answer = await new Surfer().open(`${at.running.url}/api/v1/session/oidc`);
  expect(await codeOf(answer)).toEqual([502, 'access.provider']);
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const json = JSON.stringify({ name: 'anna', password });
  expect((await raw(at, 'POST', '/api/v1/session', json)).status).toBe(200);
});
