import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { expect } from 'vitest';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { receiverOver } from '../../src/hub/repositories/remote-receiver.ts';
import { inPieces, sink, streamOf } from './chunks.ts';
import { fuzz, judge } from './harness.ts';
import { hostileJson } from './hostile-json.ts';

const facts = { path: 'vm/disk-0/b1.qcow2', bytes: 3, mtime_ns: '1', sha256: '0'.repeat(64) };
const hello = {
  repository: 'second',
  id: 'r',
  points: [{ backup_id: 'b0', checksum: 'sha256:1' }],
  disks: [{ number: 0, uuid: 'uuid-0' }],
  identity: null,
  blocked: [{ backup_id: 'b0', reason: 'a removal' }],
};
/** What another hub answers to what a copy asks, in this order. */
const answers: readonly unknown[] = [
  { result: hello },
  { result: null },
  { result: { state: 'part', offset: 1 } },
  { result: true },
  { result: false },
  { result: null },
  { result: ['a warning'] },
];
const refusal = { error: { code: 'repository.full', message: 'no', remedy: '', position: null } };
const lineOf = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** One answer is another than it should be. */
const talk: fc.Arbitrary<Buffer> = fc
  .tuple(fc.nat(answers.length - 1), fc.boolean())
  .chain(([which, refuses]) =>
    hostileJson(fc.constant(refuses ? refusal : answers[which])).map((line) =>
      Buffer.concat(answers.flatMap((answer, at) => (at === which ? [line, Buffer.from('\n')] : [lineOf(answer)]))),
    ),
  );

fuzz('what another hub answers', {
  input: inPieces(talk),
  few: 80,
  sound: [
    [Buffer.concat(answers.map(lineOf)), []],
    [Buffer.concat([{ result: { ...hello, blocked: null } }, ...answers.slice(1)].map(lineOf)), []],
  ],
  attempt: async ([bytes, places]) => {
    const { output } = sink();
    const readable = streamOf(bytes, places);
    const ended = finished(readable)
      .catch(() => undefined)
      .then(() => new SendenseError('ssh.lost', 'the connection ended'));
    const stream = Duplex.from({ readable, writable: output });
    stream.on('error', () => {});
    await using receiver = receiverOver({ stream, ended, [Symbol.asyncDispose]: async () => void stream.destroy() });
    const { refused } = await judge(async () => {
      const there = await receiver.hello('vm');
      for (const { backup_id: id, checksum } of there.points)
        expect([typeof id, typeof checksum]).toEqual(['string', 'string']);
      expect(there.disks.every(({ number }) => Number.isSafeInteger(number))).toBe(true);
      expect(there.blocked.every(({ reason }) => typeof reason === 'string')).toBe(true);
      await receiver.reserve(100);
      const { offset } = await receiver.begin(facts.path, facts.bytes);
      expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
      await receiver.write(Buffer.from('xyz'));
      expect(typeof (await receiver.finish(facts))).toBe('boolean');
      expect(typeof (await receiver.adopt(facts))).toBe('boolean');
      await receiver.commit('{}', null);
      expect((await receiver.done()).every((text) => typeof text === 'string')).toBe(true);
    });
    return refused === undefined;
  },
});
