/** `sendense-run --hub`: the same as at the hub, from another folder that knows nothing but the address and a token. */
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import type { CommandDefinition } from '../../src/cli/command.ts';
import { ways } from '../../src/cli/remote/ways.ts';
import { hubApi } from '../../src/hub/routes/index.ts';
import { noteReads } from '../../src/state/files/file-reads.ts';
import { startFile } from '../../src/schemas/package.ts';
import { hubProgram, resident, type Ended, type HubProgram } from '../e2e/hub-program.ts';
import { backupPlan, makeRaw } from '../e2e/workspace.ts';
import { makeCertificate } from '../support/certificate.ts';

const MiB = 2 ** 20;
let hub: HubProgram;
let elsewhere: string;

beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'sendense-remote-'));
  hub = await hubProgram('hub.restoreTo: [./restored]');
  await mkdir(hub.folder.file('restored'), { mode: 0o700 });
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw']));
  await writeFile(
    hub.folder.file('slow.yaml'),
    backupPlan(['a.raw'], "before: [{ run: [sleep, '600'] }]\n").replaceAll('pgtest1', 'pgtest2'),
  );
  await writeFile(join(elsewhere, 'token'), `${hub.token}\n`, { mode: 0o600 });
  for (let run = 0; run < 2; run++) await hub.run('run', 'nightly.yaml');
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  if (elsewhere) await rm(elsewhere, { recursive: true, force: true });
});

const program = (...words: readonly string[]): Promise<Ended> => resident(elsewhere, words);

/** In a process of its own. */
const alone = (...words: readonly string[]) =>
  execa(process.execPath, [startFile('cli/sendense-run'), ...words], { cwd: elsewhere, reject: false });

/** From the other machine. */
const remote = (...words: readonly string[]): Promise<Ended> =>
  program('--hub', hub.url, '--token-file', 'token', ...words);

const pathsOf = (definition: CommandDefinition, above = ''): string[] => [
  ...(definition.load ? [`${above}${definition.name}`] : []),
  ...(definition.commands ?? []).flatMap((child) => pathsOf(child, `${above}${definition.name} `)),
];

test('every command is done over HTTP, or needs no hub, or says why it is done at the hub', () => {
  expect(Object.keys(ways).toSorted()).toEqual(commands.flatMap((one) => pathsOf(one)).toSorted());
  const known = new Set(hubApi.routes.map(({ id }) => id));
  const missing = Object.values(ways).flatMap((way) =>
    'routes' in way ? way.routes.filter((id) => !known.has(id)) : [],
  );
  expect(missing).toEqual([]);
  const refused = Object.entries(ways).filter(([, { how }]) => how === 'at-hub');
  expect(refused.map(([path]) => path)).toEqual(ownMachine);
  const named = Object.values(ways).flatMap((way) =>
    'why' in way ? [...(/(?:GET|POST|PUT|DELETE) \/\S+/.exec(way.why) ?? [])] : [],
  );
  const asked = hubApi.routes.map(({ method, path }) => `${method} ${path}`);
  expect(named.filter((route) => !asked.includes(route))).toEqual([]);
});

/** What sets up or serves the machine of the hub, or is called by programs there. */
const ownMachine = [
  'init',
  'boot watch',
  'files doctor',
  'files keep',
  'schedule install',
  'schedule run-slot',
  'daemon',
  'daemon install',
  'node sshd-config',
  'node accept',
  'node link',
  'hub',
  'hub install',
  'repo receive',
];

/** Ages grow meanwhile, and paths are those of the hub, which shortens them in its own folder. */
const still = (text: string): string =>
  text
    .replaceAll(`${hub.folder.path}/`, '')
    .replaceAll(/\b\d+(\.\d+)? ?(ms|s|m|min|h)\b( ago)?/g, 'a while')
    .replaceAll(/"(age_ms|oldest_age_ms|time|free|used|measured|size)":\d+/g, '"$1":0');

test.each(
  [
    ['status'],
    ['status', '--json'],
    ['status', '--vm', 'pgtest1', '--json'],
    ['list'],
    ['list', 'pgtest1', '--json'],
    ['list', 'nobody'],
    ['show', 'pgtest1'],
    ['show', 'pgtest1', '--json'],
    ['show', 'nobody'],
    ['history'],
    ['history', '--json', '--limit', '1'],
    ['history', '--status', 'nope'],
    ['logs'],
    ['logs', '--json'],
    ['notify', 'history', '--json'],
    ['schedule', 'list'],
    ['node', 'list'],
    ['notify', 'list'],
    ['boot', 'list'],
    ['boot', 'status', 'nobody'],
    ['node', 'show', 'nobody'],
    ['repo', 'list', '--json'],
    ['user', 'list', '--json'],
    ['token', 'list'],
    ['audit', '--action', 'nothing'],
    ['schedule', 'pause', 'nobody'],
  ].map((words) => [words.join(' '), words] as const),
)('%s prints and ends as at the hub', async (_line, words) => {
  const [here, there] = await Promise.all([remote(...words), hub.run(...words)]);
  expect(still(here.stdout)).toBe(still(there.stdout));
  expect(here.exitCode).toBe(there.exitCode);
  if (here.exitCode !== 0) expect(firstLine(here.stderr)).toBe(firstLine(there.stderr));
});

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

