import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { takeTurns } from '../../../src/hub/ssh-server/take-turns.ts';

/** A socket whose bytes cost some ms a chunk, and how it was judged. */
async function flooded(
  moved: (bytes: number) => number,
  withinMs: number,
): Promise<{ isFlood: boolean; others: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const sender = connect(port, '127.0.0.1');
  sender.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  let bytes = 0;
  const judged = { isFlood: false };
  let done = false;
  socket
    .on('error', () => {})
    .on('data', (data: Buffer) => {
      bytes += data.length;
      for (const end = performance.now() + 20; performance.now() < end;);
    });
  takeTurns(socket, {
    moved: () => moved(bytes),
    onFlood: () => (judged.isFlood = true),
    windowMs: 300,
    // Beside other tests this process may have little of the processors.
    loadedPart: 0.02,
  });
  const write = (): void => {
    if (done) return;
    if (sender.write(Buffer.alloc(64 * 1024))) setImmediate(write);
    else sender.once('drain', write);
  };
  write();
  // Everything else of the process, such as requests: it gets its turn between.
  let others = 0;
  const end = performance.now() + withinMs;
  while (performance.now() < end && !(judged.isFlood && others > 20)) {
    await new Promise((resolve) => setImmediate(resolve));
    others++;
  }
  done = true;
  for (const one of [sender, socket]) one.destroy();
  server.close();
  await once(server, 'close');
  return { ...judged, others };
}

test('a connection that costs a processor and moves nothing is a flood, and leaves turns to others', async () => {
  const { isFlood, others } = await flooded(() => 0, 30_000);
  expect(isFlood).toBe(true);
  expect(others).toBeGreaterThan(20);
});

test('one that moves data for it is none', async () => {
  expect((await flooded((bytes) => bytes * 1000, 2000)).isFlood).toBe(false);
});
