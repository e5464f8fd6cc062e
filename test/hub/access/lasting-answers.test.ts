import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { raw } from '../../node/raw-request.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
const request = { name: 'ci', roles: ['operator'], vms: null, expires: null, by: 'root' };
const page = { 'authorization': undefined, 'sec-fetch-site': 'same-origin' };

const bearer = (secret: string) => ({ authorization: `bearer ${secret}` });

async function cookieOf(at: ServedHub, name: string): Promise<{ readonly cookie: string }> {
  const { headers } = await raw(at, 'POST', '/api/v1/session', JSON.stringify({ name, password }), page);
  return { cookie: String(headers['set-cookie']).split(';')[0] ?? '' };
}

/** Waits for the end of a stream of events that goes on. */
async function watching(at: ServedHub, headers: Record<string, string>): Promise<{ readonly ended: Promise<string> }> {
  const answer = await fetch(`${at.running.url}/api/v1/events`, { headers });
  expect(answer.status).toBe(200);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  const ended = (async (): Promise<string> => {
    try {
      while (!(await reader.read()).done);
      return 'done';
    } catch {
      return 'cut off';
    }
  })();
  return { ended };
}

test(
  'an answer that goes on ends when its token is revoked or expires, and no other',
  { timeout: 60_000 },
  async () => {
    await using at = await servedHub();
    const tokens = at.hub.tokens;
    const [kept, gone] = [tokens.create({ ...request, name: 'kept' }), tokens.create({ ...request, name: 'gone' })];
    const short = tokens.create({ ...request, name: 'short', expires: Date.now() + 3000 });
    const stays = await watching(at, bearer(kept.secret));
    const [revoked, expired] = [await watching(at, bearer(gone.secret)), await watching(at, bearer(short.secret))];
    tokens.revoke('gone');
    expect(await Promise.all([revoked.ended, expired.ended])).toEqual(['cut off', 'cut off']);
    expect(await Promise.race([stays.ended, delay(3000, 'goes on')])).toBe('goes on');
  },
);

test(
  'an answer that goes on ends when its user logs out, is disabled, or may do less',
  { timeout: 60_000 },
  async () => {
    await using at = await servedHub();
    const { access } = at.hub;
    const names = ['stays', 'leaves', 'disabled', 'less', 'fewer'];
    for (const name of names) await access.addUser(name, password, { roles: ['operator'], vms: null });
    const cookies = await Promise.all(names.map((name) => cookieOf(at, name)));
    const [stays, ...others] = await Promise.all(cookies.map((cookie) => watching(at, { ...cookie })));
    await raw(at, 'DELETE', '/api/v1/session', '', { ...page, ...cookies[1] });
    access.setDisabled('disabled', true);
    access.setRoles('less', { roles: ['viewer'], vms: null });
    access.setRoles('fewer', { roles: ['operator'], vms: ['pg*'] });
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual(names.slice(1).map(() => 'cut off'));
    expect(await Promise.race([stays?.ended, delay(3000, 'goes on')])).toBe('goes on');
  },
);

test('nobody has so many streams of events that others have none', { timeout: 60_000 }, async () => {
  await using at = await servedHub();
  const [greedy, other] = ['greedy', 'other'].map((name) => at.hub.tokens.create({ ...request, name }).secret);
  for (let open = 0; open < 20; open++) await watching(at, bearer(greedy ?? ''));
  const refused = await raw(at, 'GET', '/api/v1/events', '', bearer(greedy ?? ''));
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '30']);
  await watching(at, bearer(other ?? ''));
});
