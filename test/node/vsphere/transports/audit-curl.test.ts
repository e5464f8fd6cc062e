import { describe, expect, test } from 'vitest';
import { auditCurl, type CurlAudit } from '../../../../src/node/vsphere/transports/audit-curl.ts';

const size = 3_000_000;
const MiB = 1024 * 1024;

const say = (thread: number, text: string): string => `nbdkit: curl[${thread}]: debug: ${text}`;

/** What nbdkit-curl 1.32 says of one read, record by record. */
const read = (thread: number, first: number, count: number, answer: readonly string[]): string[][] => [
  [say(thread, `blocksize: pread count=${count} offset=${first}`)],
  [say(thread, `retry: pread count=${count} offset=${first}`)],
  ...again(thread, first, count, answer),
];
const again = (thread: number, first: number, count: number, answer: readonly string[]): string[][] => [
  [say(thread, `curl: pread count=${count} offset=${first}`)],
  [say(thread, 'Re-using existing connection #0 with host 127.0.0.1')],
  [
    say(thread, 'C: GET /folder/a-flat.vmdk?dcPath=DC1 HTTP/1.1\r'),
    'Host: 127.0.0.1:18777\r',
    `Range: bytes=${first}-${first + count}\r`,
    'Cookie: vmware_soap_session="secret"',
  ],
  ...answer.map((line) => [say(thread, `S: ${line}`)]),
  [say(thread, '<data with size=16384>')],
];
const piece = (first: number, last: number, more: Readonly<Record<string, string>> = {}): string[] => [
  'HTTP/1.1 206 Partial Content',
  ...Object.entries({
    'Content-Length': String(last - first + 1),
    'content-range': `bytes ${first}-${last}/${size}`,
    ...more,
  }).map(([name, value]) => `${name}: ${value}`),
  '',
];
const head = [
  [say(1, 'C: HEAD /folder/a-flat.vmdk HTTP/1.1\r'), 'Host: 127.0.0.1:18777'],
  [say(1, 'S: HTTP/1.1 200 OK')],
  [say(1, 'S: ')],
];
const failed = [['nbdkit: curl[1]: error: pread: curl_easy_perform: Transferred a partial file: left over']];
const good = read(1, 0, MiB, piece(0, MiB));

function audited(records: readonly string[][], faults: string[] = []): CurlAudit {
  const audit: CurlAudit = auditCurl(size, () => faults.push(audit.fault() ?? ''));
  for (const line of records.flat()) audit.hear(line);
  return audit;
}

describe('confirmed', () => {
  test.each<[string, string[][], number]>([
    ['a piece', [...head, ...good], MiB],
    ['the last piece, behind whose end nbdkit asks', read(1, 2_000_000, MiB - 48_576, piece(2_000_000, size - 1)), 1],
    [
      'one after an error of the server',
      [...read(1, 0, 9, ['HTTP/1.1 503 Busy', '']), ...failed, ...again(1, 0, 9, piece(0, 9))],
      9,
    ],
    ['one after a broken body', [...read(1, 0, 9, piece(0, 9)), ...failed, ...again(1, 0, 9, piece(0, 9))], 9],
    ['one after an interim answer', read(1, 0, 9, ['HTTP/1.1 100 Continue', '', ...piece(0, 9)]), 9],
    ['one over HTTP/2', read(1, 0, 9, ['HTTP/2 206 ', ...piece(0, 9).slice(1)]), 9],
    ['nothing, where nothing was read', head, 0],
  ])('%s', (_, records, bytes) => {
    expect(audited(records).verdict(bytes)).toBe(null);
  });
});

