/** A repository that is read with nothing else: no settings, no database, from anywhere, by anybody who may read it. */
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CheckOutput, ListOutput, RunEvent, RunFinishedEvent, ShowOutput } from '../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { all } from '../support/rounds.ts';
import { fullDisk } from '../support/small-disk.ts';
import { callResident } from './resident.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';
import { backupPlan, makeRaw, program, sameBytes, workspace, writeAt, type Workspace } from './workspace.ts';

hurryKdf();

const KiB = 1024;
const asRoot = process.getuid?.() === 0;
let work: Workspace;
let secret: Workspace;
/** Where nothing is known: not the workspace, and not below it. */
let away: TemporaryFolder;
let ids: string[] = [];

beforeAll(async () => {
  away = await temporaryFolder();
  work = await workspace();
  secret = await workspace({
    settings:
      'repositories: { primary: { path: ./repository, encryption: { key: { secret: { file: ./repo.key } } } } }\n',
  });
  await secret.call(['repo', 'new-key', 'repo.key']);
  for (const place of [work, secret]) {
    await makeRaw(place.path('disk0.raw'), 2048 * KiB, [[0, 1024 * KiB]]);
    await place.write('plan.yaml', backupPlan(['./disk0.raw']));
    await place.run('plan.yaml');
    await writeAt(place.path('disk0.raw'), [512 * KiB, Buffer.alloc(64 * KiB, 7)]);
    await place.run('plan.yaml');
  }
  ids = (await readdir(work.path('repository', 'pgtest1')))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => name.slice(0, -5));
}, 300_000);

afterAll(async () => {
  await work[Symbol.asyncDispose]();
  await secret[Symbol.asyncDispose]();
  await away[Symbol.asyncDispose]();
});

interface Said {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Away from all settings. */
async function rescue(args: readonly string[], prefix: readonly string[] = []): Promise<Said> {
  const ran = await (all || prefix.length > 0 ? rescueAlone(args, prefix) : rescueThere(args));
  return { ...ran, stderr: ran.stderr.replaceAll(/\s+/g, ' ') };
}

async function rescueAlone(args: readonly string[], prefix: readonly string[]): Promise<Said> {
  const [file = '', ...rest] = [...prefix, process.execPath, program, ...args];
  const ran = await execa(file, rest, { cwd: away.path, reject: false, timeout: 200_000, env: { NO_COLOR: '1' } });
  return { exitCode: ran.exitCode ?? -1, stdout: ran.stdout, stderr: ran.stderr };
}

/** In a process that is there already. */
async function rescueThere(args: readonly string[]): Promise<Said> {
  const env = { ...(process.env as Record<string, string>), NO_COLOR: '1' };
  return await callResident({ args, cwd: away.path, env }, 60_000);
}

/** A copy of the repository, for a test that changes it. */
async function copyOf(place: Workspace = work): Promise<{ root: string } & AsyncDisposable> {
  const root = away.file(`copy-${Math.floor(performance.now() * 1000)}`);
  await cp(place.path('repository'), root, { recursive: true, preserveTimestamps: true });
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** Everything in a folder with its mode, time and content. */
async function photograph(root: string): Promise<string> {
  const { stdout } = await execa(
    'sh',
    ['-c', 'find . -printf "%p %m %T@\\n" | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum'],
    { cwd: root },
  );
  return stdout;
}

async function restored(
  root: string,
  to: string,
  args: readonly string[] = [],
  from: Workspace = work,
  prefix: readonly string[] = [],
): Promise<Said> {
  const said = await rescue(['restore', 'pgtest1', '--repository', root, '--to', away.file(to), ...args], prefix);
  if (said.exitCode === 0) expect(await sameBytes(from.path('disk0.raw'), away.file(to, 'disk-0.raw'))).toBe(true);
  return said;
}

test(
  'list, show, check, verify and restore read a copy, and nothing in it is changed',
  { timeout: 300_000 },
  async () => {
    await using copy = await copyOf();
    const before = await photograph(copy.root);
    const at = ['--repository', copy.root];
    const list = await rescue(['list', ...at, '--json']);
    const { points } = JSON.parse(list.stdout) as ListOutput;
    expect([list.exitCode, list.stderr, points.map(({ backup_id: id }) => id)]).toEqual([0, '', ids]);
    expect(points[0]?.disks[0]?.path).toBe(join(copy.root, 'pgtest1', 'disk-0', `${ids[0]}.qcow2`));
    const shown = await rescue(['show', ...at]);
    expect(shown).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`pgtest1 in repository ${copy.root}`) as string,
    });
    expect(shown.stdout).toContain(`restore pgtest1 --repository ${copy.root}`);
    expect(await rescue(['check', ...at])).toMatchObject({ exitCode: 0 });
    const verified = await rescue(['verify', ...at, '--points', 'all', '--level', 'deep', '--json']);
    const last = JSON.parse(verified.stdout.split('\n').at(-1) ?? '') as RunEvent;
    expect([verified.exitCode, last.type]).toEqual([0, 'run.finished']);
    expect(await restored(copy.root, 'of-copy')).toMatchObject({ exitCode: 0 });
    expect(await photograph(copy.root)).toBe(before);
    await vi.waitFor(async () => expect(await rescueFolders()).toEqual([]));
  },
);

