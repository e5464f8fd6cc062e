import { execa, type ResultPromise } from 'execa';
import {
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  closeSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesMounts } from '../../src/cli/files/mount/mount-table.ts';
import { catOpenFile } from '../support/cat-open-file.ts';
import { processesWith } from '../support/processes-with.ts';
import { endFiles, filesKeepers } from './files-keepers.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

let bench: Workspace;

const fill = `
set -e
cd "$1"
mkdir -p tree/etc tree/srv/deep tree/many
printf 'web1\\n' > tree/etc/hostname
printf 'secret\\n' > tree/etc/key && chown 1234:5678 tree/etc/key && chmod 4600 tree/etc/key
ln -s /etc/hostname tree/srv/absolute
ln -s ../../../../../etc/shadow tree/srv/deep/out
ln -s ../etc/hostname tree/srv/good
printf latin > "$(printf 'tree/srv/caf\\351')"
printf line > "$(printf 'tree/srv/new\\nline')"
mkfifo tree/srv/fifo
head -c 3000000 /dev/urandom > big && cp big tree/srv/big
for at in $(seq 1 1200); do : > tree/many/f$at; done
find tree -exec touch -h -d '2001-02-03 04:05:06.123456789Z' {} +
truncate -s 16M fs.img && mkfs.ext4 -q -F -d tree fs.img
truncate -s 34M disk.raw
printf 'label: gpt\\nstart=2048,size=32768,type=linux\\nstart=36864,size=16384,type=linux\\n' | sfdisk -q disk.raw
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc status=none
mkfs.ext4 -q -F -E offset=$((36864 * 512)) disk.raw 8m
`;

beforeAll(async () => {
  bench = await workspace();
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  await execa('sh', ['-c', fill, 'sh', bench.folder]);
  const run = await bench.run('plan.yaml');
  if (run.exitCode !== 0) throw new Error(run.stderr);
  mkdirSync(bench.path('on'));
});

afterAll(async () => {
  await endFiles(bench);
  await bench[Symbol.asyncDispose]();
});

const isMounted = (): boolean => filesMounts().some(({ folder }) => folder === bench.path('on'));

/** The command, when it has mounted. */
async function mounted(...words: readonly string[]): Promise<{ readonly command: ResultPromise }> {
  const args = [program, 'files', 'mount', 'pgtest1', ...words, 'on'];
  const command = execa(process.execPath, args, { cwd: bench.folder, reject: false, timeout: 200_000 });
  const ended = { is: false };
  void command.then(() => (ended.is = true));
  let said = '';
  command.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const isServed = (): boolean =>
    said.includes('mounted read-only') &&
    filesMounts().some(({ folder, served }) => served && folder === bench.path('on'));
  for (const until = Date.now() + 100_000; !ended.is && !isServed(); await delay(20))
    if (Date.now() > until) throw new Error('it was not mounted in time');
  if (ended.is) throw new Error(String((await command).stderr));
  return { command };
}

/** The program that serves it to the kernel. */
const sshfs = (): number => processesWith('sshfs', bench.path('on'))[0] ?? Number.NaN;

/** It waits: for what nobody answers. */
const isWaiting = (pid: number): boolean => /^\d+ \(cat\) [DS]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

function stopped(pids: readonly number[]): Disposable {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return { [Symbol.dispose]: () => pids.forEach((pid) => process.kill(pid, 'SIGCONT')) };
}

const unmount = () => bench.call(['files', 'unmount', 'on']);
const on = (...names: string[]): string => bench.path('on', ...names);

describe('a volume that is mounted', () => {
  let command: ResultPromise;
  beforeAll(async () => {
    ({ command } = await mounted('disk-0p1'));
  });

  it('has names as bytes, sizes, modes, owners and times', async () => {
    const names = readdirSync(on('srv'), { encoding: 'latin1' });
    expect(names.toSorted()).toEqual(['absolute', 'big', 'caf\u00e9', 'deep', 'fifo', 'good', 'new\nline'].toSorted());
    expect(lstatSync(on('etc/key'))).toMatchObject({ size: 7, uid: 1234, gid: 5678, mode: 0o104_600 });
    expect(lstatSync(on('etc/key')).mtimeMs).toBe(Date.parse('2001-02-03T04:05:06Z'));
    expect(lstatSync(on('srv/fifo')).isFIFO()).toBe(true);
    expect(readdirSync(on('many'))).toHaveLength(1200);
    expect(() => lstatSync(on('nowhere'))).toThrow('ENOENT');
  });

  it('has contents, from the beginning and from anywhere', async () => {
    const whole = readFileSync(bench.path('big'));
    expect(readFileSync(on('srv/big')).equals(whole)).toBe(true);
    expect(readFileSync(on('etc/key'), 'utf8')).toBe('secret\n');
    expect(readFileSync(Buffer.from(on('srv/caf\u00e9'), 'latin1'), 'utf8')).toBe('latin');
    const file = openSync(on('srv/big'), 'r');
    const piece = Buffer.alloc(5000);
    for (const at of [2_990_000, 17, 1_500_000]) {
      readSync(file, piece, 0, piece.length, at);
      expect(piece.equals(whole.subarray(at, at + piece.length))).toBe(true);
    }
    closeSync(file);
  });

  it('has links that lead to files of the volume, and to none of this machine', () => {
    expect(readlinkSync(on('srv/good'))).toBe('../etc/hostname');
    expect(readlinkSync(on('srv/absolute'))).toBe('../etc/hostname');
    expect(readFileSync(on('srv/absolute'), 'utf8')).toBe('web1\n');
    expect(readlinkSync(on('srv/deep/out'))).toBe('../../etc/shadow');
    expect(() => readFileSync(on('srv/deep/out'))).toThrow('ENOENT');
  });

  it('is read-only, and ends when it is unmounted', async () => {
    expect(() => writeFileSync(on('etc/hostname'), 'x')).toThrow('EROFS');
    expect(() => symlinkSync('x', on('etc/new'))).toThrow('EROFS');
    expect((await unmount()).exitCode).toBe(0);
    expect((await command).exitCode).toBe(0);
    expect(isMounted()).toBe(false);
  });
});

