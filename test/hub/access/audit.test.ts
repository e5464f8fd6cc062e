import { expect, test } from 'vitest';
import { manageAudit } from '../../../src/hub/access/manage-audit.ts';
import { hubApi } from '../../../src/hub/routes/index.ts';
import type { AuditOutput } from '../../../src/schemas/types.ts';
import { forgetAudit } from '../../../src/state/access/audit.ts';
import { noteReads } from '../../../src/state/files/file-reads.ts';
import { expectDocumented } from '../../api/documented.ts';
import { raw } from '../../node/raw-request.ts';
import { temporaryState } from '../../state/temporary-state.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
type Headers = Record<string, string | undefined>;
const none = { authorization: undefined };
const page = { ...none, 'sec-fetch-site': 'same-origin' };
const route = hubApi.routes.find(({ id }) => id === 'readAudit') ?? expect.fail();
const all = { limit: 1000, after: null };

const logIn = (at: ServedHub, name: string, secret = password) =>
  raw(at, 'POST', '/api/v1/session', JSON.stringify({ name, password: secret }), page);

const told = (at: ServedHub): readonly unknown[] =>
  at.hub.audit
    .list({}, all)
    .entries.toReversed()
    .map(({ action, who, caller, status, error, facts }) => [action, who, caller, status, error, facts]);

test('logins and writes are written down with who, what and how they ended; what changes nothing is not', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const cookie = String((await logIn(at, 'anna')).headers['set-cookie']).split(';')[0] ?? '';
  await logIn(at, 'anna', 'not this password');
  // A password that was typed where the name belongs is not kept.
  await logIn(at, password);
  const asAnna = (method: string, path: string, body = '', more: Headers = {}) =>
    raw(at, method, path, body, { ...page, cookie, ...more });
  await asAnna('GET', '/api/v1/runs');
  await asAnna('POST', '/api/v1/plans/validate', JSON.stringify({ text: 'kind: backup' }));
  await asAnna('POST', '/api/v1/schedules/nightly/pause', '{}');
  await asAnna('POST', '/api/v1/session/fresh', '{}');
  await raw(at, 'POST', '/api/v1/schedules/nightly/pause', '{}');
  await raw(at, 'POST', '/api/v1/schedules/nightly/pause', '{}', { authorization: 'Bearer nonsense' });
  await asAnna('DELETE', '/api/v1/session');
  expect(told(at)).toEqual([
    ['login', 'anna', 'nobody', 200, null, {}],
    ['login', 'anna', 'nobody', 401, 'access.refused', {}],
    ['login', '', 'nobody', 401, 'access.refused', {}],
    ['pauseSchedule', 'anna', 'session', 403, 'access.right', { plan: 'nightly' }],
    ['proveSession', 'anna', 'session', 400, 'request.invalid', {}],
    ['pauseSchedule', 'hub-api.token', 'file-token', 404, 'schedule.unknown', { plan: 'nightly' }],
    ['logout', 'anna', 'session', 204, null, {}],
  ]);
  expect(at.hub.audit.list({}, all).entries.every(({ address, ended }) => address === '127.0.0.1' && ended)).toBe(true);
});

test('who does not get a file is written down with what was asked for, though nothing changes', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const cookie = String((await logIn(at, 'anna')).headers['set-cookie']).split(';')[0] ?? '';
  const path = Buffer.from('etc/shadow').toString('base64url');
  const file = `/api/v1/restore/b1/download?volume=disk-0p1&path=${path}&transfer=t1`;
  expect((await raw(at, 'GET', file, '', { ...page, cookie })).status).toBe(403);
  expect((await raw(at, 'GET', file, '')).status).toBeGreaterThanOrEqual(400);
  expect((await raw(at, 'GET', file, '', none)).status).toBe(401);
  const facts = { session: 'b1', volume: 'disk-0p1', path: '/etc/shadow' };
  expect(told(at).slice(1)).toEqual([
    ['downloadFile', 'anna', 'session', 403, 'access.right', facts],
    ['downloadFile', 'hub-api.token', 'file-token', expect.any(Number), expect.any(String), facts],
  ]);
});