/** Of this user; what is left of rescues. */
const rescueFolders = async (): Promise<string[]> => {
  const { stdout } = await execa('sh', [
    '-c',
    'ls -d "${TMPDIR:-/tmp}"/sendense-$(id -u)/rescue-* 2>/dev/null || true',
  ]);
  return stdout.split('\n').filter(Boolean);
};

test('damage is found and told, and no mark is written', { timeout: 300_000 }, async () => {
  await using copy = await copyOf();
  const image = join(copy.root, 'pgtest1', 'disk-0', `${ids[0]}.qcow2`);
  await chmod(image, 0o600);
  await writeAt(image, [700 * KiB, Buffer.from('not what was backed up')]);
  const before = await photograph(copy.root);
  const at = ['--repository', copy.root];
  expect(await rescue(['verify', ...at, '--points', 'all'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is broken') as string,
  });
  expect(await rescue(['check', ...at])).toMatchObject({ exitCode: 1 });
  expect(await restored(copy.root, 'of-damaged')).toMatchObject({ exitCode: 1 });
  expect(await photograph(copy.root)).toBe(before);
});

test.runIf(asRoot)('a mount that cannot be written is enough', { timeout: 300_000 }, async () => {
  const root = work.path('repository');
  const readOnly = [
    'unshare',
    '-m',
    'sh',
    '-c',
    `set -e; mount --bind '${root}' '${root}'; mount -o remount,bind,ro '${root}'; exec "$@"`,
    'sh',
  ];
  for (const args of [['list'], ['show'], ['check'], ['verify', '--level', 'deep']])
    expect(await rescue([...args, '--repository', root], readOnly), args.join(' ')).toMatchObject({ exitCode: 0 });
  expect(await restored(root, 'of-read-only', [], work, readOnly)).toMatchObject({ exitCode: 0 });
});

describe.runIf(asRoot)('another user', () => {
  test('who may read the files restores, and is told what cannot be read', { timeout: 300_000 }, async () => {
    await using copy = await copyOf();
    await chmod(away.path, 0o755);
    await execa('chmod', ['-R', 'a+rX', copy.root]);
    for (const folder of ['of-stranger', 'tmp']) {
      await mkdir(away.file(folder));
      await chown(away.file(folder), 65534, 65534);
    }
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const stranger = ['setpriv', ...user, '--', 'env', `TMPDIR=${away.file('tmp')}`];
    expect(await rescue(['list', '--repository', copy.root], stranger)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await rescue(['verify', '--repository', copy.root], stranger)).toMatchObject({ exitCode: 0 });
    expect(await restored(copy.root, 'of-stranger', [], work, stranger)).toMatchObject({ exitCode: 0 });
    await cp(join(copy.root, 'pgtest1'), join(copy.root, 'closed'), { recursive: true });
    await chmod(join(copy.root, 'closed'), 0o700);
    const partly = await rescue(['list', '--repository', copy.root], stranger);
    expect(partly.exitCode).toBe(0);
    expect(partly.stderr).toContain('warning: closed is left out: cannot be listed: EACCES');
    await chmod(copy.root, 0o700);
    const closed = await rescue(['list', '--repository', copy.root], stranger);
    expect(closed).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('cannot be listed (EACCES)') as string,
    });
  });
});

