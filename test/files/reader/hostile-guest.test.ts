import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chunkBytes, chunkWindow, lineBytes, type Entry } from '../../../src/files/protocol.ts';
import { openChannel, type Channel } from '../../../src/files/reader/channel.ts';
import { entriesOf, isAnswer } from '../../../src/files/reader/check-answer.ts';
import { takeChunk } from '../../../src/files/reader/chunks.ts';

/** A guest that says what a test wants. */
function guest(take: (id: number, chunk: number, bytes: number) => Promise<Buffer> = async () => Buffer.alloc(0)) {
  const input = new PassThrough();
  const output = new PassThrough();
  let ends = 0;
  const channel: Channel = openChannel({ input, output, take, lay: () => () => undefined, onEnd: () => void ends++ });
  const heard: string[] = [];
  input.setEncoding('utf8').on('data', (text: string) => void heard.push(...text.split('\n').filter(Boolean)));
  const write = (text: string): void => void output.write(text);
  const say = (...lines: string[]): void => write(lines.map((line) => `${line}\n`).join(''));
  return { channel, heard, write, say, ends: () => ends };
}

const gone = { code: 'files.reader' };
const volume = {
  id: 'disk-0p1',
  type: 'ext4',
  bytes: 1,
  label: null,
  uuid: null,
  state: 'readable',
  why: null,
  used: null,
  journal: null,
  notes: [],
};

describe('what a guest says that somebody has taken over', () => {
  test('is an answer only where it has the shape of one', async () => {
    const bad = [
      null,
      'x',
      42,
      {},
      [null],
      [{ ...volume, id: '../../etc' }],
      [{ ...volume, id: '\u001b[2J' }],
      [{ ...volume, bytes: -1 }],
      [{ ...volume, bytes: 1e300 }],
      [{ ...volume, state: '__proto__' }],
      [{ ...volume, notes: 'x' }],
      [{ ...volume, notes: Array.from({ length: 10_000 }, () => 'x') }],
      Array.from({ length: 100_000 }, () => volume),
    ];
    expect(isAnswer('volumes', [volume])).toBe(true);
    for (const answer of bad) {
      expect(isAnswer('volumes', answer)).toBe(false);
      const { channel, say } = guest();
      const asked = channel.ask('volumes', {});
      say(JSON.stringify({ id: 1, answer }));
      await expect(asked).rejects.toMatchObject(gone);
      channel.end('done');
    }
  });

  test('has no code but those that there are, and no message without an end', async () => {
    for (const code of ['__proto__', 'constructor', 'nope', 42, null, {}]) {
      const { channel, say } = guest();
      const asked = channel.ask('volumes', {});
      say(JSON.stringify({ id: 1, error: { code, message: 'x'.repeat(100_000) } }));
      const error = (await asked.catch((cause: unknown) => cause)) as Error;
      expect(error).toMatchObject(gone);
      expect(error.message.length).toBeLessThan(10_000);
      channel.end('done');
    }
  });

  test.each([
    ['a line without an end', 'x'.repeat(lineBytes + 1)],
    ['no JSON', '{"id":\n'],
    ['JSON that is deeper than a stack', `{"id":1,"answer":${'['.repeat(200_000)}\n`],
    ['an error that is none', '{"id":1,"error":null}\n'],
  ])('%s ends the reader and every request', async (_what, line) => {
    const { channel, write, ends } = guest();
    const asked = [channel.ask('volumes', {}), channel.ask('volumes', {})];
    write(line);
    for (const one of asked) await expect(one).rejects.toMatchObject(gone);
    expect(ends()).toBe(1);
    await expect(channel.ask('volumes', {})).rejects.toMatchObject(gone);
  });

  test('for requests that nobody made means nothing; the talk of its kernel neither', async () => {
    const { channel, say, ends } = guest();
    const asked = channel.ask('volumes', {});
    say(
      'Kernel panic - not syncing',
      '{"id":99,"answer":[]}',
      '{"id":"1","answer":[]}',
      '{"id":99,"chunk":0,"bytes":1}',
      JSON.stringify({ id: 1, answer: [volume] }),
      JSON.stringify({ id: 1, answer: [] }),
    );
    await expect(asked).resolves.toEqual([volume]);
    expect(ends()).toBe(0);
    channel.end('done');
  });

  test('silence ends the reader after a minute, with what its kernel said last', async () => {
    vi.useFakeTimers();
    try {
      const parts = { input: new PassThrough(), output: new PassThrough(), take: async () => Buffer.alloc(0) };
      const lastWords = (): string => 'UDF-fs: error';
      const channel = openChannel({ ...parts, lay: () => () => undefined, lastWords, onEnd: () => undefined });
      const asked = channel.ask('volumes', {});
      asked.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(90_000);
      await expect(asked).rejects.toThrow('the reader has said nothing for 60 s; before: UDF-fs: error');
    } finally {
      vi.useRealTimers();
    }
  });

  test('a chunk that is not there fails its request alone, and is not waited for', async () => {
    const { channel, say, heard } = guest(async () => {
      throw new Error('not there');
    });
    const ask = { volume: 'disk-0p1', path: '', offset: 0, length: null };
    const asked = channel.ask('read', ask);
    const other = channel.ask('volumes', {});
    say('{"id":1,"chunk":0,"bytes":5}');
    await expect(asked).rejects.toThrow('not there');
    expect(heard.at(-1)).toBe('{"id":1,"cancel":true}');
    say(JSON.stringify({ id: 2, answer: [volume] }));
    await expect(other).resolves.toEqual([volume]);
    channel.end('done');
  });
});

