import fc from 'fast-check';
import { cutAt } from './chunks.ts';
import { changedBytes, numberTexts, part } from './hostile.ts';

type Framed = (body: Buffer) => { readonly lines: readonly string[]; readonly body: Buffer };

const length =
  (text: string): Framed =>
  (body) => ({ lines: [`content-length: ${text}`], body });

/** As HTTP frames a body, rightly and wrongly. */
const framing: fc.Arbitrary<Framed> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Framed>((body) => ({ lines: [`content-length: ${body.length}`], body })) },
  {
    weight: 4,
    arbitrary: fc.array(part, { maxLength: 3, size: 'max' }).map((places): Framed => (body) => ({
      lines: ['transfer-encoding: chunked'],
      body: Buffer.concat([
        ...cutAt(body, places).flatMap((piece) => [
          Buffer.from(`${piece.length.toString(16)}\r\n`),
          piece,
          Buffer.from('\r\n'),
        ]),
        Buffer.from('0\r\n\r\n'),
      ]),
    })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...numberTexts).map(length) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        'zz\r\n',
        'ffffffffffffffffff\r\n',
        '-1\r\n',
        '5;x=y\r\nhello\r\n0\r\n\r\n',
        `1;${'e'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`,
        '0\r\nx: y\r\n\r\n',
        `0\r\n${'t: v\r\n'.repeat(3_000)}\r\n`,
        '2\r\n{}',
        '\r\n',
        '00000000000000002\r\n{}\r\n0\r\n\r\n',
      )
      .map((chunks): Framed => () => ({ lines: ['transfer-encoding: chunked'], body: Buffer.from(chunks) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<readonly string[]>(
        ['content-length: 2', 'content-length: 3'],
        ['content-length: 2', 'transfer-encoding: chunked'],
        ['transfer-encoding: gzip, chunked'],
        ['transfer-encoding: chunked', 'transfer-encoding: chunked'],
        ['content-length: 2', 'content-encoding: gzip'],
        ['content-length : 2'],
        [' content-length: 2'],
        ['content-length: 2', 'expect: 100-continue'],
        ['content-length: 2', 'connection: upgrade', 'upgrade: h2c'],
        [],
        ['x\0: y'],
        ['x: \u0001'],
        [`x: ${'y'.repeat(30_000)}`],
        Array<string>(500).fill('a: b'),
        ['\r\n'],
      )
      .map((lines): Framed => (body) => ({ lines, body })),
  },
);

/** A message of HTTP, with whatever body, mostly framed as it should be. */
export function hostileHttp(
  heads: fc.Arbitrary<readonly string[]>,
  bodies: fc.Arbitrary<Buffer>,
): fc.Arbitrary<Buffer> {
  const messages = fc.tuple(heads, framing, bodies).map(([head, framed, content]) => {
    const { lines, body } = framed(content);
    return Buffer.concat([Buffer.from([...head, ...lines, '', ''].join('\r\n'), 'latin1'), body]);
  });
  return fc.oneof({ weight: 6, arbitrary: messages }, { weight: 1, arbitrary: changedBytes(messages, 2) });
}