it('several volumes are folders, and Ctrl-C ends it', async () => {
  const { command } = await mounted();
  expect(readdirSync(bench.path('on')).toSorted()).toEqual(['disk-0p1', 'disk-0p2']);
  expect(readFileSync(on('disk-0p1/etc/hostname'), 'utf8')).toBe('web1\n');
  command.kill('SIGINT');
  expect((await command).exitCode).toBe(0);
  expect(isMounted()).toBe(false);
});

describe('what is killed leaves no folder that hangs', () => {
  it('the command', async () => {
    const { command } = await mounted('disk-0p1');
    command.kill('SIGKILL');
    await command;
    await expect.poll(isMounted, { timeout: 200_000 }).toBe(false);
  });

  it('what speaks to the kernel', async () => {
    const { command } = await mounted('disk-0p1');
    process.kill(sshfs(), 'SIGKILL');
    const { exitCode, stderr } = await command;
    expect([exitCode, String(stderr)]).toEqual([1, expect.stringContaining('SIGKILL')]);
    expect(isMounted()).toBe(false);
  });

  it('all of it: the next command releases it', async () => {
    const { command } = await mounted('disk-0p1');
    // With what would release the folder.
    const all = processesWith('sshfs', bench.path('on'));
    expect(all.length).toBeGreaterThan(1);
    command.kill('SIGSTOP');
    for (const pid of all) process.kill(pid, 'SIGKILL');
    command.kill('SIGKILL');
    await command;
    await expect.poll(() => sshfs(), { timeout: 200_000 }).toBeNaN();
    expect(isMounted()).toBe(true);
    const { command: again } = await mounted('disk-0p2');
    again.kill('SIGTERM');
    expect((await again).exitCode).toBe(0);
    expect(isMounted()).toBe(false);
  });

  it.each([
    ['the command', 'SIGKILL'],
    ['the command, gently', 'SIGINT'],
  ] as const)('%s, while a program reads: it gets an error, and no part for the whole', async (_what, signal) => {
    const { command } = await mounted('disk-0p1');
    const file = openSync(on('srv/big'), 'r');
    const piece = Buffer.alloc(4096);
    expect(readSync(file, piece)).toBe(4096);
    using _stopped = stopped(filesKeepers(bench));
    const rest = catOpenFile(file);
    await expect.poll(() => isWaiting(rest.pid), { timeout: 200_000 }).toBe(true);
    command.kill(signal);
    await command;
    const { exitCode } = await rest.ended;
    expect(() => closeSync(file)).toThrow('ENOTCONN');
    expect(exitCode).not.toBe(0);
    await expect.poll(isMounted, { timeout: 200_000 }).toBe(false);
  });

  it('what keeps the restore point open', async () => {
    const { command } = await mounted('disk-0p1');
    const file = openSync(on('srv/big'), 'r');
    readSync(file, Buffer.alloc(4096));
    for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGKILL');
    expect(() => readFileSync(on('etc/hostname'))).toThrow(/EIO|ENOTCONN|ECONNABORTED/);
    expect(() => readFileSync(file)).toThrow(/EIO|ENOTCONN|ECONNABORTED/);
    expect(() => closeSync(file)).toThrow('ENOTCONN');
    const { exitCode, stderr } = await command;
    expect([exitCode, String(stderr)]).toEqual([1, expect.stringContaining('files.reader')]);
    expect(isMounted()).toBe(false);
    // Its folder goes with the next one.
    expect((await bench.call(['files', 'ls', 'pgtest1', 'disk-0p1:/'])).exitCode).toBe(0);
    expect((await bench.call(['recover'])).exitCode).toBe(0);
  });
});

describe('what cannot be mounted', () => {
  const refused = async (words: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> => {
    const { exitCode, stderr } = await bench.call(['files', ...args], { env });
    expect(stderr).toContain(words);
    expect(exitCode).not.toBe(0);
  };

  it('a folder that is not there, one that is not empty, and a volume that is not there', async () => {
    await refused('none is no folder', ['mount', 'pgtest1', 'none']);
    await refused('tree is not empty', ['mount', 'pgtest1', 'tree']);
    await refused('files.volume', ['mount', 'pgtest1', 'disk-7', 'on']);
    await refused('no restore point is mounted on on', ['unmount', 'on']);
    await refused('files.type', ['mount', 'pgtest1', 'disk-0p1:/etc/key', 'on']);
  });

  it('without sshfs, which is named with its package', async () => {
    await refused('apt-get install sshfs', ['mount', 'pgtest1', 'on'], { PATH: bench.path('tree') });
  });
});
