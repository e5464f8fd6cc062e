import { describe, expect, it } from 'vitest';
import { answerIn, requestIn } from '../../../src/hub/repositories/receiver-wire.ts';

const unknown = { toString: null };
const facts = { path: 'vm/a', bytes: 1, mtime_ns: '1', sha256: 'x' };

describe('what another hub says in a copy', () => {
  it.each<[Parameters<typeof answerIn>[1], unknown]>([
    ['hello', null],
    ['hello', {}],
    ['hello', { repository: 'r', id: 'i', points: [null], disks: [] }],
    ['hello', { repository: 'r', id: 'i', points: [], disks: [{ number: '0', uuid: 'u' }] }],
    ['hello', { repository: 'r', id: 'i', points: [], disks: [], blocked: [5] }],
    ['begin', null],
    ['begin', { state: unknown, offset: 0 }],
    ['begin', { state: 'part', offset: -1 }],
    ['begin', { state: 'part', offset: 1e300 }],
    ['finish', 'yes'],
    ['adopt', null],
    ['done', 'a warning'],
    ['done', [unknown]],
  ])('%s is not answered by %j', (op, result) => {
    const refused = expect.objectContaining({ code: 'link.protocol' }) as object;
    expect(() => answerIn(JSON.stringify({ result }), op)).toThrow(refused);
  });

  it.each(['', 'null', '5', '{"error":null}', '{"error":{"code":5}}', '{"error":"no"}', '{'])(
    'nothing is answered by %s',
    (line) => {
      expect(() => answerIn(line, 'reserve')).toThrow(expect.objectContaining({ code: 'link.protocol' }) as object);
    },
  );

  it('takes what an older hub answers, which knows of no identity', () => {
    const result = { repository: 'r', id: 'i', points: [], disks: [] };
    expect(answerIn(JSON.stringify({ result }), 'hello')).toEqual({ result });
  });

  it('a time that is no text is no request', () => {
    const line = (mtime_ns: unknown): string => JSON.stringify({ op: 'finish', facts: { ...facts, mtime_ns } });
    expect(requestIn(line('12'))).toMatchObject({ op: 'finish' });
    for (const time of [unknown, [], ['1'], null, true, -1])
      expect(() => requestIn(line(time))).toThrow(expect.objectContaining({ code: 'link.protocol' }) as object);
  });
});
