import { execa } from 'execa';
import { createWriteStream, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubApi } from '../../src/hub/routes/index.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import type { FilesLogOutput, FilesMountsOutput, FilesOutput, RestoreTransfers } from '../../src/schemas/types.ts';
import { startFile } from '../../src/schemas/package.ts';
import { runCli } from '../cli/run-cli.ts';
import { testAtFullLength } from '../support/at-full-length.ts';
import { filesHub, idOf, post, stalledDownload, takeRest, type FilesHub } from './files-hub.ts';
import { pointsOf } from './redate.ts';

let hub: FilesHub;
let points: string[];
let session = '';

beforeAll(async () => {
  hub = await filesHub('', ['one', 'two']);
  points = await pointsOf(hub.bench, 'pgtest1');
  session = await hub.mount();
});

afterAll(() => hub[Symbol.asyncDispose]());

const at = (what: string, path: string | Buffer, more = ''): string =>
  `/${session}/${what}?volume=disk-0p1&path=${idOf(path)}${more}`;

const text = async (path: string, init?: RequestInit): Promise<string> => (await hub.ask(path, init)).text();

const codeOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { error: { code: string } }).error.code;

describe('the API of the hub', () => {
  it('has the routes of the keeper, and answers what they announce', async () => {
    const schema = (name: string, value: unknown): void => {
      const validate = validatorOf(name);
      expect(validate(value), describeErrors(validate.errors)).toBe(true);
    };
    const shown = await hub.json<FilesOutput>(`/${session}?volume=disk-0p1`);
    schema('output/files.json', shown);
    expect(shown.backup_id).toBe(points[1]);
    const mounts = await hub.json<FilesMountsOutput>('/mounts');
    schema('output/files-mounts.json', mounts);
    expect(mounts.mounts.map(({ id }) => id)).toEqual([session]);
    schema('output/files-list.json', await hub.json(at('files', 'srv')));
    schema('output/files-stat.json', await hub.json(at('stat', 'etc/key')));
    const lines = (await text(at('search', '', '&name=f*&type=file'))).trim().split('\n');
    expect(lines.slice(0, -1).map((line) => (JSON.parse(line) as { name: string }).name)).toEqual([
      'srv/deep/f1',
      'srv/deep/f3',
    ]);
    const compared = await hub.mount(points[0]);
    const query = `/compare?a=${compared}&b=${session}&volume=disk-0p1&path=${idOf('srv')}`;
    const found = (await text(query))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      found
        .slice(0, -1)
        .filter(({ change }) => change !== 'metadata')
        .map(({ change, path }) => [change, path]),
    ).toEqual([
      ['added', '/srv/added'],
      ['removed', '/srv/deep/f2'],
      ['changed', '/srv/deep/f3'],
    ]);
    expect(found.at(-1)).toMatchObject({ unreadable: [] });
    for (const one of found.slice(0, -1)) schema('output/files-difference.json', one);
    expect((await hub.ask(`/${compared}`, { method: 'DELETE' })).status).toBe(204);
    expect((await hub.ask(`/${compared}`)).status).toBe(404);
  });

  it('lets nobody in without the token, and tells errors as the keeper does', async () => {
    for (const { id, method, path } of hubApi.routes.filter(({ tag }) => tag === 'restore')) {
      const refused = await fetch(`${hub.url}${path.replace('{id}', session)}`, { method });
      expect([id, refused.status]).toEqual([id, 401]);
    }
    const answers: [string, number, string, RequestInit?][] = [
      ['/nothing-is-open-as-this', 404, 'files.session'],
      [at('files', 'nowhere'), 404, 'files.path'],
      [at('download', 'etc'), 422, 'files.type'],
      [`/${session}/files?volume=disk-7`, 404, 'files.volume'],
      [`/${session}/files`, 400, 'request.invalid'],
      [`/${session}/files?volume=disk-0p1&path=a%2Fb`, 400, 'request.invalid'],
      ['/mount', 404, 'point.unknown', post({ vm: 'pgtest9' })],
      ['/mount', 400, 'request.invalid', post({})],
      [`/${session}/selections`, 400, 'request.invalid', post({ volume: 'disk-0p1', paths: [] })],
      [at('download', 'etc/key', '&transfer=a%20b'), 400, 'request.invalid'],
      [at('download-directory', 'etc', '&format=rar'), 400, 'request.invalid'],
      [`/compare?a=${session}&b=none&volume=disk-0p1`, 404, 'files.session'],
    ];
    for (const [path, status, code, init] of answers) {
      const answer = await hub.ask(path, init);
      expect([path, answer.status, await codeOf(answer)]).toEqual([path, status, code]);
    }
  });
});

