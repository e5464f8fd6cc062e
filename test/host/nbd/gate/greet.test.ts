import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import {
  agreesToEncrypt,
  createGreeter,
  greeting,
  openingTo,
  type Answer,
} from '../../../../src/host/nbd/gate/greet.ts';
import { makePsk } from '../../../../src/host/nbd/psk-file.ts';
import { random, randomBytes } from '../../../support/random.ts';

const psk = Buffer.from(makePsk(), 'hex');
const flags = Buffer.from([0, 0, 0, 1]);
const magic = Buffer.from('IHAVEOPT');
const option = (kind: number, data: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(kind, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([magic, head, data]);
};
const startTls = option(5);

/** What OpenSSL says first with a key. */
async function helloWith(key: Buffer): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const plain = connect(port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const client = connectTls({
    socket: plain,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: key, identity: 'sendense' }),
  }).on('error', () => undefined);
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  client.destroy();
  plain.destroy();
  accepted.destroy();
  server.close();
  return hello;
}

/** The answer to the last of these pieces, and all that was said. */
function greet(...pieces: readonly Buffer[]) {
  const said: Buffer[] = [];
  const greeter = createGreeter(psk, (data) => said.push(data));
  let answer: Answer = { kind: 'more' };
  for (const piece of pieces) if (answer.kind === 'more') answer = greeter.take(piece);
  return { answer, said: Buffer.concat(said) };
}

test('who has the key is let through, however the bytes come; what the server has to hear is told', async () => {
  const hello = await helloWith(psk);
  const whole = Buffer.concat([flags, startTls, hello]);
  const { answer, said } = greet(whole);
  expect(answer).toEqual({ kind: 'proven', flags, rest: hello });
  expect(agreesToEncrypt(Buffer.concat([greeting, said]))).toBe(true);
  expect(openingTo(flags).equals(Buffer.concat([flags, startTls]))).toBe(true);
  expect(greet(...Array.from(whole, (byte) => Buffer.from([byte]))).answer.kind).toBe('proven');
});

test('another key, and a hello in which one byte is another, are refused', async () => {
  expect(greet(flags, startTls, await helloWith(randomBytes(32))).answer.kind).toBe('refused');
  const hello = await helloWith(psk);
  // The record's version counts for nothing.
  for (let at = 5; at < hello.length; at++) {
    const other = Buffer.from(hello);
    other[at]! ^= 1 << (at % 8);
    expect(greet(flags, startTls, other).answer.kind, `byte ${at}`).not.toBe('proven');
  }
});

test('without encryption there is the answer that it is required, a few times', () => {
  const asked = greet(flags, option(7, Buffer.alloc(20)));
  expect(asked.answer.kind).toBe('more');
  expect(asked.said.readUInt32BE(12)).toBe(0x80000005);
  expect(greet(flags, ...Array.from({ length: 20 }, () => option(3))).answer.kind).toBe('refused');
  for (const piece of [option(2), option(1, Buffer.from('disk')), option(5, Buffer.alloc(5000)), Buffer.alloc(16)])
    expect(greet(flags, piece).answer.kind).toBe('refused');
});

test('nothing that is said makes it fail, or read without end', async () => {
  const hello = await helloWith(psk);
  const parts = [flags, startTls, hello, option(7, randomBytes(9)), Buffer.alloc(5), magic];
  const chance = random('pieces');
  for (let round = 0; round < 5000; round++) {
    const pieces = Array.from({ length: 6 }, () => {
      const piece = Buffer.from(parts[chance.int(0, parts.length)]!);
      if (round % 2) piece[chance.int(0, piece.length)] = chance.int(0, 256);
      return piece.subarray(0, round % 3 ? piece.length : chance.int(0, piece.length));
    });
    greet(flags, startTls, ...pieces);
    greet(...pieces);
  }
  expect(greet(flags, startTls, Buffer.from([22, 3, 1, 0x40, 1])).answer.kind).toBe('refused');
  expect(greet(flags, startTls, Buffer.from('G')).answer.kind).toBe('refused');
});