describe('an encrypted repository', () => {
  test('without its key says how to name it', { timeout: 300_000 }, async () => {
    const root = secret.path('repository');
    expect(await rescue(['list', '--repository', root])).toMatchObject({ exitCode: 0 });
    const { exitCode, stderr } = await restored(root, 'of-locked');
    expect(exitCode).toBe(12);
    expect(stderr).toMatch(/encrypted with key [0-9a-f]{16}; no key is set.*--key-file FILE.*--key-command COMMAND/);
    const checked = await rescue(['check', '--repository', root, '--json']);
    const { findings } = JSON.parse(checked.stdout) as CheckOutput;
    expect(findings.map(({ code, remedy }) => [code, remedy.includes('--key-file')])).toContainEqual([
      'key.missing',
      true,
    ]);
    const wrong = away.file('wrong.key');
    await rescue(['repo', 'new-key', wrong]);
    expect((await restored(root, 'of-locked', ['--key-file', wrong])).stderr).toMatch(/is not the one/);
    expect((await restored(root, 'of-locked', ['--key-file', away.file('none')])).stderr).toContain(
      'cannot be read (ENOENT)',
    );
  });

  test('is restored with the key from a file, a pipe or a command', { timeout: 300_000 }, async () => {
    const root = secret.path('repository');
    const key = secret.path('repo.key');
    expect(await restored(root, 'of-file', ['--key-file', key], secret)).toMatchObject({ exitCode: 0 });
    expect(await restored(root, 'of-command', ['--key-command', `cat '${key}'`], secret)).toMatchObject({
      exitCode: 0,
    });
    const pipe = ['bash', '-c', `exec "$@" --key-file <(cat '${key}')`, 'bash'];
    expect(await restored(root, 'of-pipe', [], secret, pipe)).toMatchObject({ exitCode: 0 });
    expect(await rescue(['verify', '--repository', root, '--level', 'deep', '--key-file', key])).toMatchObject({
      exitCode: 0,
    });
    expect((await rescue(['list', '--repository', 'primary', '--key-file', key])).stderr).toContain(
      'are for the path of a repository',
    );
  });
});

