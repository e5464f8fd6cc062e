import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answers } from '../../../src/hub/files/keeper-socket.ts';
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
