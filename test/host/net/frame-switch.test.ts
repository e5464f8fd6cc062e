import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createFrameSwitch } from '../../../src/host/net/frame-switch.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const cardA = Buffer.from('525400000001', 'hex');
const cardB = Buffer.from('525400000002', 'hex');
const everybody = Buffer.alloc(6, 0xff);

const frame = (to: Buffer, from: Buffer, text: string): Buffer => {
  const ethernet = Buffer.concat([to, from, Buffer.from('0800', 'hex'), Buffer.from(text)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(ethernet.length);
  return Buffer.concat([length, ethernet]);
};

test('frames for one card go to it, frames for all to all others; a card that sends nonsense is unplugged', async () => {
  await using folder = await temporaryFolder();
  const cards = createFrameSwitch();
  const server = createServer((socket) => cards.join(socket));
  server.listen(folder.file('net.sock'));
  await once(server, 'listening');
  const plug = async (): Promise<{ socket: Socket; heard: () => Promise<string>; all: () => string }> => {
    const socket = connect(folder.file('net.sock'));
    await once(socket, 'connect');
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
    socket.on('error', () => undefined);
    return {
      socket,
      all: () => text,
      async heard() {
        if (text === '') await once(socket, 'data');
        const said = text;
        text = '';
        return said;
      },
    };
  };
  const [a, b, c] = [await plug(), await plug(), await plug()];
  // In two pieces.
  const first = frame(everybody, cardA, 'who is there?');
  a.socket.write(first.subarray(0, 9));
  a.socket.write(first.subarray(9));
  expect(await b.heard()).toContain('who is there?');
  expect(await c.heard()).toContain('who is there?');
  b.socket.write(frame(cardA, cardB, 'I am'));
  expect(await a.heard()).toContain('I am');
  // It knows both by now: the third card hears nothing of it, only what comes after it.
  a.socket.write(Buffer.concat([frame(cardB, cardA, 'between us'), frame(everybody, cardA, 'the end')]));
  expect(await c.heard()).not.toContain('between us');
  await expect.poll(() => b.all()).toContain('between us');
  c.socket.write(Buffer.from('ffffffff00', 'hex'));
  await once(c.socket, 'close');
  expect(cards.size).toBe(2);
  for (const { socket } of [a, b]) socket.destroy();
  await expect.poll(() => cards.size).toBe(0);
  server.close();
});
