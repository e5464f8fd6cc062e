import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { converse, type Pending } from '../../src/host/nbd/nbd-replies.ts';
import { nbd } from '../../src/host/nbd/nbd-protocol.ts';
import { connectJsonSocket } from '../../src/host/images/qmp.ts';
import { cutAt, cuts } from './chunks.ts';
import { fuzz, judge } from './harness.ts';
import { bigEdges, changedBytes, hostileBytes, integerBytes } from './hostile.ts';
import { hostileJson } from './hostile-json.ts';

/** The agent in a guest that is started to see whether its backup boots, and QEMU itself. */
const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-'));
const path = join(folder, 'agent.sock');
let reply: readonly Buffer[] = [];
const open = new Set<Socket>();
const agent = createServer((connection) => {
  open.add(connection.on('error', () => {}).on('close', () => open.delete(connection)));
  connection.once('data', () => {
    for (const piece of reply) connection.write(piece);
    connection.end();
  });
});
beforeAll(async () => {
  agent.listen(path);
  await once(agent, 'listening');
});
afterAll(async () => {
  for (const one of open) one.destroy();
  agent.close();
  await once(agent, 'close');
  rmSync(folder, { recursive: true });
});

const answers: readonly unknown[] = [
  { return: {} },
  { return: 'what the guest wrote' },
  { error: { class: 'GenericError', desc: 'no' } },
  { QMP: { version: {} } },
  { event: 'STOP', timestamp: { seconds: 1 } },
];
const lines = fc
  .array(hostileJson(fc.constantFrom(...answers)), { minLength: 1, maxLength: 3, size: 'max' })
  .map((all) => Buffer.concat(all.flatMap((line) => [line, Buffer.from('\n')])));

fuzz('answers of a guest’s agent', {
  input: fc.tuple(fc.oneof({ weight: 4, arbitrary: lines }, { weight: 1, arbitrary: hostileBytes(lines) }), cuts),
  few: 100,
  sound: [[Buffer.from('{"return":{}}\n'), []]],
  attempt: async ([bytes, places]) => {
    reply = cutAt(bytes, places);
    const { refused } = await judge(async () => {
      using socket = await connectJsonSocket(path, { timeoutMs: 20_000, mostBytes: 64 * 1024 });
      await socket.ask('guest-ping');
    });
    if (refused) expect(refused.code).toBe('tool.failed');
    return refused === undefined;
  },
});

const number = (value: number | bigint, width: 2 | 4 | 8): Buffer => integerBytes(BigInt(value), width, true);
const option = (kind: number, type: number, data = Buffer.alloc(0)): Buffer =>
  Buffer.concat([number(nbd.optionReplyMagic, 8), number(kind, 4), number(type, 4), number(data.length, 4), data]);
const chunk = (flags: number, type: number, cookie: number, data = Buffer.alloc(0)): Buffer =>
  Buffer.concat([
    number(nbd.structuredReplyMagic, 4),
    number(flags, 2),
    number(type, 2),
    number(0, 4),
    number(cookie, 4),
    number(data.length, 4),
    data,
  ]);
