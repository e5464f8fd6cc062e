import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  answeringSocket,
  answeringSockets,
  answers,
  ownSocketToServe,
  type KeeperOf,
} from '../../../src/hub/files/keeper-socket.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';

let folder: TemporaryFolder;
let server: Server;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'keeper.sock');
  server = createServer();
  await new Promise<void>((resolve) => void server.listen(path, resolve));
});

afterEach(async () => {
  if (server.listening) await new Promise<void>((resolve) => void server.close(() => resolve()));
  await folder[Symbol.asyncDispose]();
});

it('one that says something answers', async () => {
  server.on('connection', (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n')));
  await expect(answers(path)).resolves.toBe(true);
});

it('one that is stopped takes connections and says nothing: it is named, and not waited for', async () => {
  server.on('connection', (socket) => void socket.resume());
  const error = (await answers(path, 50).catch((cause: unknown) => cause)) as Error;
  expect(error).toMatchObject({ code: 'files.reader', remedy: expect.stringContaining('kill -CONT') });
});

it('one that ends meanwhile, and one that is gone, do not answer', async () => {
  server.on('connection', (socket) => void socket.destroy());
  await expect(answers(path)).resolves.toBe(false);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  await expect(answers(path)).resolves.toBe(false);
});

it('settings that are others have a keeper of their own; who asks what is open finds both, and not those of another hub', async () => {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder.path;
  try {
    const of = (settings: object, settingsFile = '/etc/sendense/sendense.yaml', version = '1.0.0'): KeeperOf => ({
      settingsFile,
      settings: settings as KeeperOf['settings'],
      version,
    });
    const [old, changed] = [of({ files: { idle: '1h' } }), of({ files: { idle: '2h' } })];
    const elsewhere = of({ files: { idle: '1h' } }, '/srv/sendense.yaml');
    const sockets = [old, changed, elsewhere, { ...old, version: '1.0.1' }].map(ownSocketToServe);
    expect(new Set(sockets).size).toBe(4);
    await using stack = new AsyncDisposableStack();
    for (const socket of [sockets[0], sockets[2]]) {
      const keeper = createServer((peer) => void peer.once('data', () => peer.end('HTTP/1.1 200 OK\r\n\r\n')));
      await new Promise<void>((resolve) => void keeper.listen(socket, resolve));
      stack.defer(() => new Promise<void>((resolve) => void keeper.close(() => resolve())));
    }
    expect(await answeringSocket(old)).toBe(sockets[0]);
    expect(await answeringSocket(changed)).toBeNull();
    expect(await answeringSockets(changed)).toEqual([sockets[0]]);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});
