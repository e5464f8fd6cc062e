import { chmod, chown, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { HubPlanFile, HubPlanFiles, ValidateOutput } from '../../src/schemas/types.ts';
import { raw, type Answer } from '../node/raw-request.ts';
import { servedHub, type ServedHub } from './access/served-hub.ts';

const password = 'four random words here';
const plan = (name: string, more = ''): string => `# Keep this comment: naïve ✓
version: 1
kind: backup
name: ${name}
vm: { name: ${name}, source: { type: image, disks: [{ path: ./disk.raw }] } }
repository: primary
${more}`;

type Headers = Record<string, string | undefined>;

const ask = <T = unknown>(at: ServedHub, method: string, path: string, body?: object, more: Headers = {}) =>
  raw<T>(at, method, `/api/v1${path}`, body ? JSON.stringify(body) : '', {
    'content-type': body ? 'application/json' : undefined,
    ...more,
  });

const told = ({ status, body }: Answer<unknown>): unknown => [
  status,
  (body as { readonly error?: { readonly code: string } } | null)?.error?.code,
];

/** A folder of plans, and what is in it. */
const placeOf = (at: ServedHub, file = ''): string => join(at.folder, 'plans', file);

test('a plan file is made, read, replaced and removed byte for byte; owner and mode stay', async () => {
  await using at = await servedHub();
  const made = await ask(at, 'POST', '/plan-files', { file: 'web.yaml', text: plan('web') });
  expect([made.status, made.headers['location']]).toEqual([201, '/api/v1/plan-files/web.yaml']);
  await chmod(placeOf(at, 'web.yaml'), 0o640);
  await chown(
    placeOf(at, 'web.yaml'),
    process.geteuid?.() ?? 0,
    process.geteuid?.() === 0 ? 65_534 : (process.getegid?.() ?? 0),
  );
  const before = await stat(placeOf(at, 'web.yaml'));
  const read = await ask<HubPlanFile>(at, 'GET', '/plan-files/web.yaml');
  expect(read.body.text).toBe(plan('web'));
  // Line ends and a byte order mark are somebody's choice.
  const text = `\ufeff${plan('web', '# é\n').replaceAll('\n', '\r\n')}`;
  const saved = await ask(at, 'PUT', '/plan-files/web.yaml', { text }, { 'if-match': read.headers['etag'] });
  expect(saved.status, JSON.stringify(saved.body)).toBe(200);
  expect(await readFile(placeOf(at, 'web.yaml'), 'utf8')).toBe(text);
  const after = await stat(placeOf(at, 'web.yaml'));
  expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
  const again = await ask<HubPlanFile>(at, 'GET', '/plan-files/web.yaml');
  expect([again.body.text, again.headers['etag']]).toEqual([text, saved.headers['etag']]);
  expect(
    (await ask(at, 'DELETE', '/plan-files/web.yaml', undefined, { 'if-match': again.headers['etag'] })).status,
  ).toBe(204);
  expect(await readdir(placeOf(at))).toEqual([]);
});

test('a plan that never ran is known by its file, where that is valid and the only one', async () => {
  await using at = await servedHub();
  const named = (name: string) => at.hub.planFiles.planNamed(name);
  expect(await named('web')).toBeUndefined();
  await ask(at, 'POST', '/plan-files', { file: 'web.yaml', text: plan('web') });
  expect(await named('web')).toEqual({
    plan: 'web',
    kind: 'backup',
    vm: 'web',
    repository: 'primary',
    file: placeOf(at, 'web.yaml'),
    scheduled: false,
  });
  await writeFile(placeOf(at, 'other.yaml'), plan('web'));
  expect(await named('web')).toBeUndefined();
  await writeFile(placeOf(at, 'other.yaml'), plan('other', 'nonsense: 1\n'));
  expect([await named('other'), (await named('web'))?.plan]).toEqual([undefined, 'web']);
});

test('who did not see the last version changes nothing, and is told which version is there', async () => {
  await using at = await servedHub();
  const made = await ask(at, 'POST', '/plan-files', { file: 'web.yaml', text: plan('web') });
  const from = { 'if-match': made.headers['etag'] };
  const both = await Promise.all(
    ['one', 'two'].map((who) => ask(at, 'PUT', '/plan-files/web.yaml', { text: plan('web', `# ${who}\n`) }, from)),
  );
  const [won, lost] = both.toSorted((a, b) => a.status - b.status);
  expect([won?.status, told(lost as Answer<unknown>)]).toEqual([200, [412, 'plan.changed']]);
  expect(lost?.headers['etag']).toBe(won?.headers['etag']);
  expect(await readFile(placeOf(at, 'web.yaml'), 'utf8')).toBe((won as Answer<HubPlanFile>).body.text);
  expect(told(await ask(at, 'PUT', '/plan-files/web.yaml', { text: plan('web') }))).toEqual([428, 'plan.unread']);
  expect(told(await ask(at, 'DELETE', '/plan-files/web.yaml'))).toEqual([428, 'plan.unread']);
  expect(told(await ask(at, 'DELETE', '/plan-files/web.yaml', undefined, from))).toEqual([412, 'plan.changed']);
  expect(told(await ask(at, 'POST', '/plan-files', { file: 'web.yaml', text: plan('web') }))).toEqual([
    409,
    'file.exists',
  ]);
});

test('a text that is no valid plan, or has the name of another, is saved only as asked', async () => {
  await using at = await servedHub();
  const wrong = plan('web').replace('primary', 'none');
  const refused = await ask<{ error: { position: object } }>(at, 'POST', '/plan-files', {
    file: 'web.yaml',
    text: wrong,
  });
  expect(told(refused)).toEqual([422, 'plan.invalid']);
  expect(refused.body.error.position).toEqual({ file: 'web.yaml', line: 6, column: 13 });
  expect(await readdir(placeOf(at))).toEqual([]);
  expect((await ask(at, 'POST', '/plan-files', { file: 'web.yaml', text: wrong, force: true })).status).toBe(201);
  const { body } = await ask<HubPlanFiles>(at, 'GET', '/plan-files');
  expect(body.files).toMatchObject([{ file: 'web.yaml', plan: 'web', kind: 'backup', valid: false }]);
  expect(body.files[0]?.problem).toMatch(/^6:13: .*none/);
  const twin = await ask<{ error: { message: string } }>(at, 'POST', '/plan-files', {
    file: 'twin.yaml',
    text: plan('web'),
  });
  expect(twin.body.error.message).toContain('a plan named web is in web.yaml already');
});

test('no name and no link leads out of the folder of the plans, and settings are no plan', async () => {
  await using at = await servedHub();
  await writeFile(join(at.folder, 'outside.yaml'), plan('outside'));
  await mkdir(placeOf(at, 'deep/.hidden'), { recursive: true });
  await symlink(at.folder, placeOf(at, 'away'));
  await symlink(join(at.folder, 'outside.yaml'), placeOf(at, 'link.yaml'));
  await writeFile(placeOf(at, 'lab.yaml'), 'repositories: { primary: { path: ./r } }\n');
  await writeFile(placeOf(at, 'deep/ok.yml'), plan('ok'));
  const names = [
    '../outside.yaml',
    'deep/../../outside.yaml',
    '/etc/passwd.yaml',
    'away/outside.yaml',
    'away/new.yaml',
    'nowhere/new.yaml',
    'deep/.hidden/new.yaml',
    '.new.yaml',
    'sendense.yaml',
    'deep/node.yaml',
    'new.txt',
    'new\n.yaml',
    'new\u0000.yaml',
    'lab.yaml',
    `${'a'.repeat(499)}.yaml`,
  ];
  for (const file of names) {
    const path = `/plan-files/${encodeURIComponent(file)}`;
    const answers = [
      await ask(at, 'GET', path),
      await ask(at, 'PUT', path, { text: plan('x') }, { 'if-match': '*' }),
      await ask(at, 'DELETE', path, undefined, { 'if-match': '*' }),
      await ask(at, 'POST', '/plan-files', { file, text: plan('x') }),
    ];
    for (const { status } of answers) expect([400, 404, 409], `${file}: ${JSON.stringify(answers)}`).toContain(status);
  }
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect(
      told(
        await ask(at, method, '/plan-files/link.yaml', method === 'PUT' ? { text: plan('x') } : undefined, {
          'if-match': '*',
        }),
      ),
    ).toEqual([422, 'file.unreadable']);
  expect(
    told(await ask(at, 'POST', '/plan-files', { file: 'set.yaml', text: 'repositories: {}\n', force: true })),
  ).toEqual([404, 'plan.file']);
  expect(await readFile(join(at.folder, 'outside.yaml'), 'utf8')).toBe(plan('outside'));
  const { body } = await ask<HubPlanFiles>(at, 'GET', '/plan-files');
  expect(body.files.map(({ file, link: isLink }) => [file, isLink])).toEqual([
    ['deep/ok.yml', false],
    ['link.yaml', true],
  ]);
  expect((await ask<HubPlanFile>(at, 'GET', '/plan-files/deep%2Fok.yml')).body.text).toBe(plan('ok'));
});

test('a second name of the file keeps the old text, and a folder that cannot be written to is told', async () => {
  await using at = await servedHub();
  await writeFile(placeOf(at, 'web.yaml'), plan('web'));
  await link(placeOf(at, 'web.yaml'), join(at.folder, 'kept'));
  expect(
    (await ask(at, 'PUT', '/plan-files/web.yaml', { text: plan('web', '# new\n') }, { 'if-match': '*' })).status,
  ).toBe(200);
  expect(await readFile(join(at.folder, 'kept'), 'utf8')).toBe(plan('web'));
  const half = await ask(at, 'PUT', '/plan-files/web.yaml', { text: `${plan('web')}# \ud800` }, { 'if-match': '*' });
  expect(half.status).toBe(400);
});

test('only who may write plans gets at the files, only where the settings say so, and with a fresh password', async () => {
  await using at = await servedHub();
  await writeFile(placeOf(at, 'web.yaml'), plan('web'));
  const cookies: Record<string, Headers> = {};
  for (const role of ['viewer', 'operator', 'restorer', 'admin']) {
    await at.hub.access.addUser(role, password, { roles: [role], vms: null });
    const page = { 'authorization': undefined, 'sec-fetch-site': 'same-origin' };
    const login = await raw(at, 'POST', '/api/v1/session', JSON.stringify({ name: role, password }), page);
    cookies[role] = { ...page, cookie: String(login.headers['set-cookie']).split(';')[0] };
  }
  const all = (headers: Headers = {}): Promise<Answer<unknown>[]> =>
    Promise.all([
      ask(at, 'GET', '/plan-files', undefined, headers),
      ask(at, 'GET', '/plan-files/web.yaml', undefined, headers),
      ask(at, 'POST', '/plans/preview', { text: plan('x') }, headers),
      ask(at, 'POST', '/plan-files', { file: 'x.yaml', text: plan('x') }, headers),
      ask(at, 'PUT', '/plan-files/web.yaml', { text: plan('x') }, { ...headers, 'if-match': '*' }),
      ask(at, 'DELETE', '/plan-files/web.yaml', undefined, { ...headers, 'if-match': '*' }),
    ]);
  for (const role of ['viewer', 'operator', 'restorer'])
    for (const answer of await all(cookies[role])) expect(told(answer)).toEqual([403, 'access.right']);
  // A secret that others can read is told to who may write plans, and to nobody else: it says that the file is there.
  const named = {
    text: plan('x', 'notify: { channels: { c: { type: webhook, url: { secret: { file: /etc/passwd } } } } }\n'),
  };
  const rulesFor = async (role: string): Promise<string[]> =>
    (await ask<ValidateOutput>(at, 'POST', '/plans/validate', named, cookies[role])).body.diagnostics.map(
      ({ rule }) => rule,
    );
  expect(await rulesFor('viewer')).not.toContain('secret/exposed');
  expect(await rulesFor('admin')).toContain('secret/exposed');
  const outside = { text: plan('x'), file: '../x.yaml' };
  expect(told(await ask(at, 'POST', '/plans/validate', outside, cookies['viewer']))).toEqual([403, 'access.right']);
  expect(told(await ask(at, 'POST', '/plans/validate', outside, cookies['admin']))).toEqual([404, 'plan.file']);
  expect(await readFile(placeOf(at, 'web.yaml'), 'utf8')).toBe(plan('web'));

  await using off = await servedHub({}, { planFiles: { ...at.hub.planFiles, editable: false } });
  const none = { version: 1, editable: false, folder: placeOf(at), files: [] };
  expect((await ask(off, 'GET', '/plan-files')).body).toEqual(none);
  for (const [method, path, body] of [
    ['GET', '/plan-files/web.yaml'],
    ['POST', '/plans/preview', { text: plan('x') }],
    ['POST', '/plan-files', { file: 'x.yaml', text: plan('x') }],
    ['PUT', '/plan-files/web.yaml', { text: plan('x') }],
    ['DELETE', '/plan-files/web.yaml'],
  ] as const)
    expect(told(await ask(off, method, path, body, { 'if-match': '*' }))).toEqual([403, 'plan.locked']);
  expect(await readdir(placeOf(at))).toEqual(['web.yaml']);
});

/** As people may write them. */
const secrets = [
  'x-token: hunter2',
  'x-password: |',
  '  correct horse',
  'x-secret:',
  '  hunter3',
  'x-passphrase: "hunter4',
  '  hunter5"',
  'x-list:',
  '  - token: hunter6',
  '      hunter7',
  '  - credential: {',
  '      value: hunter8 }',
  'x-url: { secret: { file: /etc/sendense/url } }',
  '# said: it is all right',
  '',
].join('\n');

test('whoever may look gets the text of a plan without its secrets', async () => {
  await using at = await servedHub();
  const file = placeOf(at, 'vm0001-nightly.yaml');
  await writeFile(file, plan('vm0001-nightly', secrets));
  const { openState } = await import('../../src/state/database/open-state.ts');
  const { watchPlan } = await import('../../src/state/schedules/plan-health.ts');
  {
    using state = openState(join(at.folder, 'state/sendense.db'));
    const health = { kind: 'backup', vm: 'vm0001', repository: 'primary', file, notify: undefined, rpo: null };
    watchPlan(state, { plan: 'vm0001-nightly', ...health });
  }
  const { body } = await ask<{ text: string; file: string }>(at, 'GET', '/plans/vm0001-nightly/text');
  expect(body.file).toBe('vm0001-nightly.yaml');
  expect(body.text).toContain('# Keep this comment');
  expect(body.text).toContain('x-token: *******');
  expect(body.text).not.toMatch(/hunter|correct|horse/);
  expect(body.text).toContain('x-url: { secret: { file: /etc/sendense/url } }');
  expect(body.text).toContain('# said: it is all right');
  await chmod(file, 0o666);
  expect(told(await ask(at, 'GET', '/plans/vm0001-nightly/text'))).toEqual([422, 'file.unreadable']);
});

test('of plans with one name that are made at the same time one is saved', async () => {
  await using at = await servedHub();
  const files = ['a.yaml', 'b.yaml', 'c.yaml'];
  const made = await Promise.all(files.map((file) => ask(at, 'POST', '/plan-files', { file, text: plan('web') })));
  expect(made.map(({ status }) => status).toSorted()).toEqual([201, 422, 422]);
  expect(await readdir(placeOf(at))).toHaveLength(1);
});
