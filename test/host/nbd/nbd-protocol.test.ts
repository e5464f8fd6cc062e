import { describe, expect, it } from 'vitest';
import { handshake, nbd, type ExportFacts } from '../../../src/host/nbd/nbd-protocol.ts';

const reply = (option: number, type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(nbd.optionReplyMagic, 0);
  for (const [at, value] of [option, type, data.length].entries()) head.writeUInt32BE(value, 8 + 4 * at);
  return Buffer.concat([head, data]);
};

/** A server that gives an export of 1 MiB, and takes requests of so many bytes. */
function serverOf(mostBytes: number): Buffer {
  const greeting = Buffer.alloc(18);
  greeting.writeBigUInt64BE(nbd.greeting, 0);
  greeting.writeBigUInt64BE(nbd.optionMagic, 8);
  greeting.writeUInt16BE(nbd.fixedNewstyle, 16);
  const size = Buffer.alloc(12);
  size.writeBigUInt64BE(1024n * 1024n, 2);
  const sizes = Buffer.alloc(14);
  sizes.writeUInt16BE(nbd.info.blockSize, 0);
  sizes.writeUInt32BE(mostBytes, 10);
  const { go, structuredReply } = nbd.option;
  const none = Buffer.alloc(0);
  return Buffer.concat([
    greeting,
    reply(structuredReply, 0x8000_0001, none),
    reply(go, nbd.optionReply.info, size),
    reply(go, nbd.optionReply.info, sizes),
    reply(go, nbd.optionReply.ack, none),
  ]);
}

function shakeHands(server: Buffer): ExportFacts {
  const conversation = handshake({ exportName: 'disk', send: () => {} });
  let step = conversation.next();
  for (let at = 0; !step.done; at += step.value.length, step = conversation.next()) server.copy(step.value, 0, at);
  return step.value;
}

describe('what an NBD server says of its requests', () => {
  it.each([0, 1, 511])('refuses one that takes %d bytes at most: a read would have no end', (bytes) => {
    expect(() => shakeHands(serverOf(bytes))).toThrow(`requests of ${bytes} bytes at most`);
  });

  it('takes less than we would ask for', () => expect(shakeHands(serverOf(512)).maxRequest).toBe(512));
});