const size = 1024 * 1024;
const exportInfo = Buffer.concat([number(nbd.info.export, 2), number(size, 8), number(1, 2)]);
const head = Buffer.concat([number(nbd.greeting, 8), number(nbd.optionMagic, 8), number(nbd.fixedNewstyle, 2)]);
const agreed = [
  option(nbd.option.structuredReply, nbd.optionReply.ack),
  option(
    nbd.option.setMetaContext,
    nbd.optionReply.metaContext,
    Buffer.concat([number(7, 4), Buffer.from('base:allocation')]),
  ),
  option(nbd.option.setMetaContext, nbd.optionReply.ack),
  option(nbd.option.go, nbd.optionReply.info, exportInfo),
  option(nbd.option.go, nbd.optionReply.info, Buffer.concat([number(nbd.info.description, 2), Buffer.from('ours')])),
  option(
    nbd.option.go,
    nbd.optionReply.info,
    Buffer.concat([number(nbd.info.blockSize, 2), number(1, 4), number(4096, 4), number(2 ** 25, 4)]),
  ),
  option(nbd.option.go, nbd.optionReply.ack),
];
/** A read of 4 KiB, and the extents of the first 64. */
const replies = [
  chunk(0, nbd.chunk.offsetData, 1, Buffer.concat([number(0, 8), Buffer.alloc(2048, 1)])),
  chunk(nbd.chunkDone, nbd.chunk.offsetHole, 1, Buffer.concat([number(2048, 8), number(2048, 4)])),
  chunk(
    nbd.chunkDone,
    nbd.chunk.blockStatus,
    2,
    Buffer.concat([number(7, 4), number(4096, 4), number(0, 4), number(61_440, 4), number(2, 4)]),
  ),
  chunk(nbd.chunkDone, nbd.chunk.error, 3, Buffer.concat([number(28, 4), number(4, 2), Buffer.from('full')])),
  Buffer.concat([number(nbd.simpleReplyMagic, 4), number(0, 4), number(0, 4), number(4, 4)]),
];

/** One message of all is another than it should be, or comes twice. */
const talk: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.nat(agreed.length + replies.length),
    fc
      .constantFrom(...[head, ...agreed, ...replies].map((_message, at) => at))
      .chain((at) =>
        fc.tuple(fc.constant(at), changedBytes(fc.constant([head, ...agreed, ...replies][at] ?? head), 2)),
      ),
    fc.nat(3),
    fc.option(fc.tuple(fc.constantFrom(...bigEdges), fc.constantFrom<2 | 4 | 8>(2, 4, 8), fc.nat(23)), { freq: 2 }),
  )
  .map(([again, [at, bytes], repeat, field]) => {
    const all = [head, ...agreed, ...replies];
    return Buffer.concat(
      all.flatMap((message, step) => {
        let said = step === at ? bytes : message;
        if (field && step === at) {
          const place = Math.min(field[2], message.length);
          said = Buffer.from(message);
          said.set(integerBytes(field[0], field[1], true).subarray(0, said.length - place), place);
        }
        return step === again && repeat === 0 ? [said, said] : [said];
      }),
    );
  });

fuzz('what an NBD server says', {
  input: talk,
  few: 200,
  sound: [Buffer.concat([head, ...agreed, ...replies])],
  attempt: (bytes) => {
    const pending = new Map<number, Pending>();
    let answered = 0;
    const request = (command: number, length: number, target: Buffer | null): Pending => ({
      command,
      offset: 0,
      length,
      target,
      extents: [],
      received: 0,
      error: null,
      resolve: () => answered++,
      reject: () => {},
    });
    const read = Buffer.alloc(4096);
    let sent = 0;
    const conversation = converse({ exportName: 'disk', send: (data) => (sent += data.length) }, pending, (facts) => {
      expect(Number.isSafeInteger(facts.size) && facts.size >= 0 && facts.maxRequest >= 512).toBe(true);
      pending.set(1, request(nbd.command.read, read.length, read));
      pending.set(2, request(nbd.command.blockStatus, 65_536, null));
      pending.set(3, request(nbd.command.write, 4096, null));
      pending.set(4, request(nbd.command.flush, 0, null));
    });
    try {
      let room = conversation.next().value;
      for (let [at, filled] = [0, 0]; at < bytes.length;) {
        // What it wants filled next is memory that it has taken.
        expect(room.length).toBeLessThanOrEqual(32 * 2 ** 20);
        const count = bytes.copy(room, filled, at);
        [at, filled] = [at + count, filled + count];
        if (filled === room.length) [room, filled] = [conversation.next().value, 0];
      }
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
      if (error.name === 'AssertionError') throw error;
    }
    for (const { extents, length } of pending.values())
      expect(extents.reduce((sum, extent) => sum + extent.length, 0)).toBeLessThanOrEqual(length);
    expect(sent).toBeLessThan(1000);
    return answered === 4;
  },
});