describe('pieces that such a guest tells of', () => {
  const ask = { volume: 'disk-0p1', path: '', offset: 0, length: null };

  test('are no more at a time than it may hand over, however slow their reader is', async () => {
    let taken = 0;
    const { channel, say, heard } = guest(async () => Buffer.from(String(taken++)));
    const slow = Promise.withResolvers<void>();
    const asked = channel.ask('read', ask, { onBytes: () => slow.promise });
    say(...Array.from({ length: 100_000 }, (_, chunk) => JSON.stringify({ id: 1, chunk, bytes: 1 })));
    await expect(asked).rejects.toMatchObject(gone);
    slow.resolve();
    await new Promise(setImmediate);
    expect(taken).toBeLessThanOrEqual(chunkWindow);
    expect(heard).toContain('{"id":1,"cancel":true}');
    channel.end('done');
  });

  test.each([
    ['one twice', 0, 0],
    ['one that is left out', 0, 2],
    ['the last one first', 1, 0],
  ])('come in their order: not %s', async (_what, ...chunks) => {
    const { channel, say } = guest();
    const asked = channel.ask('read', ask);
    say(...chunks.map((chunk) => JSON.stringify({ id: 1, chunk, bytes: 0 })));
    await expect(asked).rejects.toMatchObject(gone);
    channel.end('done');
  });
});

describe('what such a guest puts into the folder of chunks', () => {
  let folder = '';
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'chunks-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is taken where it is a regular file of the size that was said', async () => {
    writeFileSync(join(folder, '1.0'), 'hello');
    await expect(takeChunk(folder, 1, 0, 5)).resolves.toEqual(Buffer.from('hello'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused in every other case, and never waited for', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'hello');
    symlinkSync(secret, join(folder, '1.0'));
    mkdirSync(join(folder, '1.1'));
    execFileSync('mkfifo', [join(folder, '1.2')]);
    writeFileSync(join(folder, '1.3'), 'hello, longer');
    writeFileSync(join(folder, '1.4'), '');
    truncateSync(join(folder, '1.4'), chunkBytes + 1);
    symlinkSync('/dev/zero', join(folder, '1.5'));
    for (const chunk of [0, 1, 2, 3, 5, 6]) await expect(takeChunk(folder, 1, chunk, 5)).rejects.toMatchObject(gone);
    await expect(takeChunk(folder, 1, 4, chunkBytes + 1)).rejects.toMatchObject(gone);
    for (const [id, chunk, bytes] of [
      ['../1', 0, 5],
      [1, '3/../3', 5],
      [1, 3, -1],
      [1, 3, 1.5],
    ] as unknown as [number, number, number][])
      await expect(takeChunk(folder, id, chunk, bytes)).rejects.toMatchObject(gone);
  });
});

describe('entries that such a guest streams', () => {
  const entry: Entry = {
    name: Buffer.from('a').toString('base64'),
    type: 'file',
    size: 1,
    allocated: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    links: 1,
    inode: '12',
    mtime: '-1',
    ctime: '0',
    atime: '0',
  };
  const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

  test('are entries, whole, or an error', async () => {
    const found: Entry[] = [];
    const take = entriesOf((one) => void found.push(one));
    const bytes = Buffer.concat([line(entry), line({ ...entry, type: 'link', target: 'L2V0Yw==' })]);
    for (let at = 0; at < bytes.length; at += 7) await take(bytes.subarray(at, at + 7));
    expect(found.map(({ type }) => type)).toEqual(['file', 'link']);
    for (const bad of [
      null,
      [],
      { ...entry, name: '\u001b' },
      { ...entry, mtime: 'soon' },
      { ...entry, type: 'constructor' },
      { ...entry, mode: -1 },
      { ...entry, target: 7 },
      { ...entry, device: '../x' },
    ])
      await expect(entriesOf(() => undefined)(line(bad))).rejects.toThrow('no entry');
    for (const ns of ['362083449609806062700', `-${2n ** 63n * 1_000_000_000n}`])
      await entriesOf((one) => void found.push(one))(line({ ...entry, ctime: ns, mtime: ns }));
    expect(found).toHaveLength(4);
    await expect(entriesOf(() => undefined)(Buffer.alloc(300_000, 0x20))).rejects.toThrow('without an end');
  });
});