it('tells who may see some VMs only nothing of the others, whatever is asked', async () => {
  const secretOf = async (name: string, vms: string): Promise<Record<string, string>> => {
    const words = ['token', 'create', name, '--role', 'restorer', '--vm', vms, '--json'];
    const { secret } = JSON.parse((await hub.bench.call(words)).stdout) as { secret: string };
    return { authorization: `Bearer ${secret}` };
  };
  const [other, own] = [await secretOf('other', 'mysql*'), await secretOf('own', 'pg*')];
  const body = { volume: 'disk-0p1', paths: [idOf('etc/hostname')] };
  const unlocked = { volume: 'disk-0p1', passphrase: 'x' };
  const pair = { before: { vm: 'pgtest1' }, after: { vm: 'pgtest1' } };
  const asked: readonly [route: string, path: string, code: string | number, init?: RequestInit][] = [
    ['mountRestorePoint', '/mount', 'point.unknown', post({ vm: 'pgtest1' })],
    ['listRestoreMounts', '/mounts', 200],
    ['compareRestorePoints', `/compare?a=${session}&b=${session}&volume=disk-0p1`, 'files.session'],
    ['showRestoreMount', `/${session}`, 'files.session'],
    ['listFiles', at('files', ''), 'files.session'],
    ['statFile', at('stat', 'etc'), 'files.session'],
    ['searchFiles', at('search', ''), 'files.session'],
    ['downloadFile', at('download', 'etc/key'), 'files.session'],
    ['downloadDirectory', at('download-directory', 'etc'), 'files.session'],
    ['downloadSelection', `/${session}/selection`, 'files.session', post(body)],
    ['addSelection', `/${session}/selections`, 'files.session', post(body)],
    ['downloadSelected', `/${session}/selections/x`, 'files.session'],
    ['listTransfers', `/${session}/transfers`, 'files.session'],
    ['unlockVolume', `/${session}/unlock`, 'files.session', post(unlocked)],
    ['compareBlocks', '/unchanged', 'point.unknown', post(pair)],
    ['closeRestoreMount', `/${session}`, 'files.session', { method: 'DELETE' }],
  ];
  const routes = hubApi.routes.filter(({ tag, id }) => tag === 'restore' && id !== 'readFilesLog');
  expect(asked.map(([id]) => id).toSorted()).toEqual(routes.map(({ id }) => id).toSorted());
  for (const [id, path, wanted, init] of asked) {
    const answer = await hub.ask(path, { ...init, headers: { ...other, ...(init?.headers as object) } });
    expect([id, wanted === 200 ? answer.status : await codeOf(answer)]).toEqual([id, wanted]);
    if (wanted === 200) expect(((await answer.json()) as FilesMountsOutput).mounts).toEqual([]);
    const seen = await hub.ask(path, { ...init, method: 'HEAD', body: null, headers: other });
    if ((init?.method ?? 'GET') === 'GET' && wanted !== 200) expect([id, seen.status]).toEqual([id, 404]);
  }
  // Who may see the VM has no part in what others have open: a volume that they unlocked would be open to it.
  expect((await hub.json<FilesMountsOutput>('/mounts', { headers: own })).mounts).toEqual([]);
  expect(await codeOf(await hub.ask(at('download', 'etc/hostname'), { headers: own }))).toBe('files.session');
  const closing = await hub.ask(`/${session}`, { method: 'DELETE', headers: own });
  expect(await codeOf(closing)).toBe('files.session');
  const opening = post({ vm: 'pgtest1' });
  const { id, opened_by: by } = await hub.json<FilesOutput>('/mount', {
    ...opening,
    headers: { ...own, ...(opening.headers as object) },
  });
  expect([id === session, by]).toEqual([false, 'hub user token:own']);
  const download = `/${id}/download?volume=disk-0p1&path=${idOf('etc/hostname')}`;
  expect(await (await hub.ask(download, { headers: own })).text()).toBe('web1\n');
  // Another token of the name is somebody else.
  await hub.bench.call(['token', 'revoke', 'own']);
  const next = await secretOf('own', 'pg*');
  expect((await hub.json<FilesMountsOutput>('/mounts', { headers: next })).mounts).toEqual([]);
  expect(await codeOf(await hub.ask(download, { headers: next }))).toBe('files.session');
  // The run that holds a point is no way to end what all others have open.
  const cancelled = await fetch(`${hub.url}/api/v1/runs/${session}/cancel`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hub.token}` },
  });
  expect([cancelled.status, await codeOf(cancelled)]).toEqual([409, 'run.elsewhere']);
  expect((await hub.ask(`/${session}`)).status).toBe(200);
  // What nobody could close any more is closed.
  const openOnes = async () => (await hub.json<FilesMountsOutput>('/mounts')).mounts.map((one) => one.id);
  await expect.poll(openOnes).toEqual([session]);
  // Who removes restore points sees what others have open, and closes it.
  const again = await hub.json<FilesOutput>('/mount', {
    ...opening,
    headers: { ...next, ...(opening.headers as object) },
  });
  expect((await openOnes()).toSorted()).toEqual([session, again.id].toSorted());
  expect((await hub.ask(`/${again.id}`, { method: 'DELETE' })).status).toBe(204);
});

describe('a download', () => {
  const big = () => readFileSync(hub.bench.path('big'));

  it('is whole, an attachment that no browser shows, and has what its file has', async () => {
    const answer = await hub.ask(at('download', 'srv/big'));
    expect(Buffer.from(await answer.arrayBuffer()).equals(big())).toBe(true);
    expect(answer.headers.get('content-length')).toBe('30000000');
    expect(answer.headers.get('accept-ranges')).toBe('bytes');
    const page = await hub.ask(at('download', 'srv/evil.html'));
    expect(page.headers.get('content-disposition')).toContain('attachment; filename="evil.html"');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('content-type')).toBe('application/octet-stream');
    expect(page.headers.get('content-security-policy')).toContain('sandbox');
    await page.arrayBuffer();
  });

  it('gives ranges, and refuses those beyond the end', async () => {
    const part = async (headers: Record<string, string>): Promise<[number, string | null, Buffer]> => {
      const answer = await hub.ask(at('download', 'srv/big'), { headers });
      return [answer.status, answer.headers.get('content-range'), Buffer.from(await answer.arrayBuffer())];
    };
    const whole = big();
    const [status, range, bytes] = await part({ range: 'bytes=1000000-1999999' });
    expect([status, range]).toEqual([206, 'bytes 1000000-1999999/30000000']);
    expect(bytes.equals(whole.subarray(1_000_000, 2_000_000))).toBe(true);
    expect((await part({ range: 'bytes=-5' }))[2].equals(whole.subarray(-5))).toBe(true);
    expect((await part({ range: 'bytes=30000000-' }))[0]).toBe(416);
    expect((await part({ 'range': 'bytes=0-9', 'if-range': '"another"' }))[2]).toHaveLength(whole.length);
    const looked = await hub.ask(at('download', 'srv/big'), { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    expect([looked.status, looked.headers.get('content-length')]).toEqual([200, '30000000']);
    const tag = looked.headers.get('etag') ?? '';
    expect((await part({ 'range': 'bytes=0-9', 'if-range': tag }))[2]).toHaveLength(10);
    expect((await part({ 'if-none-match': tag }))[0]).toBe(304);
    expect((await part({ 'if-none-match': '*' }))[0]).toBe(304);
    expect((await part({ 'if-none-match': '"another"' }))[0]).toBe(200);
  });

  it('of which only the head is wanted reads nothing', async () => {
    const before = (await hub.json<FilesLogOutput>('/log')).reads.length;
    const answer = await hub.ask(at('download', 'srv/big'), { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '30000000']);
    for (const what of ['download-directory', 'search'])
      expect((await hub.ask(at(what, 'srv'), { method: 'HEAD' })).status).toBe(200);
    expect((await hub.ask(at('download', 'srv/none'), { method: 'HEAD' })).status).toBe(404);
    expect((await hub.json<FilesLogOutput>('/log')).reads).toHaveLength(before);
  });
});

describe('an archive', () => {
  const save = async (path: string, name: string, init?: RequestInit): Promise<string> => {
    const answer = await hub.ask(path, init);
    expect(answer.status).toBe(200);
    writeFileSync(hub.bench.path(name), Buffer.from(await answer.arrayBuffer()));
    return hub.bench.path(name);
  };

  it('as tar and tar.gz is what tar reads', async () => {
    const tar = await save(at('download-directory', 'etc'), 'etc.tar');
    expect((await execa('tar', ['-tf', tar])).stdout).toContain('./etc/hostname');
    const packed = await save(at('download-directory', 'etc', '&format=tar.gz'), 'etc.tgz');
    expect((await execa('tar', ['-xzOf', packed, './etc/hostname'])).stdout).toBe('web1');
  });

  it('as zip is what unzip and Python read, with modes, links, and names that are no UTF-8', async () => {
    const zip = await save(at('download-directory', '', '&format=zip'), 'all.zip');
    expect((await execa('unzip', ['-tq', zip])).stdout).toContain('No errors');
    const to = hub.bench.path('unzipped');
    // Without a locale it would not know how to write them.
    await execa('unzip', ['-q', zip, '-d', to], { env: { LC_ALL: 'C.UTF-8' } });
    expect(readFileSync(`${to}/srv/big`).equals(readFileSync(hub.bench.path('big')))).toBe(true);
    const { stdout: stats } = await execa('stat', ['-c', '%A %Y %s', `${to}/etc/key`, `${to}/srv/nothing`]);
    expect(stats).toBe('-rwxr-x--- 981173106 7\n-rw-r--r-- 981173106 0');
    expect(readlinkSync(`${to}/etc/out`)).toBe('/etc/shadow');
    expect(readFileSync(`${to}/srv/käse`, 'utf8')).toBe('umlaut');
    const script = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
names = json.loads(z.read('_names.json'))
infos = {i.filename: i.external_attr >> 16 for i in z.infolist()}
print(json.dumps([sorted(names.items()), oct(infos['etc/key']), oct(infos['etc/out']), oct(infos['srv/empty/']), 'srv/fifo' in infos]))`;
    const { stdout } = await execa('python3', ['-c', script, zip]);
    expect(JSON.parse(stdout)).toEqual([
      [
        ['srv/back%5Cslash', Buffer.from('srv/back\\slash').toString('base64')],
        ['srv/caf%25E9', Buffer.from('srv/caf%E9').toString('base64')],
        ['srv/caf%E9', Buffer.from('srv/caf\u00e9', 'latin1').toString('base64')],
      ],
      '0o104750',
      '0o120777',
      '0o40755',
      false,
    ]);
  });

  it('of a selection made before is downloaded by GET, its names below the folder', async () => {
    const paths = [idOf('srv/deep'), idOf('srv/evil.html'), idOf('srv/fifo')];
    const selected = await hub.ask(
      `/${session}/selections`,
      post({ volume: 'disk-0p1', paths, from: idOf('srv'), format: 'zip' }),
    );
    expect(selected.status).toBe(201);
    const { id } = (await selected.json()) as { id: string };
    const zip = await save(`/${session}/selections/${id}?transfer=mine`, 'selected.zip');
    const names = (await execa('unzip', ['-Z1', zip])).stdout.split('\n');
    expect(names).toEqual(['deep/', 'deep/f1', 'deep/f3', 'evil.html']);
    const tar = await save(`/${session}/selections/${id}?format=tar.gz`, 'selected.tgz');
    expect((await execa('tar', ['-tzf', tar])).stdout.split('\n').toSorted()).toEqual(
      expect.arrayContaining(['./deep/f1', './evil.html', './fifo']),
    );
    const { transfers } = await hub.json<RestoreTransfers>(`/${session}/transfers`);
    const mine = transfers.find(({ transfer }) => transfer === 'mine');
    expect(mine).toMatchObject({ action: 'archive', error: null, left_out: ['./srv/fifo: a fifo is left out'] });
    expect(mine?.ended).not.toBeNull();
    expect(await codeOf(await hub.ask(`/${session}/selections/none`))).toBe('files.selection');
    const outside = post({ volume: 'disk-0p1', paths: [idOf('etc/key')], from: idOf('srv'), format: 'zip' });
    const { id: strange } = await hub.json<{ id: string }>(`/${session}/selections`, outside);
    expect(await text(`/${session}/selections/${strange}`)).toContain('/etc/key is not in /srv');
  });

  it('of a selection says behind it what was left out', async () => {
    const body = post({ volume: 'disk-0p1', paths: [idOf('srv/fifo'), idOf('etc/hostname')], format: 'zip' });
    const zip = await save(`/${session}/selection`, 'some.zip', body);
    expect((await execa('unzip', ['-Z1', zip])).stdout).toBe('etc/hostname');
    const words = ['-sS', '-o', '/dev/null', '--http1.1', '-H', `authorization: Bearer ${hub.token}`];
    const { stdout } = await execa('curl', [
      ...words,
      '-H',
      'content-type: application/json',
      '-d',
      String(body.body),
      '-D',
      '-',
      `${hub.url}/api/v1/restore/${session}/selection`,
    ]);
    const trailer = /^sendense-left-out: (\S+)/im.exec(stdout)?.[1] ?? '';
    expect(Buffer.from(trailer, 'base64').toString()).toBe('./srv/fifo: a fifo is left out');
  });
});

