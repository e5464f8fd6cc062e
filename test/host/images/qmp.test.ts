import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectJsonSocket } from '../../../src/host/images/qmp.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';

let folder: TemporaryFolder;
let server: Server;
/** What a guest's agent says to any question. */
let said: readonly (string | Buffer)[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => said.forEach((piece) => socket.write(piece)));
  });
  server.listen(folder.file('s'));
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await folder[Symbol.asyncDispose]();
});

async function ask(limits: { timeoutMs?: number; mostBytes?: number } = {}): Promise<unknown> {
  using socket = await connectJsonSocket(folder.file('s'), limits);
  return await socket.ask('guest-ping');
}

describe('a program of the guest answers', () => {
  it('passes over whatever is no answer, and does not fall over it', async () => {
    said = ['null\n5\n"x"\n[]\ntrue\n{}\n{"error":null}\n{"event":"x"}\n\n', '{"ret', 'urn":{"a":1}}\n'];
    expect(await ask()).toEqual({ a: 1 });
  });

  it.each(['{"error":{"desc":{"toString":null}}}', '{"error":5}', '{"error":{"desc":"no"}}'])('%s', async (line) => {
    said = [`${line}\n`];
    await expect(ask()).rejects.toMatchObject({ code: 'tool.failed' });
  });

  it('ends the conversation when it says too much, in one line or in many', async () => {
    for (const byte of ['x', '\n']) {
      said = Array.from({ length: 40 }, () => Buffer.alloc(1024, byte));
      await expect(ask({ mostBytes: 10_000 })).rejects.toMatchObject({
        code: 'tool.failed',
        message: expect.stringContaining('more than 10000 bytes') as string,
      });
    }
  });
});
