/** `files …` of a hub that somebody has taken over: whatever it answers, nothing is written but what was asked for, where it was asked for. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FilesEntry, FilesOutput, FilesStatOutput } from '../../src/schemas/types.ts';
import { paxOf, tarOf } from '../files/take/hostile-tar.ts';
import { runCli } from './run-cli.ts';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

const point = '20261121T013000Z-4f2a91';
let answers: Record<string, object | Handle>;
let url: string;
let root: string;
const server = createServer((request, response) => {
  const path = new URL(request.url ?? '', 'http://hub').pathname.replace('/api/v1/restore/', '');
  const answer = answers[`${request.method} ${path}`] ?? answers[path];
  if (typeof answer === 'function') return answer(request, response);
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ?? { error: { code: 'files.path', message: `no ${path}`, remedy: '' } }));
});

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sendense-remote-files-'));
  writeFileSync(join(root, 'token'), 'sds_token\n', { mode: 0o600 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  rmSync(root, { recursive: true });
});

beforeEach(() => {
  rmSync(join(root, 'home'), { recursive: true, force: true });
  mkdirSync(join(root, 'home/target'), { recursive: true });
  writeFileSync(join(root, 'home/precious'), 'untouched');
  answers = {
    'mount': files,
    's1': files,
    's1/stat': statOf(),
    's1/download': content('key'),
    's1/selection': (_request, response) => response.end(tarOf({ name: 'etc', type: '5', mode: 0o755 })),
  };
});

const files: FilesOutput = {
  version: 1,
  id: 's1',
  vm: 'pgtest1',
  repository: 'primary',
  backup_id: point,
  created: 1,
  opened: 1,
  opened_by: 'hub user alice',
  expires: 4_000_000_000_000,
  remark: null,
  reader: 'uml',
  volumes: [
    {
      id: 'disk-0p1',
      type: 'ext4',
      bytes: 1,
      label: null,
      uuid: null,
      state: 'readable',
      why: null,
      used: 1,
      journal: 'clean',
      notes: [],
    },
  ],
};

const idOf = (path: string): string => Buffer.from(path).toString('base64url');

const entryOf = (more: Partial<FilesEntry> = {}): FilesEntry => ({
  name: 'key',
  id: idOf('etc/key'),
  type: 'file',
  size: 3,
  allocated: 4096,
  mode: '0600',
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  links: 1,
  inode: '12',
  mtime_ns: '0',
  ctime_ns: '0',
  atime_ns: '0',
  target: null,
  device: null,
  ...more,
});

const statOf = (more: Partial<FilesEntry> = {}, xattrs: FilesStatOutput['xattrs'] = []): FilesStatOutput => ({
  version: 1,
  volume: 'disk-0p1',
  path: '/etc/key',
  entry: entryOf(more),
  xattrs,
  warnings: [],
});

/** It says that it has so many bytes; they come without a length. */
const content =
  (bytes: string, said = bytes.length): Handle =>
  ({ method }, response) => {
    const head = method === 'HEAD' ? { 'content-length': said } : {};
    response.writeHead(200, { etag: '"1"', ...head }).end(bytes);
  };

const remote = (...words: readonly string[]) =>
  runCli(['--hub', url, '--token-file', join(root, 'token'), 'files', ...words]);

const get = (place = '/etc/key', ...words: readonly string[]) =>
  remote('get', `pgtest1@${point}`, place, '--to', join(root, 'home/target'), ...words);

/** Nothing is beside the target but what was there. */
function assertOutside(): void {
  expect(readdirSync(join(root, 'home')).toSorted()).toEqual(['precious', 'target']);
  expect(readFileSync(join(root, 'home/precious'), 'utf8')).toBe('untouched');
}

const inTarget = (): string[] => readdirSync(join(root, 'home/target')).toSorted();

test('a file is taken out of a hub that says what it has', async () => {
  const { exitCode, stderr } = await get();
  expect(exitCode, stderr).toBe(0);
  expect(readFileSync(join(root, 'home/target/key'), 'utf8')).toBe('key');
  expect(inTarget()).toEqual(['key']);
});