it('that breaks off since the restore point was closed says so afterwards', async () => {
  const other = await hub.mount(points[0]);
  const answer = await stalledDownload(hub, other);
  expect((await hub.ask(`/${other}`, { method: 'DELETE' })).status).toBe(204);
  expect((await takeRest(answer)).whole).toBe(false);
  const { transfers } = await hub.json<RestoreTransfers>(`/${other}/transfers`);
  expect(transfers).toMatchObject([
    { action: 'download', path: '/srv/big', error: { code: 'files.session', message: 'the restore point was closed' } },
  ]);
});

it('what was read is in the log, by whom and how much', async () => {
  await text(at('download', 'etc/hostname'));
  const { reads } = await hub.json<FilesLogOutput>('/log?vm=pgtest1');
  expect(reads.at(-1)).toMatchObject({
    who: 'hub-api',
    address: '127.0.0.1',
    action: 'download',
    path: '/etc/hostname',
    bytes: 5,
    error: null,
  });
  expect(reads.at(-1)?.ended).not.toBeNull();
  expect(new Set(reads.map(({ action }) => action))).toEqual(
    new Set(['open', 'search', 'compare', 'download', 'archive', 'close']),
  );
  expect((await hub.json<FilesLogOutput>('/log?limit=1')).reads).toEqual([reads.at(-1)]);
  expect((await hub.json<FilesLogOutput>(`/log?before=${reads[1]?.id}`)).reads).toEqual([reads[0]]);
  const json = await hub.bench.call(['files', 'log', '--json', '--limit', '2']);
  expect(JSON.parse(json.stdout)).toMatchObject({ reads: [{}, { path: '/etc/hostname' }], more: true });
  const told = await hub.bench.call(['files', 'log', 'pgtest1', '--since', '1h']);
  expect(told.stdout).toMatch(/hub-api +download +pgtest1 .*disk-0p1:\/etc\/hostname +5 B +ok/);
  expect((await hub.bench.call(['files', 'log', 'nobody'])).stdout).toContain('nobody has read');
});