describe('a folder that is none', () => {
  test.each([
    ['is empty', async (folder: string) => mkdir(folder), 'is empty'],
    ['is not there', async () => {}, 'does not exist'],
    ['is a file', async (folder: string) => writeFile(folder, 'x'), 'is not a folder'],
    [
      'holds other things',
      async (folder: string) => {
        await mkdir(join(folder, 'holiday'), { recursive: true });
        await writeFile(join(folder, 'holiday', 'plan.json'), '{}');
      },
      'holds no restore points (it holds holiday)',
    ],
  ])('%s', async (name, make, text) => {
    const folder = away.file(name.replaceAll(' ', '-'));
    await make(folder);
    const { exitCode, stderr } = await rescue(['list', '--repository', folder]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(text);
  });

  test('but the one above it or below it is', async () => {
    const root = work.path('repository');
    const below = await rescue(['restore', 'pgtest1', '--repository', join(root, 'pgtest1', 'disk-0'), '--to', 'x']);
    expect(below.stderr).not.toContain('did you mean');
    expect((await rescue(['list', '--repository', join(root, 'pgtest1')])).stderr).toContain(`did you mean ${root}?`);
    expect((await rescue(['list', '--repository', work.folder])).stderr).toContain(`did you mean ${root}?`);
  });

  test('a VM that is not there is told with the one that is near', async () => {
    const { exitCode, stderr } = await rescue([
      'restore',
      'pgtset1',
      '--repository',
      work.path('repository'),
      '--to',
      'x',
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has the name pgtset1; did you mean pgtest1?');
    expect(stderr).not.toContain('repo import');
  });
});

test(
  '--point chooses by day and time, in the zone that is meant, and says which and why',
  { timeout: 300_000 },
  async () => {
    const root = work.path('repository');
    const { points } = JSON.parse((await rescue(['list', '--repository', root, '--json'])).stdout) as ListOutput;
    const [first = 0, second = 0] = points.map(({ created }) => created);
    const show = async (point: string[], zone = 'UTC') =>
      rescue(['show', 'pgtest1', '--repository', root, '--json', '--point', ...point], ['env', `TZ=${zone}`]);
    const chosen = async (point: string[], zone?: string): Promise<(string | undefined)[]> => {
      const said = await show(point, zone);
      const { selected, why } = JSON.parse(said.stdout) as ShowOutput;
      return [selected ?? undefined, why];
    };
    const atFirst = new Date(first).toISOString();
    const shown = atFirst.replace('.000', '');
    expect(await chosen([atFirst])).toEqual([ids[0], `the last made by ${shown}; ${ids[1]} was made after that`]);
    expect(await chosen([`before ${new Date(second).toISOString()}`])).toEqual([
      ids[0],
      expect.stringContaining('the last before'),
    ]);
    expect(await chosen([atFirst.slice(0, 10)])).toEqual([ids[1], expect.stringContaining('the last from')]);
    const tokyo = new Date(second + 60_000 + 9 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
    expect((await chosen(tokyo.split(' '), 'Asia/Tokyo'))[1]).toContain('+09:00');
    const none = await show(['before', '2001-01-01']);
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining(`the first after that is ${ids[0]}`)]);
    expect(none.stderr).toContain('point.unknown');
  },
);

test('a repository that is half written gives what is whole in it', { timeout: 300_000 }, async () => {
  await using copy = await copyOf();
  const vm = join(copy.root, 'pgtest1');
  // What a backup leaves that was killed, a manifest that did not come whole, and an image that did not.
  await writeFile(join(vm, 'disk-0', '20261121T013000Z-4f2a91.qcow2.sendense-part'), 'x');
  await writeFile(join(vm, '20261121T013000Z-4f2a91.json'), '{"format": "sendense-restore-');
  const cut = join(vm, 'disk-0', `${ids[1]}.qcow2`);
  await chmod(cut, 0o600);
  await truncate(cut, (await stat(cut)).size - 64 * KiB);
  const list = await rescue(['list', '--repository', copy.root, '--json']);
  expect((JSON.parse(list.stdout) as ListOutput).points.map(({ backup_id: id }) => id)).toEqual([ids[0]]);
  expect(list.stderr).toMatch(new RegExp(`${ids[1]}.json is left out: .* has [0-9]+ bytes, [0-9]+ were committed`));
  expect(list.stderr).toContain('pgtest1/20261121T013000Z-4f2a91.json is left out');
  const check = await rescue(['check', '--quick', '--repository', copy.root, '--json']);
  expect(check.exitCode).toBe(1);
  const { findings } = JSON.parse(check.stdout) as CheckOutput;
  expect(findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual([
    'manifest.damaged',
    'file.changed',
  ]);
  expect(findings.map(({ remedy }) => remedy).join()).not.toContain('repo import');
  const older = await rescue(['restore', 'pgtest1', '--repository', copy.root, '--to', away.file('of-half'), '--json']);
  expect((JSON.parse(older.stdout.split('\n').at(-1) ?? '') as { backup_id: string }).backup_id).toBe(ids[0]);
});

test('a VM of which nothing can be read in is not one without restore points', { timeout: 300_000 }, async () => {
  await using copy = await copyOf();
  for (const id of ids) {
    const manifest = join(copy.root, 'pgtest1', `${id}.json`);
    await chmod(manifest, 0o600);
    await writeFile(manifest, '{');
  }
  const to = ['--to', away.file('of-nothing')];
  for (const words of [
    ['restore', 'pgtest1', ...to],
    ['restore', 'pgtest1', ...to, '--point', ids[1] ?? ''],
    ['show', 'pgtest1'],
    ['show', 'pgtest1', '--point', 'latest'],
    ['show', ids[1] ?? ''],
    ['show'],
  ]) {
    const { exitCode, stderr } = await rescue([...words, '--repository', copy.root]);
    expect({ words, exitCode }).toEqual({ words, exitCode: 1 });
    expect(stderr, words.join(' ')).toMatch(/chain\.damaged: .*(none that was meant|but) can(not)? be read: /);
    expect(stderr).toContain(ids[1]);
    expect(stderr).toMatch(/is not JSON/);
    expect(stderr).toContain('from a copy of the repository');
    expect(stderr).not.toContain('point.unknown');
  }
});

test('of several, one that cannot be read in and is named is told as such', { timeout: 300_000 }, async () => {
  await using copy = await copyOf();
  const [old = '', lost = ''] = ids;
  await chmod(join(copy.root, 'pgtest1', `${lost}.json`), 0o600);
  await writeFile(join(copy.root, 'pgtest1', `${lost}.json`), '{');
  const { stderr } = await rescue([
    'restore',
    'pgtest1',
    '--to',
    away.file('of-lost-one'),
    '--point',
    lost,
    '--repository',
    copy.root,
  ]);
  expect(stderr).toMatch(new RegExp(`restore point ${lost} of VM pgtest1 is there, but cannot be read: .*is not JSON`));
  expect(stderr).not.toContain(`did you mean ${old}`);
});

test('a newest restore point that cannot be read in is not passed over in silence', { timeout: 300_000 }, async () => {
  await using copy = await copyOf();
  const [old = '', lost = ''] = ids;
  await chmod(join(copy.root, 'pgtest1', 'disk-0'), 0o700);
  await rm(join(copy.root, 'pgtest1', 'disk-0', `${lost}.index`));
  const at = ['--repository', copy.root];
  expect((await rescue(['check', '--quick', ...at])).exitCode).toBe(1);
  for (const which of [[], ['--vm', 'pgtest1'], ['--points', 'all'], ['--point', new Date().toISOString()]])
    expect(await rescue(['verify', '--level', 'quick', ...at, ...which]), which.join(' ')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        new RegExp(`verify.failed.*${lost} is broken: .*${lost}.index is missing`),
      ) as string,
    });
  expect((await rescue(['verify', '--level', 'quick', ...at, '--point', old])).exitCode).toBe(0);
  const list = await rescue(['list', ...at, '--json']);
  expect(JSON.parse(list.stdout)).toMatchObject({
    points: [{ backup_id: old }],
    left_out: [{ vm: 'pgtest1', backup_id: lost, reason: expect.stringContaining('is missing') as string }],
  });
  expect((await rescue(['list', ...at])).stdout.replaceAll(/\s+/g, ' ')).toMatch(
    new RegExp(`pgtest1 ${lost} BROKEN: .*is missing`),
  );
  // He wants his data, and knows that they are not the newest.
  const latest = await restored(copy.root, 'of-lost', ['--json']);
  expect(latest.exitCode).toBe(3);
  const { backup_id: taken, warnings } = JSON.parse(latest.stdout.split('\n').at(-1) ?? '') as RunFinishedEvent;
  expect([taken, warnings.join()]).toEqual([
    old,
    expect.stringMatching(new RegExp(`this is ${old}.*${lost} .*is missing.*--point ${old}`)),
  ]);
  expect((await rescue(['show', 'pgtest1', '--point', 'latest', ...at])).stdout).toContain(old);
  const named = ['restore', 'pgtest1', ...at, '--to', away.file('of-named'), '--point', old];
  expect((await rescue(named)).exitCode).toBe(0);
});

test(
  "somebody else's repository: a link is no image, and settings beside it do not count",
  { timeout: 300_000 },
  async () => {
    await using copy = await copyOf();
    const image = join(copy.root, 'pgtest1', 'disk-0', `${ids[0]}.qcow2`);
    await rename(image, `${image}.away`);
    await symlink(`${image}.away`, image);
    await writeFile(
      join(copy.root, 'sendense.yaml'),
      `repositories: { x: { path: ., encryption: { key: { secret: { command: [touch, '${away.file('ran')}'] } } } } }\n`,
    );
    const { exitCode, stderr } = await restored(copy.root, 'of-foreign');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is not a regular file');
    expect(await readdir(away.path)).not.toContain('ran');
  },
);

test('what a rescue that was killed had written is taken back by the next one', { timeout: 300_000 }, async () => {
  const root = work.path('repository');
  const to = away.file('of-killed');
  const stops = away.file('bin');
  await mkdir(stops);
  // A qemu-img that never ends its conversion.
  await writeFile(
    join(stops, 'qemu-img'),
    `#!/bin/sh\nif [ "$1" = convert ]; then for last; do :; done; echo x > "$last"; echo $$ > '${away.file('pid')}'; touch '${away.file('begun')}'; exec sleep 60; fi\nPATH="$REAL_PATH" exec qemu-img "$@"\n`,
    { mode: 0o755 },
  );
  const child = spawn(process.execPath, [program, 'restore', 'pgtest1', '--repository', root, '--to', to], {
    cwd: away.path,
    stdio: 'ignore',
    env: { ...process.env, REAL_PATH: process.env['PATH'], PATH: `${stops}:${process.env['PATH']}` },
  });
  await vi.waitUntil(async () => (await readdir(away.path)).includes('begun'), { timeout: 200_000, interval: 50 });
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  process.kill(Number(await readFile(away.file('pid'), 'utf8')), 'SIGKILL');
  await ended;
  expect((await readdir(to)).filter((name) => name.endsWith('.sendense-part'))).toHaveLength(1);
  expect(await rescueFolders()).toHaveLength(1);
  expect(await rescue(['list', '--repository', root])).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await readdir(away.path)).not.toContain('of-killed');
  expect(await rescueFolders()).toEqual([]);
});