test('a run is followed to its end, with the events and the result that it has at the hub', async () => {
  const { exitCode, stdout } = await remote('run', 'pgtest1-nightly', '--mode', 'full', '--json');
  expect(exitCode).toBe(0);
  const events = stdout.split('\n').map((line) => JSON.parse(line) as { type: string; run_id: string });
  expect(events[0]?.type).toBe('run.started');
  expect(events.at(-1)).toMatchObject({ type: 'run.finished', status: 'succeeded', exit_code: 0 });
  const shown = await remote('show', events[0]?.run_id ?? '', '--json');
  expect(shown.stdout).toBe((await hub.run('show', events[0]?.run_id ?? '', '--json')).stdout);
  const text = await remote('run', 'pgtest1-nightly');
  expect(text.stdout).toContain('--token-file token');
});

test('a list is as long as it was asked for, or it is said why not', async () => {
  const read = {
    runId: 'r',
    who: 'anna',
    address: null,
    repository: 'primary',
    context: 'many',
    backupId: 'b',
  } as const;
  noteReads(
    hub.state,
    Array.from({ length: 10_020 }, (_, at) => ({ ...read, action: 'download' as const, path: Buffer.from(`${at}`) })),
  );
  for (const limit of ['3', '10010', '50000']) {
    const words = ['files', 'log', 'many', '--limit', limit, '--json'];
    expect((await remote(...words)).stdout, limit).toBe((await hub.run(...words)).stdout);
  }
  for (const words of [
    ['schedule', 'next', '--count', '10001'],
    ['history', '--daily', '--limit', '10001'],
  ])
    expect(await remote(...words)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('10000 are the most'),
    });
});

test('Ctrl-C asks the hub to stop the run, and the command ends as the run does', async () => {
  const running = async (): Promise<string[]> =>
    (
      JSON.parse((await remote('history', '--status', 'running', '--json')).stdout) as { runs: { run_id: string }[] }
    ).runs.map(({ run_id: id }) => id);
  // Runs once, so that the hub knows the plan.
  const first = hub.runAlone('run', 'slow.yaml');
  await vi.waitUntil(async () => (await running()).length > 0, bounded);
  const follows = remote('logs', '--follow');
  const [id = ''] = await running();
  const headers = { authorization: `Bearer ${hub.token}` };
  await fetch(`${hub.url}/api/v1/runs/${id}/cancel`, { method: 'POST', headers });
  expect((await first).exitCode).toBe(130);
  expect(await follows).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('cancelled') });

  const begun = alone('--hub', hub.url, '--token-file', 'token', 'run', 'pgtest2-nightly', '--json');
  await vi.waitUntil(async () => (await running()).length > 0, bounded);
  begun.kill('SIGINT');
  const { exitCode, stdout } = await begun;
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    type: 'run.finished',
    status: 'cancelled',
  });
  expect(exitCode).toBe(130);
});

const bounded = { timeout: 200_000, interval: 100 };

test('validate judges a file of this machine with the settings of the hub', async () => {
  const plan = backupPlan(['a.raw']).replace('repository: primary', 'repository: nowhere');
  await writeFile(join(elsewhere, 'mine.yaml'), plan);
  const { exitCode, stdout } = await remote('validate', 'mine.yaml');
  expect(exitCode).toBe(10);
  expect(stdout).toMatch(/mine\.yaml:\d+:\d+/);
  expect(stdout).toContain('nowhere');
});

test('a restore point is protected under the name of the token, and may be pruned again', async () => {
  const { points } = JSON.parse((await remote('list', '--json')).stdout) as { points: { backup_id: string }[] };
  const id = points[0]?.backup_id ?? '';
  expect((await remote('protect', id, '--reason', 'audit')).exitCode).toBe(0);
  expect((await hub.run('show', id)).stdout).toContain('audit');
  expect((await remote('unprotect', id)).exitCode).toBe(0);
});

