import { expect, test } from 'vitest';
import { isExactPiece, readAnswer, type HttpAnswer } from '../../../../src/node/vsphere/transports/http-answer.ts';

const piece = { first: 0, last: 9, size: 100 };

const read = (lines: readonly string[]): HttpAnswer | null => lines.reduce<HttpAnswer | null>(readAnswer, null);
const sound = ['HTTP/1.1 206 Partial Content', 'Content-Range: bytes 0-9/100', 'Content-Length: 10'];

test('a piece is exact where its head says so, and in a head of very many lines nothing is', () => {
  const judge = (lines: readonly string[]): string | null => isExactPiece(read(lines) ?? expect.fail(), piece);
  expect(judge(sound)).toBeNull();
  expect(judge([...sound, ...Array.from({ length: 498 }, (_, at) => `x-${at}: 1`)])).toBeNull();
  // Hundreds of thousands, with names that come again and others: as quick as the lines are read.
  const many = Array.from({ length: 300_000 }, (_, at) => (at % 2 === 0 ? `x-${at}: 1` : 'same: 1'));
  expect(judge([...sound, ...many])).toBe('sends a head of more than 500 lines');
  // The next answer begins anew.
  expect(judge([...sound, ...many, ...sound])).toBeNull();
});