describe('without sendense-repository.json', () => {
  const marker = 'sendense-repository.json';

  test('the rescue reads all the same, and says so', { timeout: 300_000 }, async () => {
    await using copy = await copyOf();
    await rm(join(copy.root, marker));
    const said = await restored(copy.root, 'of-unmarked');
    expect(said).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(
        /has no sendense-repository.json; its restore points are read all the same.*repo repair/,
      ) as string,
    });
    expect(await rescue(['verify', '--repository', copy.root])).toMatchObject({ exitCode: 0 });
    expect(await rescue(['check', '--repository', copy.root])).toMatchObject({ exitCode: 0 });
    await writeFile(join(copy.root, marker), '{"format":');
    expect(await restored(copy.root, 'of-damaged-marker')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('is not a marker of') as string,
    });
  });

  /** A hub of its own, with a copy of the repository. */
  async function otherHub(database: boolean): Promise<Workspace> {
    const hub = await workspace();
    await cp(work.path('repository'), hub.path('repository'), { recursive: true, preserveTimestamps: true });
    if (database) await cp(work.path('state'), hub.path('state'), { recursive: true });
    return hub;
  }

  const idAt = async (root: string): Promise<string> =>
    (JSON.parse(await readFile(join(root, marker), 'utf8')) as { id: string }).id;

  test('`repo repair` makes it again, with the id that the hub knows', { timeout: 300_000 }, async () => {
    await using hub = await otherHub(true);
    const id = await idAt(hub.path('repository'));
    expect((await hub.call(['repo', 'repair', 'primary', '--json'])).stdout).toContain('"made":false');
    await rm(hub.path('repository', marker));
    const refused = await hub.call(['restore', 'pgtest1', '--to', 'out']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toMatch(/repo repair NAME.*--repository PATH/);
    const repaired = await hub.call(['repo', 'repair', 'primary', '--json']);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ made: true, id, put_aside: null });
    expect(await idAt(hub.path('repository'))).toBe(id);
    expect((await hub.call(['verify'])).exitCode).toBe(0);
    // A damaged one is put aside.
    await writeFile(hub.path('repository', marker), 'not JSON');
    const again = await hub.call(['repo', 'repair', 'primary', '--json']);
    const { put_aside: aside, ...output } = JSON.parse(again.stdout) as { put_aside: string; id: string };
    expect(output).toMatchObject({ made: true, id });
    expect(await readFile(hub.path('repository', aside), 'utf8')).toBe('not JSON');
  });

  test(
    '`repo repair` makes a new id where the hub knows nothing, and refuses what may be another repository',
    { timeout: 300_000 },
    async () => {
      await using hub = await otherHub(false);
      await rm(hub.path('repository', marker));
      expect((await hub.call(['repo', 'repair', 'primary'])).exitCode).toBe(0);
      expect((await hub.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
      // Another id than the one that was known by now.
      const text = await readFile(hub.path('repository', marker), 'utf8');
      await cp(work.path('repository', marker), hub.path('repository', marker));
      const other = await hub.call(['repo', 'repair', 'primary']);
      expect([other.exitCode, other.stderr]).toEqual([
        1,
        expect.stringContaining('this hub knows another one by that name'),
      ]);
      await writeFile(hub.path('repository', marker), text);
      // Nothing of what the hub knows, and nothing at all.
      await rename(hub.path('repository'), hub.path('away'));
      await mkdir(hub.path('repository'));
      for (const said of ['holds no restore point that can be read', 'but others']) {
        const refused = await hub.call(['repo', 'repair', 'primary']);
        expect([refused.exitCode, refused.stderr.replaceAll(/\s+/g, ' ')]).toEqual([1, expect.stringContaining(said)]);
        await rm(hub.path('repository'), { recursive: true, force: true });
        await cp(secret.path('repository'), hub.path('repository'), { recursive: true, preserveTimestamps: true });
        await rm(hub.path('repository', marker));
      }
      expect(await readdir(hub.path('repository'))).not.toContain(marker);
    },
  );

  test('two hubs that repair at once agree on one id', { timeout: 300_000 }, async () => {
    await using hub = await otherHub(false);
    await hub.write('second.yaml', 'state: ./second/sendense.db\nrepositories: { primary: { path: ./repository } }\n');
    for (const damage of ['lost', 'damaged']) {
      await rm(hub.path('repository', marker), { force: true });
      if (damage === 'damaged') await writeFile(hub.path('repository', marker), 'not JSON');
      await rm(hub.path('state'), { recursive: true, force: true });
      await rm(hub.path('second'), { recursive: true, force: true });
      const both = await Promise.all(
        [[], ['--config', 'second.yaml']].map((config) => hub.call(['repo', 'repair', 'primary', '--json', ...config])),
      );
      const made = both.map(({ stdout }) => (JSON.parse(stdout) as { id: string }).id);
      expect(new Set([...made, await idAt(hub.path('repository'))]).size, damage).toBe(1);
    }
  });
});

