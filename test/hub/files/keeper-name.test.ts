import { existsSync, linkSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clearDeadKeepers, giveUpName, takeName } from '../../../src/hub/files/keeper-name.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';

let folder: TemporaryFolder;
let before: string | undefined;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder.path;
});

afterEach(async () => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => void server.close(() => resolve()));
  await folder[Symbol.asyncDispose]();
});

/** Somebody who answers at a socket. */
async function serve(path: string): Promise<Server> {
  const server = createServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n')));
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  servers.push(server);
  return server;
}

/** A socket at which nobody listens any more. */
async function leave(path: string): Promise<void> {
  const server = await serve(`${path}.own`);
  linkSync(`${path}.own`, path);
  servers.pop();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  expect(statSync(path).isSocket()).toBe(true);
}

it('the name of one that answers is not taken; that of one that died is, and nothing lies beside it', async () => {
  const name = folder.file('keeper.sock');
  await leave(name);
  await serve(folder.file('first'));
  await serve(folder.file('second'));
  expect(await takeName(folder.file('first'), name)).toBe(true);
  expect(await takeName(folder.file('second'), name)).toBe(false);
  expect(readdirSync(folder.path).toSorted()).toEqual(['first', 'keeper.sock', 'second']);
});

it('who ends takes its own name away, and not that of another', async () => {
  const name = folder.file('keeper.sock');
  await serve(folder.file('first'));
  await serve(folder.file('second'));
  await takeName(folder.file('first'), name);
  giveUpName(folder.file('second'), name);
  expect(existsSync(name)).toBe(true);
  giveUpName(folder.file('first'), name);
  giveUpName(folder.file('first'), name);
  expect(existsSync(name)).toBe(false);
});

it('sockets and logs of keepers that died go; those of one that lives, or starts, stay', async () => {
  const place = join(folder.path, `sendense-${process.getuid?.() ?? 0}`);
  mkdirSync(place, { mode: 0o700 });
  const at = (name: string): string => join(place, name);
  const old = new Date(Date.now() - 600_000);
  for (const name of ['1', '2', '3', '4']) {
    writeFileSync(at(`files-00000000-0000000${name}.log`), '');
    if (name !== '4') utimesSync(at(`files-00000000-0000000${name}.log`), old, old);
  }
  await leave(at('files-00000000-00000001.sock'));
  await serve(at('files-00000000-00000002.sock'));
  await clearDeadKeepers();
  expect(readdirSync(place).toSorted()).toEqual([
    'files-00000000-00000002.log',
    'files-00000000-00000002.sock',
    'files-00000000-00000004.log',
  ]);
});

it('an empty private place goes with the last of them', async () => {
  const place = join(folder.path, `sendense-${process.getuid?.() ?? 0}`);
  mkdirSync(place, { mode: 0o700 });
  await leave(join(place, 'files-00000000-00000001.sock'));
  await clearDeadKeepers();
  expect(readdirSync(folder.path)).toEqual([]);
});