test('users and tokens are managed as at the hub', async () => {
  const password = join(elsewhere, 'password');
  await writeFile(password, 'four random words here\n', { mode: 0o600 });
  expect((await remote('user', 'add', 'anna', '--role', 'viewer', '--password-file', password)).exitCode).toBe(0);
  expect((await remote('user', 'roles', 'anna', '--role', 'operator')).exitCode).toBe(0);
  expect((await remote('user', 'list')).stdout).toBe((await hub.run('user', 'list')).stdout);
  expect((await remote('user', 'remove', 'anna')).exitCode).toBe(0);
  const { secret } = JSON.parse((await remote('token', 'create', 'ci', '--role', 'viewer', '--json')).stdout) as {
    secret: string;
  };
  await writeFile(join(elsewhere, 'ci'), secret, { mode: 0o600 });
  const withToken = (...words: string[]): Promise<Ended> => program('--hub', hub.url, '--token-file', 'ci', ...words);
  expect((await withToken('list')).exitCode).toBe(0);
  expect(await withToken('user', 'list')).toMatchObject({
    exitCode: 12,
    stderr: expect.stringContaining('access.right'),
  });
  expect((await remote('token', 'revoke', 'ci')).exitCode).toBe(0);
  expect((await withToken('list')).exitCode).toBe(12);
});

test('a restore is shown before, begins at the hub, and goes only where its settings allow', async () => {
  const to = hub.folder.file('restored', 'disks');
  const dry = await remote('restore', 'pgtest1', '--to', to, '--dry-run');
  expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing is written') });
  expect(await remote('restore', 'pgtest1', '--to', to)).toMatchObject({ exitCode: 0 });
  await stat(join(to, 'disk-0.raw'));
  expect(await remote('restore', 'pgtest1', '--to', '/etc/elsewhere')).toMatchObject({
    exitCode: 12,
    stderr: expect.stringContaining('target.not-allowed'),
  });
  for (const place of ['here', 'kvm:here', 'ova:here.ova'])
    expect((await remote('restore', 'pgtest1', '--to', place)).stderr).toContain('is a path of the hub');
});

test('what cannot be done over HTTP is refused, with the way out', async () => {
  for (const words of [
    ['hub'],
    ['credentials', 'rotate', '--key'],
    ['status', '--plans', '.'],
    ['verify', '--passphrase-file', 'token'],
  ])
    expect(await remote(...words)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/remote\.at-hub[\s\S]*run the command there/),
    });
  expect((await remote('run', 'nightly.yaml')).stderr).toContain('by its name at the hub');
  expect((await remote('run', 'no-such-plan')).stderr).toContain('plan.unknown');
});

test('a token that others can read is not used, and none is sent in the clear to another machine', async () => {
  await writeFile(join(elsewhere, 'open'), hub.token, { mode: 0o644 });
  const asks = (...words: string[]): Promise<Ended> => program(...words, 'list');
  const refused = async (words: string[], exitCode: number, why: string): Promise<void> => {
    const ended = await asks(...words);
    expect(ended.stderr).toContain(why);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).not.toContain(hub.token);
  };
  await refused(['--hub', hub.url, '--token-file', 'open'], 12, 'can be read by others');
  await refused(['--hub', hub.url, '--token-file', 'none'], 12, 'ENOENT');
  await refused(['--hub', 'http://hub.example.com:8082', '--token-file', 'token'], 2, 'without encryption');
  await refused(['--hub', 'ftp://hub.example.com', '--token-file', 'token'], 2, 'is not the address of a hub');
  await refused(['--hub', hub.url], 2, '--token-file');
  await refused(['--token-file', 'token'], 2, '--hub');
  await refused(['--hub', 'http://127.0.0.1:9', '--token-file', 'token'], 75, 'no answer from the hub');
});

test('a hub with TLS has to show the certificate that is trusted', async () => {
  const [own] = await Promise.all([makeCertificate(elsewhere, 'own'), makeCertificate(elsewhere, 'other')]);
  await using tls = await tlsInFront(own);
  const list = (...words: string[]): Promise<Ended> =>
    program('--hub', tls.url, '--token-file', 'token', ...words, 'list', 'pgtest1');
  expect((await list('--hub-certificate', 'own.pem')).exitCode).toBe(0);
  expect((await list('--hub-certificate', new X509Certificate(own.cert).fingerprint256)).exitCode).toBe(0);
  for (const words of [[], ['--hub-certificate', 'other.pem'], ['--hub-certificate', 'A'.repeat(64)]])
    expect(await list(...words)).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('remote.certificate') });
  expect(tls.asked()).toBe(2);
});

/** TLS before the hub, as a proxy has it. */
async function tlsInFront(own: { readonly key: string; readonly cert: string }) {
  let asked = 0;
  const server = createServer(own, (request, answer) => {
    asked++;
    const headers = { ...request.headers, host: new URL(hub.url).host };
    request.pipe(
      httpRequest(`${hub.url}${request.url}`, { method: request.method, headers }, (from) => {
        answer.writeHead(from.statusCode ?? 500, from.headers);
        from.pipe(answer);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
