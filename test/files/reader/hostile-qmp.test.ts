import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectQmp } from '../../../src/files/qmp.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

/** A qemu-storage-daemon that answers the first command, and to the second one says what a test wants. */
async function answering(say: (socket: Socket) => void) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const path = join(folder.path, 'qmp');
  const server = createServer((socket) => {
    let commands = 0;
    socket
      .on('error', () => undefined)
      .on('data', () => (++commands === 1 ? socket.write('{"return":{},"id":1}\n') : say(socket)));
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  stack.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const qmp = stack.use(await connectQmp(path));
  const made = stack.move();
  return { qmp, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

test.each([
  ['no JSON', '{"return":\n'],
  ['null', 'null\n'],
  ['a number', '7\n'],
  ['JSON that is deeper than a stack', `{"id":2,"return":${'['.repeat(200_000)}\n`],
  ['a line without an end', 'x'.repeat(2 * 1024 * 1024)],
])('%s in place of QMP ends the connection, and nothing else', async (_what, text) => {
  await using bench = await answering((socket) => socket.write(text));
  await expect(bench.qmp.execute('query-jobs')).rejects.toMatchObject({ code: 'files.reader' });
});

test('an error without words is an error', async () => {
  await using bench = await answering((socket) => socket.write('{"id":2,"error":{"desc":null}}\n'));
  await expect(bench.qmp.execute('query-jobs')).rejects.toMatchObject({ code: 'files.reader' });
});