describe('a fault at once', () => {
  test.each<[string, string[], RegExp]>([
    ['the whole file', ['HTTP/1.1 200 OK', ''], /asked for bytes 9-99 and answered with HTTP 200/],
    ['a page elsewhere', ['HTTP/1.1 302 Found', ''], /HTTP 302/],
    ['another piece', piece(9, 99, { 'content-range': `bytes 0-90/${size}` }), /'bytes 0-90\/3000000'/],
    ['a shorter piece', piece(9, 98), /'bytes 9-98/],
    ['a piece of another file', piece(9, 99, { 'content-range': 'bytes 9-99/4000000' }), /4000000', where/],
    ['a piece of a file of unknown size', piece(9, 99, { 'content-range': 'bytes 9-99/*' }), /9-99\/\*'/],
    ['a piece without its place', ['HTTP/1.1 206 x', 'Content-Length: 91', ''], /answered with ''/],
    ['several pieces', ['HTTP/1.1 206 x', 'Content-Type: multipart/byteranges; boundary=x', ''], /answered with ''/],
    ['less than it says', piece(9, 99, { 'Content-Length': '90' }), /sends 90 bytes/],
    ['it packed', piece(9, 99, { 'Content-Encoding': 'gzip' }), /another form \(content-encoding: gzip\)/],
    ['two places', [...piece(9, 99).slice(0, -1), 'Content-Range: bytes 0-1/2', ''], /9-99\/3000000, bytes 0-1\/2/],
  ])('%s', (_, answer, fault) => {
    const faults: string[] = [];
    const audit = audited([...good, ...read(1, 9, 90, answer), ...good], faults);
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(audit.verdict(0)).toBe(faults[0]);
  });
});

describe('not confirmed', () => {
  const without = (part: string): string[][] => good.map((record) => record.filter((line) => !line.includes(part)));
  test.each<[string, string[][], RegExp]>([
    ['the request is not in the log', without('C: GET'), /did not confirm bytes 0-1048575/],
    ['its range is not', without('Range: '), /did not confirm/],
    ['the answer is not', without(': S: '), /did not confirm/],
    ['what the plugin was asked for is not', without('curl: pread'), /did not confirm/],
    ['nothing of it is', head, /100 bytes were read, and the server confirmed 0/],
    [
      'something else was asked for',
      good.map((record) =>
        record.map((line) => line.replace('curl: pread count=1048576', 'curl: pread count=1048575')),
      ),
      /did not confirm/,
    ],
    ['an error was taken for data', read(1, 0, 90, ['HTTP/1.1 401 Unauthorized', '']), /did not confirm bytes 0-89/],
    ['the body broke and nobody asked again', [...good, ...failed], /did not confirm/],
    [
      'half of it was asked for',
      [...read(1, 0, 99, []).slice(0, 2), ...again(1, 0, 50, piece(0, 50))],
      /did not confirm bytes 50-98/,
    ],
    ['another thread got it', [...read(1, 0, 9, []), ...again(2, 0, 9, piece(0, 9))], /did not confirm bytes 0-8/],
  ])('%s', (_, records, fault) => {
    expect(audited(records).verdict(100)).toMatch(fault);
  });
});

test('threads that speak in turn are judged one by one, whatever the turns', () => {
  const threads = [1, 2, 3].map((thread) =>
    Array.from({ length: 40 }, (_, number) => {
      const first = (number * 3 + thread) * 1000;
      return read(thread, first, 1000, piece(first, first + 1000));
    }).flat(),
  );
  // The same turns each time: records of a thread stay in order, everything else does not.
  let seed = 1;
  const mixed: string[][] = [];
  while (threads.some((left) => left.length > 0)) {
    seed = (seed * 48_271) % 2_147_483_647;
    const next = threads[seed % 3]?.shift();
    if (next) mixed.push(next);
  }
  expect(audited(mixed).verdict(120_000)).toBe(null);
  expect(audited(mixed).verdict(120_001)).toMatch(/120001 bytes were read, and the server confirmed 120000/);
});

test('bytes that were confirmed twice count once, and not again for the next verdict', () => {
  const audit = audited([...good, ...good]);
  expect(audit.verdict(MiB)).toBe(null);
  expect(audit.verdict(1)).toMatch(/1 bytes were read, and the server confirmed 0/);
});