test.each([
  ['a folder above', '..'],
  ['a folder above, as the last part', 'etc/..'],
  ['the folder itself', 'etc/.'],
  ['no name', 'etc/'],
  ['a name with a zero byte', 'etc/key\0.profile'],
  ['a file that nobody asked for', '.profile'],
  ['a path out of the volume', '../../home/precious'],
])('a place that is %s is refused', async (_what, path) => {
  for (const type of ['file', 'folder', 'link'] as const) {
    answers['s1/stat'] = statOf({ id: idOf(path), type });
    const { exitCode, stderr } = await get('/etc/key', '--overwrite');
    expect([exitCode, stderr]).toEqual([70, expect.stringContaining('no hub of this version answers so')]);
  }
  assertOutside();
  expect(inTarget()).toEqual([]);
});

test.each<readonly [string, object]>([
  ['a mode', statOf({ mode: '--reference=/etc/shadow' })],
  ['a time', statOf({ mtime_ns: '0 --date=now' })],
  ['an owner', { ...statOf(), entry: { ...entryOf(), uid: '--from=0:0' } }],
  ['a size', { ...statOf(), entry: { ...entryOf(), size: 'many' } }],
  ['an attribute', statOf({}, [{ name: 'user.x', value: 'AA==\n\n# file: /etc/passwd' }])],
  ['no entry', { version: 1 }],
  ['a list', []],
])('%s that is none is refused', async (_what, stat) => {
  answers['s1/stat'] = stat;
  const { exitCode, stderr } = await get();
  expect([exitCode, stderr]).toEqual([70, expect.stringContaining('a file has another form')]);
  expect(inTarget()).toEqual([]);
});

test('the name of an attribute names no other file', async () => {
  const precious = join(root, 'home/precious');
  const name = `user.a=0sAA==\n\n# file: ${precious}\nuser.evil`;
  answers['s1/stat'] = statOf({}, [{ name, value: 'AA==' }]);
  await get();
  const { stdout } = await execa('getfattr', ['--absolute-names', '--dump', precious]);
  expect(stdout).not.toContain('user.evil');
});

test.each([
  ['more', 'key and much more'],
  ['less', 'ke'],
])('a file of which %s comes than was said is none', async (_what, bytes) => {
  answers['s1/download'] = content(bytes, 3);
  const { exitCode } = await get();
  expect(exitCode).toBe(1);
  expect(inTarget().filter((name) => !name.startsWith('.sendense-files-'))).toEqual([]);
});

test('a file of which nobody says how long it is comes not at all', async () => {
  answers['HEAD s1/download'] = (_request, response) => response.writeHead(200, { etag: '"1"' }).end();
  const { exitCode, stderr } = await get();
  expect([exitCode, stderr]).toEqual([70, expect.stringContaining('how long the file is')]);
});

test('an archive writes nothing but below its own place', async () => {
  answers['s1/stat'] = statOf({ id: idOf('etc'), type: 'folder' });
  const home = join(root, 'home');
  answers['s1/selection'] = (_request, response) =>
    response.end(
      tarOf(
        { name: 'etc', type: '5', mode: 0o755 },
        { name: 'etc/fine', content: 'fine' },
        { name: 'etc/out', type: '2', link: home },
        { name: 'etc/out/evil', content: 'evil' },
        { name: '../../evil', content: 'evil' },
        { name: `${home}/evil`, content: 'evil' },
        { name: 'pax', type: 'x', content: paxOf('path', `${home}/evil`) },
        { name: 'short', content: 'evil' },
        { name: 'etc/hard', type: '1', link: `${home}/precious` },
      ),
    );
  await get('/etc', '--overwrite');
  assertOutside();
  expect(inTarget().filter((name) => name !== 'etc')).toEqual([]);
});

test('a folder that comes as a link is only a link', async () => {
  answers['s1/stat'] = statOf({ id: idOf('etc'), type: 'folder' });
  answers['s1/selection'] = (_request, response) =>
    response.end(tarOf({ name: 'etc', type: '2', link: '..' }, { name: 'etc/evil', content: 'evil' }));
  await get('/etc');
  assertOutside();
  for (const name of inTarget()) expect([name, readlinkSync(join(root, 'home/target', name))]).toEqual(['etc', '..']);
});

test.each<readonly [string, string]>([
  ['that is no JSON', '<html>'],
  ['that is nothing but brackets', '['.repeat(100_000)],
  ['that does not end its line', '"'.repeat(5 * 1024 * 1024)],
  ['of another form', '{"name":"x","id":"../x"}\n'],
])('what is found in an answer %s is told as such', async (_what, body) => {
  answers['s1/search'] = (_request, response) => response.end(`${body}\n`);
  const { exitCode, stderr } = await remote('find', `pgtest1@${point}`);
  expect([exitCode, stderr]).toEqual([70, expect.stringContaining('no hub of this version answers so')]);
});
