/** `files mount` at a hub on another machine: all that is read comes over HTTP. */
import { execa, type ResultPromise } from 'execa';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open, readdir, readFile, type FileHandle } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesMounts } from '../../src/cli/files/mount/mount-table.ts';
import { catOpenFile, type Reading } from '../support/cat-open-file.ts';
import { processesWith } from '../support/processes-with.ts';
import { filesHub, type FilesHub } from './files-hub.ts';
import { program } from './workspace.ts';

let hub: FilesHub;
let whole: Buffer;
const patience = { timeout: 200_000, interval: 20 };

beforeAll(async () => {
  hub = await filesHub();
  mkdirSync(hub.bench.path('far/on'), { recursive: true });
  writeFileSync(hub.bench.path('far/token'), `${hub.token}\n`, { mode: 0o600 });
  writeFileSync(hub.bench.path('far/wrong'), 'sds_wrong\n', { mode: 0o600 });
  whole = readFileSync(hub.bench.path('big'));
});

afterAll(async () => {
  const left = [...processesWith('sshfs', on()), ...(isMounted() ? [on()] : [])];
  await hub[Symbol.asyncDispose]();
  if (left.length > 0) throw new Error(`left: ${left.join(', ')}`);
});

const on = (...names: string[]): string => hub.bench.path('far/on', ...names);
const isMounted = (): boolean => filesMounts().some(({ folder }) => folder === on());

const far = (words: readonly string[], token = 'token'): ResultPromise =>
  execa(process.execPath, [program, '--hub', hub.url, '--token-file', token, 'files', ...words], {
    // Nothing of the hub is found from here.
    cwd: hub.bench.path('far'),
    reject: false,
    timeout: 200_000,
  });

/** The command, when it has mounted. */
async function mounted(token = 'token'): Promise<{ readonly command: ResultPromise }> {
  const command = far(['mount', 'pgtest1', 'on'], token);
  const ended = { is: false };
  void command.then(() => (ended.is = true));
  let said = '';
  command.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  await expect.poll(() => ended.is || said.includes('mounted read-only'), patience).toBe(true);
  if (ended.is) throw new Error(String((await command).stderr));
  return { command };
}

/** The beginning of the large file, which stays open. Nothing here waits for a read alone: the hub's log has to be taken, too. */
async function begun(): Promise<{ readonly file: FileHandle; readonly first: Buffer }> {
  const file = await open(on('srv/big'), 'r');
  const first = Buffer.alloc(4096);
  await file.read(first);
  expect(first.equals(whole.subarray(0, first.length))).toBe(true);
  return { file, first };
}

async function assertRest({ ended }: Reading, first: Buffer): Promise<void> {
  const { exitCode, bytes } = await ended;
  expect([exitCode, Buffer.concat([first, bytes]).equals(whole)]).toEqual([0, true]);
}

it('has what the restore point has, and leaves nothing behind', async () => {
  const { command } = await mounted();
  expect((await readdir(on())).toSorted()).toEqual(['etc', 'lost+found', 'srv']);
  expect(await readFile(on('etc/hostname'), 'utf8')).toBe('web1\n');
  expect((await readFile(on('srv/big'))).equals(whole)).toBe(true);
  const { exitCode } = await far(['unmount', 'on']);
  expect(exitCode).toBe(0);
  expect((await command).exitCode).toBe(0);
  expect(isMounted()).toBe(false);
  expect(await readdir(on())).toEqual([]);
});

it('more files are read at the same time than there are connections', async () => {
  const { command } = await mounted();
  const files = await Promise.all(Array.from({ length: 12 }, async () => (await begun()).file));
  const piece = Buffer.alloc(1024 * 1024);
  for (const at of [5_000_000, 20_000_000])
    for (const file of files) {
      await file.read(piece, 0, piece.length, at);
      expect(piece.equals(whole.subarray(at, at + piece.length))).toBe(true);
      expect(await readFile(on('srv/deep/f1'), 'utf8')).toBe('1');
    }
  for (const file of files) await file.close();
  command.kill('SIGINT');
  expect((await command).exitCode).toBe(0);
});

it('a file that is open when it is unmounted is read to its end', async () => {
  const { command } = await mounted();
  const { file, first } = await begun();
  expect((await far(['unmount', 'on'])).exitCode).toBe(0);
  expect(isMounted()).toBe(false);
  await assertRest(catOpenFile(file.fd), first);
  await file.close();
  expect((await command).exitCode).toBe(0);
});

it('a hub that is killed, and starts again: whoever reads waits for it', async () => {
  const { command } = await mounted();
  const { file, first } = await begun();
  process.kill(hub.pid(), 'SIGKILL');
  const rest = catOpenFile(file.fd);
  await hub.start();
  await assertRest(rest, first);
  await file.close();
  command.kill('SIGTERM');
  expect((await command).exitCode).toBe(0);
  expect(isMounted()).toBe(false);
  // The folder of the hub that was killed goes.
  expect((await hub.bench.call(['recover'])).exitCode).toBe(0);
});

it('a hub that says nothing holds up nobody who ends it, and whoever reads gets an error', async () => {
  const { command } = await mounted();
  const { file } = await begun();
  process.kill(hub.pid(), 'SIGSTOP');
  try {
    const rest = catOpenFile(file.fd);
    command.kill('SIGINT');
    expect((await command).exitCode).toBe(0);
    expect((await rest.ended).exitCode).not.toBe(0);
    await expect(file.close()).rejects.toThrow('ENOTCONN');
    expect(isMounted()).toBe(false);
  } finally {
    process.kill(hub.pid(), 'SIGCONT');
  }
});

it('a token that is revoked ends it, and one that is wrong mounts nothing', async () => {
  const { exitCode, stderr } = await far(['mount', 'pgtest1', 'on'], 'wrong');
  expect([exitCode, stderr]).toEqual([12, expect.stringContaining('access.login')]);
  expect(isMounted()).toBe(false);
  const made = await hub.bench.call(['token', 'create', 'laptop', '--role', 'restorer', '--json']);
  writeFileSync(hub.bench.path('far/laptop'), (JSON.parse(made.stdout) as { secret: string }).secret, { mode: 0o600 });
  const { command } = await mounted('laptop');
  expect((await hub.bench.call(['token', 'revoke', 'laptop'])).exitCode).toBe(0);
  await expect(readFile(on('etc/hostname'))).rejects.toThrow(/EIO|ENOTCONN|ECONNABORTED/);
  const ended = await command;
  expect([ended.exitCode, ended.stderr]).toEqual([12, expect.stringContaining('access.login')]);
  expect(isMounted()).toBe(false);
});
