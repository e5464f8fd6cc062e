import { expect, test } from 'vitest';
import { manageTokens } from '../../../src/hub/access/manage-tokens.ts';
import { useToken } from '../../../src/state/access/tokens.ts';
import { raw } from '../../node/raw-request.ts';
import { temporaryState } from '../../state/temporary-state.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const request = { name: 'ci', roles: ['operator'], vms: null, expires: null, by: 'root' };

const ask = (at: ServedHub, secret: string, method: string, path: string, body = '') =>
  raw(at, method, path, body, { authorization: `Bearer ${secret}` });

test('a token may do what its roles may, without a page or a password, until it is revoked', async () => {
  await using at = await servedHub();
  const { secret } = at.hub.tokens.create(request);
  const shown = await ask(at, secret, 'GET', '/api/v1/session');
  expect(shown.body).toMatchObject({ user: 'token:ci', rights: ['look', 'operate', 'figures', 'self'] });
  const pause = () => ask(at, secret, 'POST', '/api/v1/schedules/nightly/pause', '{}');
  expect((await pause()).body.error.code).toBe('schedule.unknown');
  expect((await ask(at, secret, 'GET', '/api/v1/audit')).body.error.code).toBe('access.right');
  expect(at.hub.audit.list({ who: 'token:ci' }, { limit: 9, after: null }).entries).toMatchObject([
    { action: 'pauseSchedule', caller: 'api-token', error: 'schedule.unknown' },
  ]);
  expect(at.hub.tokens.list().tokens).toMatchObject([{ address: '127.0.0.1', used: expect.any(Number) as number }]);
  for (const wrong of [`${secret}x`, secret.slice(0, -1), secret.slice(4), `sds_${'A'.repeat(43)}`, 'ci'])
    expect((await ask(at, wrong, 'GET', '/api/v1/session')).status, wrong).toBe(401);
  expect(JSON.stringify(at.lines)).not.toContain(secret);
  at.hub.tokens.revoke('ci');
  expect((await ask(at, secret, 'GET', '/api/v1/session')).status).toBe(401);
});

test('a token for some VMs is refused where a route does not heed that, and knows of no other VM', async () => {
  await using at = await servedHub();
  const { secret } = at.hub.tokens.create({ ...request, roles: ['restorer'], vms: ['pg*'] });
  const { body } = await ask(at, secret, 'GET', '/api/v1/session');
  expect(body).toMatchObject({ roles: ['restorer'], vms: ['pg*'], expires: null });
  expect((await ask(at, secret, 'GET', '/api/v1/nodes')).status).toBe(403);
  expect((await ask(at, secret, 'GET', '/api/v1/backups')).status).toBe(200);
  expect((await ask(at, secret, 'GET', '/api/v1/vms/web1')).status).toBe(404);
});

test('a token is good up to its end', () => {
  using place = temporaryState();
  const end = Date.now() + 1000;
  const { secret } = manageTokens(place.state).create({ ...request, expires: end });
  expect(useToken(place.state, secret, null, end - 1)?.name).toBe('ci');
  expect(useToken(place.state, secret, null, end)).toBeUndefined();
});