describe('without Sendense, with the commands of docs/restore.md', () => {
  const script = (name: string): string =>
    new RegExp(`<!-- rescue: ${name} -->\\n+\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1] ?? 'exit 99';
  const docs = readFileSync(join(import.meta.dirname, '../../docs/restore.md'), 'utf8');

  test.each([
    ['plain', () => work],
    ['encrypted', () => secret],
  ])('%s', { timeout: 300_000 }, async (name, place) => {
    const vm = place().path('repository', 'pgtest1');
    const newest = (await readdir(vm))
      .filter((file) => file.endsWith('.json'))
      .toSorted()
      .at(-1);
    const out = away.file(`by-hand-${name}.raw`);
    const env = { POINT: newest?.slice(0, -5) ?? '', OUT: out, KEY: place().path('repo.key') };
    await execa('sh', ['-euc', script(name)], { cwd: vm, env, timeout: 200_000 });
    expect(await sameBytes(place().path('disk0.raw'), out)).toBe(true);
  });
});

test.runIf(asRoot).each([
  ['list', []],
  ['restore', ['pgtest1', '--to', './never']],
  ['check', []],
])('%s with no space for temporary files names them, and another folder as the way out', async (command, words) => {
  await using _full = await fullDisk(away.file('full'));
  const said = await rescue(
    [command, ...words, '--repository', work.path('repository')],
    ['env', `TMPDIR=${away.file('full')}`],
  );
  expect(said.exitCode).toBe(1);
  expect(said.stderr).toContain(
    `the file system at ${away.file('full')} is full (temporary files: ${away.file('full')})`,
  );
  expect(said.stderr).toMatch(/remedy .*Name a folder that has space.*TMPDIR=\/var\/tmp sendense-run/);
});
