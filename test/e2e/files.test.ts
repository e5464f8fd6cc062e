import { execa } from 'execa';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  FilesDifferenceOutput,
  FilesFoundOutput,
  FilesHistoryOutput,
  FilesListOutput,
  FilesMountsOutput,
  FilesOutput,
  FilesStatOutput,
  FilesTakenOutput,
} from '../../src/schemas/types.ts';
import { partName } from '../../src/files/take/part.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { makeFilesDisk } from './files-disk.ts';
import { writesBytes } from './files-hub.ts';
import { endFiles, filesKeepers } from './files-keepers.ts';
import { leftovers } from './nothing-left.ts';
import { pointsOf } from './redate.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

let bench: Workspace;
let points: string[];

beforeAll(async () => {
  bench = await workspace({ ownProcess: writesBytes });
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  for (const night of ['one', 'two'] as const) {
    await makeFilesDisk(bench.folder, night);
    const run = await bench.run('plan.yaml');
    if (run.exitCode !== 0) throw new Error(run.stderr);
  }
  points = await pointsOf(bench, 'pgtest1');
});

afterAll(async () => {
  await endFiles(bench);
  await bench[Symbol.asyncDispose]();
});

const files = (...args: string[]) => bench.call(['files', ...args]);

async function good(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await files(...args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

/** Lines of JSON, each as its schema says. */
async function json<T>(schema: string, ...args: string[]): Promise<T[]> {
  const { stdout, stderr, exitCode } = await files(...args, '--json');
  expect([0, 3], stderr).toContain(exitCode);
  const validate = validatorOf(`output/${schema}.json`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value = JSON.parse(line) as T;
      expect(validate(structuredClone(value)), `${line}: ${describeErrors(validate.errors)}`).toBe(true);
      return value;
    });
}

async function refused(exitCode: number, words: string, ...args: string[]): Promise<void> {
  const outcome = await files(...args);
  expect(outcome.stderr).toContain(words);
  expect(outcome.exitCode).toBe(exitCode);
}

describe('looking', () => {
  it('volumes of a restore point', async () => {
    expect(await good('pgtest1')).toMatch(/disk-0p1 +ext4/);
    const [output] = await json<FilesOutput>('files', `pgtest1@${points[0]}`);
    expect(output?.backup_id).toBe(points[0]);
    expect(output?.volumes).toMatchObject([
      { id: 'disk-0p1', type: 'ext4', state: 'readable' },
      { id: 'disk-0p2', state: 'encrypted' },
    ]);
  });

  it('ls, stat and cat', async () => {
    expect(await good('ls', 'pgtest1', '/srv')).toContain('caf\\xe9\ndeep/\nfifo\nnew\\nline\nsparse');
    const [page] = await json<FilesListOutput>('files-list', 'ls', 'pgtest1', 'disk-0p1:/etc');
    expect(page?.entries.map(({ name, target }) => [name, target])).toEqual([
      ['hostname', null],
      ['key', null],
      ['out', '/etc/shadow'],
    ]);
    const [stat] = await json<FilesStatOutput>('files-stat', 'stat', 'pgtest1', '/etc/key');
    expect(stat).toMatchObject({ entry: { mode: '4750', mtime_ns: '981173106123456789' } });
    expect(stat?.xattrs).toEqual([{ name: 'user.note', value: Buffer.from('hello').toString('base64') }]);
    expect(await good('cat', 'pgtest1', '/etc/hostname')).toBe('web1');
    expect(await good('cat', 'pgtest1', '/srv/caf\\xe9')).toBe('latin');
  });

  it('tree, with characters that the terminal has', async () => {
    const ascii = await bench.call(['files', 'tree', 'pgtest1', '/etc'], { env: { LC_ALL: 'C' } });
    expect(ascii.stdout).toContain('`- out -> /etc/shadow');
    const { stdout } = await bench.call(['files', 'tree', 'pgtest1', '/', '--depth', '1'], {
      env: { LC_ALL: 'C.UTF-8' },
    });
    expect(stdout).toContain('├─ etc/');
    expect(stdout).not.toContain('hostname');
    const found = await json<FilesFoundOutput>('files-found', 'tree', 'pgtest1', '/srv/deep');
    expect(found.map(({ path }) => path)).toEqual(['/srv/deep/f1', '/srv/deep/f3']);
  });

  it('what is not there, and what it is not', async () => {
    await refused(1, 'files.path', 'ls', 'pgtest1', '/nowhere');
    await refused(1, 'files.volume', 'ls', 'pgtest1', 'disk-7:/');
    await refused(1, 'point.unknown', 'ls', 'pgtest9', '/');
    await refused(1, 'files.type', 'cat', 'pgtest1', '/etc');
    await refused(1, 'files.type', 'ls', 'pgtest1', '/etc/hostname');
    await refused(1, 'files.type', 'cat', 'pgtest1', '/srv/fifo');
    await refused(2, 'usage', 'ls', 'pgtest1', 'etc');
    await refused(1, 'files.path', 'cat', 'pgtest1', '/../../etc/passwd');
  });

  it('an encrypted volume, without its passphrase and with a wrong one', async () => {
    await refused(12, 'files.locked', 'ls', 'pgtest1', 'disk-0p2:/');
    await refused(12, 'files.locked', 'ls', 'pgtest1', 'disk-0p2:/', '--passphrase-file', bench.path('wrong'));
    await good('close', 'pgtest1');
  });
});

describe('finding', () => {
  it('by name, type and size', async () => {
    expect(await good('find', 'pgtest1', '--name', 'f[12]')).toBe('disk-0p1:/srv/deep/f1');
    expect(await good('find', 'pgtest1', '/srv', '--iname', 'BIG')).toBe('disk-0p1:/srv/big');
    expect(await good('find', 'pgtest1', '--type', 'fifo')).toBe('disk-0p1:/srv/fifo');
    expect(await good('find', 'pgtest1', '--min-size', '10M')).toBe('disk-0p1:/srv/sparse');
    expect(await good('find', 'pgtest1', '/srv', '--newer', '2010-01-01', '--type', 'file')).toBe(
      'disk-0p1:/srv/deep/f3',
    );
    const found = await json<FilesFoundOutput>('files-found', 'find', 'pgtest1', '/etc', '--depth', '1');
    expect(found).toHaveLength(3);
  });

  it('in all restore points of a VM', async () => {
    const found = await json<FilesHistoryOutput>('files-history', 'find', '--all-points', 'pgtest1', '--name', 'f[23]');
    expect(found).toMatchObject([
      { path: '/srv/deep/f2', points: [points[0]], of: 2, versions: [{ points: 1 }] },
      { path: '/srv/deep/f3', points, of: 2, versions: [{ size: 1 }, { size: 6 }] },
    ]);
    expect(await good('find', '--all-points', 'pgtest1', '--name', 'f2')).toContain('in 1 of 2 restore points');
  });

  it('differences of two restore points', async () => {
    const args = ['diff', points[0] ?? '', points[1] ?? '', '/srv'];
    const found = await json<FilesDifferenceOutput>('files-difference', ...args, '--content');
    const of = (change: string): string[] => found.filter((one) => one.change === change).map(({ path }) => path);
    expect(of('added')).toEqual(['/srv/added']);
    expect(of('removed')).toEqual(['/srv/deep/f2']);
    expect(of('changed')).toEqual(['/srv/deep/f3']);
    expect(await good(...args)).toContain('- disk-0p1:/srv/deep/f2');
    expect(await good('diff', 'pgtest1', 'pgtest1')).toBe('');
  });
});

describe('taking out', () => {
  it('folders and files, with all that they have', async () => {
    const to = bench.path('out');
    const [taken] = await json<FilesTakenOutput>(
      'files-taken',
      'get',
      'pgtest1',
      '/etc',
      '/srv',
      '/etc/key',
      '--to',
      to,
    );
    expect(taken?.taken.map((one) => one.to)).toEqual(['etc', 'srv', 'key'].map((name) => `${to}/${name}`));
    expect(readdirSync(to).toSorted()).toEqual(['etc', 'key', 'srv']);
    expect(readFileSync(`${to}/srv/big`).equals(readFileSync(bench.path('big')))).toBe(true);
    expect(readlinkSync(`${to}/etc/out`)).toBe('/etc/shadow');
    expect(readFileSync(Buffer.from(`${to}/srv/caf\u00e9`, 'latin1'), 'utf8')).toBe('latin');
    for (const key of [`${to}/etc/key`, `${to}/key`]) {
      expect(lstatSync(key).mode & 0o7777).toBe(0o4750);
      expect(statSync(key, { bigint: true }).mtimeNs).toBe(981_173_106_123_456_789n);
      expect((await execa('getfattr', ['-n', 'user.note', '--only-values', key])).stdout).toBe('hello');
    }
    const { size, blocks } = statSync(`${to}/srv/sparse`);
    expect([size, blocks * 512 < size / 10]).toEqual([40 * 1024 ** 2, true]);
  });

  it('never over what exists, but with --overwrite', async () => {
    const to = bench.path('mine');
    mkdirSync(to);
    writeFileSync(`${to}/hostname`, 'mine');
    await refused(1, 'file.exists', 'get', 'pgtest1', '/etc/key', '/etc/hostname', '--to', to);
    expect(readdirSync(to)).toEqual(['hostname']);
    expect(readFileSync(`${to}/hostname`, 'utf8')).toBe('mine');
    await good('get', 'pgtest1', '/etc/hostname', '--to', to, '--overwrite');
    expect(readFileSync(`${to}/hostname`, 'utf8')).toBe('web1\n');
  });

  it('goes on with a file that was cut off, where it is the same file', async () => {
    const to = bench.path('resumed');
    const [stat] = await json<FilesStatOutput>('files-stat', 'stat', 'pgtest1', '/srv/big');
    if (!stat) throw new Error('no stat');
    const { id, inode, mtime_ns: time, size } = stat.entry;
    const part = `${to}/${partName([points[1] ?? '', 'disk-0p1', id])}`;
    const cut = (etag: string): void => {
      mkdirSync(part, { recursive: true, mode: 0o700 });
      writeFileSync(`${part}/data`, Buffer.alloc(1_000_000));
      writeFileSync(`${part}/etag`, etag);
    };
    const whole = readFileSync(bench.path('big'));
    cut('"of another file"');
    await good('get', 'pgtest1', '/srv/big', '--to', to, '--resume');
    expect(readFileSync(`${to}/big`).equals(whole)).toBe(true);
    cut(`"${points[1]}-${inode}-${time}-${size}"`);
    await good('get', 'pgtest1', '/srv/big', '--to', to, '--resume', '--overwrite');
    const resumed = readFileSync(`${to}/big`);
    expect(resumed.subarray(0, 1_000_000).every((byte) => byte === 0)).toBe(true);
    expect(resumed.subarray(1_000_000).equals(whole.subarray(1_000_000))).toBe(true);
    expect(readdirSync(to)).toEqual(['big']);
  });

  it('as an archive on standard output', async () => {
    const { stdout } = await execa(
      'sh',
      [
        '-c',
        '"$@" | tar -t',
        'sh',
        process.execPath,
        ...programWords('get', 'pgtest1', '/etc', '/srv/deep', '--to', '-'),
      ],
      {
        cwd: bench.folder,
      },
    );
    expect(stdout.split('\n')).toContain('./etc/hostname');
    expect(stdout.split('\n')).toContain('./srv/deep/f1');
  });

  it('to a program that needs only the beginning', async () => {
    const { exitCode, stderr } = await execa(
      'sh',
      [
        '-c',
        '{ "$@"; echo "status $?" >&2; } | head -c 1',
        'sh',
        process.execPath,
        program,
        'files',
        'cat',
        'pgtest1',
        'disk-0p1:/srv/big',
      ],
      { cwd: bench.folder, timeout: 300_000 },
    );
    expect([exitCode, stderr]).toEqual([0, 'status 0']);
  });

  it('leaves nothing half-made under a name when it is killed, and clears up the next time', async () => {
    const to = bench.path('killed');
    mkdirSync(to);
    const child = execa(process.execPath, programWords('get', 'pgtest1', '/srv', '--to', to), {
      cwd: bench.folder,
      reject: false,
    });
    await expect.poll(() => readdirSync(to)).not.toEqual([]);
    child.kill('SIGKILL');
    await child;
    if (!existsSync(`${to}/srv`)) expect(readdirSync(to)).toHaveLength(1);
    await good('get', 'pgtest1', '/etc', '--to', to);
    expect(readdirSync(to).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

const programWords = (...args: string[]): string[] => [program, 'files', ...args];

describe('with the reader that has no kernel', () => {
  it('ext is as it was, and what takes a kernel says so', async () => {
    const settings = bench.path('sendense.yaml');
    const before = readFileSync(settings, 'utf8');
    const others = filesKeepers(bench);
    writeFileSync(settings, `${before}\nfiles: { reader: programs }\n`);
    try {
      const [output] = await json<FilesOutput>('files', 'pgtest1');
      expect(output).toMatchObject({
        reader: 'programs',
        volumes: [
          { id: 'disk-0p1', state: 'readable' },
          { id: 'disk-0p2', type: 'crypto_LUKS', state: 'unsupported' },
        ],
      });
      expect(await good('pgtest1')).toMatch(/read by `programs`[^]*apt install user-mode-linux/);
      const [stat] = await json<FilesStatOutput>('files-stat', 'stat', 'pgtest1', '/etc/key');
      expect(stat).toMatchObject({ entry: { mode: '4750', mtime_ns: '981173106123456789' } });
      expect(stat?.xattrs).toEqual([{ name: 'user.note', value: Buffer.from('hello').toString('base64') }]);
      const [taken] = await json<FilesTakenOutput>(
        'files-taken',
        'get',
        'pgtest1',
        '/srv',
        '--to',
        bench.path('from-programs'),
      );
      expect(taken).toBeDefined();
      expect(readFileSync(bench.path('from-programs/srv/big'))).toEqual(readFileSync(bench.path('big')));
      expect(readFileSync(bench.path('from-programs/srv/deep/f3'), 'utf8')).toBe('longer');
      await good('close', '--all');
    } finally {
      writeFileSync(settings, before);
      const own = (): number[] => filesKeepers(bench).filter((pid) => !others.includes(pid));
      for (const pid of own()) process.kill(pid, 'SIGTERM');
      await expect.poll(own, { timeout: 200_000 }).toEqual([]);
    }
  });
});

describe('sessions', () => {
  it('are listed and closed', async () => {
    await good('ls', 'pgtest1', '/');
    const [open] = await json<FilesMountsOutput>('files-mounts', 'open');
    expect(open?.mounts.map(({ backup_id: id }) => id)).toContain(points[1]);
    await good('close', '--all');
    expect(await good('open')).toBe('no restore point is open');
    await refused(2, 'usage', 'close');
  });

  it('a restore point that is open is not removed', async () => {
    await good('ls', `pgtest1@${points[1]}`, '/');
    const prune = ['prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes'];
    await good('ls', `pgtest1@${points[0]}`, '/');
    await bench.call(prune);
    expect(await pointsOf(bench, 'pgtest1')).toEqual(points);
    expect(await good('cat', `pgtest1@${points[0]}`, '/srv/deep/f2')).toBe('2');
    await good('close', '--all');
    const pruned = await bench.call(prune);
    expect(await pointsOf(bench, 'pgtest1'), pruned.stderr).toEqual(points.slice(1));
  });

  it('a file of one that is open is cut off: nothing is read as zeros', async () => {
    await good('ls', 'pgtest1', 'disk-0p1:/etc');
    const image = bench.path(`repository/pgtest1/disk-0/${points.at(-1)}.qcow2`);
    await execa('cp', ['-p', image, `${image}.whole`]);
    chmodSync(image, 0o600);
    truncateSync(image, statSync(image).size - 65_536);
    const { exitCode, stderr } = await files('cat', 'pgtest1', 'disk-0p1:/etc/hostname');
    await execa('mv', ['-f', `${image}.whole`, image]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/chain\.damaged[^]*were committed/);
    await good('cat', 'pgtest1', 'disk-0p1:/etc/hostname');
  });

  it('what keeps them is killed: the next command starts another one, and nothing is left', async () => {
    await good('ls', 'pgtest1', '/');
    const [keeper = 0, ...others] = filesKeepers(bench);
    expect(others).toEqual([]);
    process.kill(keeper, 'SIGKILL');
    expect(await good('cat', 'pgtest1', '/etc/hostname')).toBe('web1');
    expect(filesKeepers(bench)).not.toContain(keeper);
    await good('close', '--all');
    expect((await bench.call(['recover'])).exitCode).toBe(0);
    expect(leftovers(bench.folder).filter((line) => !/ keep /.test(line))).toEqual([]);
  });
});