describe('files … of `sendense-run --hub`', () => {
  let elsewhere: string;
  beforeAll(() => {
    elsewhere = mkdtempSync(join(tmpdir(), 'sendense-files-remote-'));
    writeFileSync(join(elsewhere, 'token'), `${hub.token}\n`, { mode: 0o600 });
  });
  afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

  const words = (...more: readonly string[]): string[] => [
    '--hub',
    hub.url,
    '--token-file',
    join(elsewhere, 'token'),
    'files',
    ...more,
  ];

  /** Sessions end at other times. */
  const still = (said: string): string =>
    said.trimEnd().replaceAll(/"(id|opened|opened_by|expires|atime_ns)":("[^"]*"|\d+)/g, '"$1":0');

  it.each(
    [
      ['pgtest1'],
      ['pgtest1', '--json'],
      ['ls', 'pgtest1', 'disk-0p1:/etc', '--long'],
      ['ls', 'pgtest1', '/srv', '--json'],
      ['ls', 'pgtest1', '/none'],
      ['ls', 'nobody', '/'],
      ['tree', 'pgtest1', '/srv'],
      ['find', 'pgtest1', '--name', 'f*'],
      ['stat', 'pgtest1', '/etc/key'],
      ['get', 'pgtest1', '/etc/key'],
    ].map((args) => [args.join(' '), args] as const),
  )('files %s prints and ends as at the hub', async (_line, args) => {
    const here = await runCli(words(...args));
    const there = await hub.bench.call(['files', ...args]);
    expect(still(here.stdout)).toBe(still(there.stdout));
    expect(here.exitCode, here.stderr).toBe(there.exitCode);
    if (here.exitCode !== 0) expect(here.stderr.split('\n')[0]).toBe(there.stderr.split('\n')[0]);
  });

  it('compares two restore points, takes out to this machine, and lists and closes what is open', async () => {
    const compared = ['diff', `pgtest1@${points[0]}`, `pgtest1@${points[1]}`, '--json'];
    const differences = await runCli(words(...compared));
    expect(differences.stdout).toContain('/srv/added');
    expect(differences.stdout.trimEnd()).toBe((await hub.bench.call(['files', ...compared])).stdout.trimEnd());
    const wanted = ['/etc/key', '/etc/out', '/srv/deep', '/srv/caf\\xe9'];
    const taken = await runCli(words('get', 'pgtest1', ...wanted, '--to', join(elsewhere, 'out')));
    expect(taken.exitCode, taken.stderr).toBe(0);
    expect(readFileSync(join(elsewhere, 'out/key'), 'utf8')).toBe('secret\n');
    expect(statSync(join(elsewhere, 'out/key')).mode & 0o7777).toBe(0o4750);
    expect(readFileSync(join(elsewhere, 'out/deep/f3'), 'utf8')).toBe('longer');
    expect(readFileSync(Buffer.from(`${elsewhere}/out/caf\xe9`, 'latin1'), 'utf8')).toBe('latin');
    expect(readlinkSync(join(elsewhere, 'out/out'))).toBe('/etc/shadow');
    const program = [startFile('cli/sendense-run'), ...words('cat', 'pgtest1', '/etc/key')];
    expect((await execa(process.execPath, program)).stdout).toBe('secret');
    expect((await runCli(words('open'))).stdout).toContain('pgtest1');
    expect((await runCli(words('close', `pgtest1@${points[0]}`))).exitCode).toBe(0);
    expect((await runCli(words('close', `pgtest1@${points[0]}`))).stderr).toContain('nothing was open');
    const log = JSON.parse((await runCli(words('log', 'pgtest1', '--json'))).stdout) as FilesLogOutput;
    expect(log.reads.filter(({ action }) => action === 'download').at(-1)).toMatchObject({ path: '/etc/key' });
  });
});

testAtFullLength(
  'a zip of more than 65,535 entries, with a file of more than 4 GiB, is whole for others',
  async () => {
    await using large = await filesHub('', ['large']);
    const path = `/${await large.mount()}/download-directory?volume=disk-0p1&path=${idOf('')}&format=zip`;
    const answer = await large.ask(path, { signal: AbortSignal.timeout(600_000) });
    const zip = large.bench.path('large.zip');
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(zip));
    expect((await execa('unzip', ['-tq', zip])).stdout).toContain('No errors');
    const script = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
f = z.open('srv/sparse')
f.seek(4500000000)
print(json.dumps([len([n for n in z.namelist() if n.startswith('many/')]), z.getinfo('srv/sparse').file_size, f.read(3).decode()]))`;
    const { stdout } = await execa('python3', ['-c', script, zip]);
    expect(JSON.parse(stdout)).toEqual([66_001, 4500 * 2 ** 20, 'end']);
  },
  2_700_000,
);