test('who is refused all the time does not fill the log, and a path that is too long keeps its end', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const cookie = String((await logIn(at, 'anna')).headers['set-cookie']).split(';')[0] ?? '';
  const path = Buffer.from(`${'/'.repeat(1500)}etc/shadow`).toString('base64url');
  const ask = (more: string) =>
    raw(at, 'GET', `/api/v1/restore/b1/download?volume=v&path=${path}${more}`, '', { ...page, cookie });
  for (let turn = 0; turn < 65; turn++) expect((await ask('')).status).toBe(403);
  expect(told(at)).toHaveLength(61);
  expect(at.lines.filter(({ msg }) => msg.includes('is refused often'))).toHaveLength(1);
  const { facts } = at.hub.audit.list({ action: 'downloadFile' }, { limit: 1, after: null }).entries[0] ?? {};
  expect(facts?.['path']).toMatch(/^\/+…\/+etc\/shadow$/);
});

test('an administrator reads the log, filtered and page by page', async () => {
  await using at = await servedHub();
  for (const name of ['anna', 'berta', 'carla']) {
    await at.hub.access.addUser(name, password, { roles: ['viewer'], vms: null });
    await logIn(at, name);
  }
  await logIn(at, 'anna', 'not this password');
  const ask = async (query: string) => {
    const answer = await raw<AuditOutput>(at, 'GET', `/api/v1/audit?${query}`, '');
    expectDocumented(route, answer);
    return answer.body.entries.map(({ who, error }) => `${who} ${error ?? 'ok'}`);
  };
  expect(await ask('outcome=failed')).toEqual(['anna access.refused']);
  expect(await ask('who=anna')).toEqual(['anna access.refused', 'anna ok']);
  expect(await ask('action=logout')).toEqual([]);
  expect(await ask(`since=${Date.now() + 60_000}`)).toEqual([]);
  const first = await raw<AuditOutput>(at, 'GET', '/api/v1/audit?limit=3', '');
  expect(await ask(`limit=3&cursor=${first.body.next_cursor}`)).toEqual(['anna ok']);
  for (const query of ['outcome=x', 'since=x', 'limit=0', 'cursor=x', 'cursor=WzFd'])
    expect((await raw(at, 'GET', `/api/v1/audit?${query}`, '')).status, query).toBe(400);
});

test('reads of files stand among the other entries, and pages neither lose nor repeat one of the same moment', () => {
  using place = temporaryState();
  const { state } = place;
  const audit = manageAudit(state);
  const read = {
    runId: 'r',
    who: 'hub user anna',
    address: '192.0.2.7',
    repository: 'primary',
    context: 'pg1',
    backupId: 'b',
  } as const;
  for (let at = 0; at < 5; at++) {
    audit.begin({ who: 'anna', caller: 'session', address: null, action: 'runPlan', facts: {} })({ status: 202 });
    noteReads(state, [{ ...read, action: 'download', volume: 'disk-0p1', path: Buffer.from('etc/x') }]);
  }
  state.run(state.query.updateTable('audit').set({ at: 1000 }));
  state.run(state.query.updateTable('file_reads').set({ at: 1000 }));
  const whole = audit.list({}, all).entries.map(({ id }) => id);
  expect(whole).toHaveLength(10);
  for (const limit of [1, 3, 4]) {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      // What it begins with is the list that it is of.
      const values = cursor === null ? null : (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as number[]);
      const after = values?.slice(1) ?? null;
      const { entries, next_cursor: next } = audit.list({}, { limit, after });
      found.push(...entries.map(({ id }) => id));
      cursor = next;
    } while (cursor !== null);
    expect(found, String(limit)).toEqual(whole);
  }
  expect(audit.list({ who: 'anna', action: 'download' }, all).entries[0]).toMatchObject({
    who: 'hub user anna',
    caller: 'files',
    address: '192.0.2.7',
    facts: { vm: 'pg1', backup_id: 'b', volume: 'disk-0p1', path: '/etc/x' },
  });
  expect(forgetAudit(state, 1000)).toBe(0);
  expect(forgetAudit(state, 1001)).toBe(5);
});

test('what cannot be written down is not done', async () => {
  await using at = await servedHub(
    {},
    {
      audit: {
        begin: () => {
          throw new Error('the disk is full');
        },
        list: () => expect.fail(),
      },
    },
  );
  const answer = await raw(at, 'POST', '/api/v1/schedules/nightly/pause', '{}');
  expect([answer.status, answer.body.error.code]).toEqual([500, 'run.internal']);
});

test('what a hub was doing when it was killed stays in the log without an end', () => {
  using place = temporaryState();
  const audit = manageAudit(place.state);
  audit.begin({ who: 'anna', caller: 'session', address: '192.0.2.7', action: 'runPlan', facts: { plan: 'nightly' } });
  expect(audit.list({}, all).entries).toMatchObject([{ who: 'anna', ended: null, status: null, error: null }]);
});
