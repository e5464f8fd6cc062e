import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { innerLink } from '../../../src/cli/files/mount/inner-link.ts';
import { filesMounts, mountName } from '../../../src/cli/files/mount/mount-table.ts';
import { serveSftp, type SftpTree } from '../../../src/cli/files/mount/sftp-server.ts';
import { windowReader, type WindowReader } from '../../../src/cli/files/mount/window-reader.ts';
import { windowTurns } from '../../../src/cli/files/mount/window-turns.ts';
import { randomBytes } from '../../support/random.ts';

describe('a link of a mounted volume', () => {
  const shown = (link: string, target: string): string => innerLink(Buffer.from(link), Buffer.from(target)).toString();

  it.each([
    ['a/link', 'b'],
    ['a/link', 'b/c'],
    ['a/link', '../b'],
    ['a/b/link', '../../c'],
    ['link', '.'],
    ['link', ''],
  ])('%s to %j is shown as it is', (link, target) => {
    expect(shown(link, target)).toBe(target);
  });

  it.each([
    ['link', '/etc/passwd', 'etc/passwd'],
    ['a/b/link', '/etc/passwd', '../../etc/passwd'],
    ['a/link', '/', '..'],
    ['link', '/', '.'],
    ['link', '../etc/passwd', 'etc/passwd'],
    ['a/link', '../../../etc/passwd', '../etc/passwd'],
    ['a/link', '/../../etc', '../etc'],
    // `x` may be a link to the root: what comes after it counts from nowhere else.
    ['a/link', 'x/../../etc', '../etc'],
    ['a/link', 'x/../y', '../a/y'],
  ])('%s to %j leads to the same place in the volume: %j', (link, target, expected) => {
    expect(shown(link, target)).toBe(expected);
  });
});

describe('a file that is read in windows', () => {
  const size = 1_000_000;
  const content = randomBytes(size);
  type Opens = (from: number, to: number) => Readable;
  const opened = (opens?: Opens, turns = windowTurns(), silenceMs: number | null = null) => {
    const asked: [number, number][] = [];
    const open = async (from: number, to: number): Promise<Readable> => {
      asked.push([from, to]);
      return opens?.(from, to) ?? Readable.from(piecesOf(content.subarray(from, to), 10_000));
    };
    const ended = new AbortController();
    return { asked, ended, reader: windowReader({ size, bounds: { signal: ended.signal, silenceMs }, turns, open }) };
  };
  const assertPiece = async (reader: WindowReader, at: number, length: number): Promise<void> =>
    expect((await reader.read(at, length)).equals(Buffer.from(content.subarray(at, at + length)))).toBe(true);
  function* piecesOf(bytes: Uint8Array, each: number): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += each) yield Buffer.from(bytes.subarray(at, at + each));
  }

  it('has its bytes, whatever the order in which they are asked for', async () => {
    const { reader, asked } = opened();
    for (let at = 0; at < size; at += 65_536) {
      const piece = await reader.read(at, 65_536);
      expect(piece.equals(Buffer.from(content.subarray(at, at + 65_536)))).toBe(true);
    }
    // One who reads on gets larger windows.
    expect(asked.length).toBeLessThan(4);
    const places = [
      [900_000, 200_000],
      [5, 1],
      [999_999, 1],
      [300_000, 100_000],
      [250_000, 1000],
    ] as const;
    const pieces = await Promise.all(places.map(([at, length]) => reader.read(at, length)));
    for (const [index, [at, length]] of places.entries())
      expect(pieces[index]?.equals(Buffer.from(content.subarray(at, at + length)))).toBe(true);
    expect(await reader.read(size, 10)).toHaveLength(0);
    expect(await reader.read(Number.POSITIVE_INFINITY, 10)).toHaveLength(0);
    reader.close();
  });

  it('goes on where it was cut off', async () => {
    const { reader, asked } = opened((from, to) =>
      Readable.from([Buffer.from(content.subarray(from, to).subarray(0, 70_000))]),
    );
    await assertPiece(reader, 0, 100_000);
    await assertPiece(reader, 100_000, 200_000);
    expect(asked.map(([from]) => from)).toEqual([0, 70_000, 140_000, 210_000, 280_000]);
  });

  it('is an error where nothing of it comes, and can be read again', async () => {
    let times = 0;
    const { reader } = opened((from, to) =>
      Readable.from(times++ < 3 ? [] : [Buffer.from(content.subarray(from, to))]),
    );
    await expect(reader.read(0, 100)).rejects.toThrow('cut off');
    await assertPiece(reader, 0, 100);
  });

  it('is an error where whoever answers says nothing any more, and at its end at once', async () => {
    const silent = opened(() => new PassThrough(), windowTurns(), 1);
    await expect(silent.reader.read(0, 100)).rejects.toMatchObject({ code: 'remote.unreachable' });
    const waiting = opened(() => new PassThrough(), windowTurns(), 1_000_000);
    const read = waiting.reader.read(0, 100);
    waiting.ended.abort(new Error('unmounted'));
    await expect(read).rejects.toThrow('unmounted');
  });

  it('leaves its turn to others while nobody reads it, and loses nothing', async () => {
    const turns = windowTurns(2);
    const streams: Readable[] = [];
    const files = Array.from({ length: 5 }, () =>
      opened((from, to) => {
        const stream = Readable.from(piecesOf(content.subarray(from, to), 10_000));
        streams.push(stream);
        return stream;
      }, turns),
    );
    for (let at = 0; at < 300_000; at += 100_000)
      for (const { reader } of files) {
        await assertPiece(reader, at, 100_000);
        expect(streams.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(2);
      }
    // Those who read at the same time come by their turn, too.
    await Promise.all(files.map(async ({ reader }) => assertPiece(reader, 300_000, 700_000)));
    for (const { reader } of files) reader.close();
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('that waits for its turn can be closed', async () => {
    const turns = windowTurns(1);
    const [first, second] = [opened(() => new PassThrough(), turns), opened(undefined, turns)];
    const reading = first.reader.read(0, 100);
    const waits = second.reader.read(0, 100);
    second.reader.close();
    await expect(waits).rejects.toThrow('closed');
    first.reader.close();
    await expect(reading).rejects.toThrow();
  });
});

describe('the SFTP server', () => {
  const tree: SftpTree = {
    used: 1,
    stat: async () => ({ size: 1, uid: 0, gid: 0, mode: 0o100_644, atime: -5, mtime: 2 ** 40 }),
    // eslint-disable-next-line require-yield
    list: async function* () {},
    link: async () => Buffer.from('x'),
    open: async () => {
      throw new Error('no');
    },
    statusOf: () => 100,
  };

  const answersTo = async (...packets: readonly Buffer[]): Promise<Buffer> => {
    const output = new PassThrough();
    const input = Readable.from(packets);
    await serveSftp(input, output, tree);
    output.end();
    return Buffer.concat(await output.toArray());
  };
  const packet = (type: number, ...parts: readonly (number | string)[]): Buffer => {
    const body = Buffer.concat([
      Buffer.from([type]),
      ...parts.map((part) => {
        const bytes = Buffer.from(typeof part === 'string' ? part : '');
        const head = Buffer.alloc(4);
        head.writeUInt32BE(typeof part === 'string' ? bytes.length : part);
        return Buffer.concat([head, bytes]);
      }),
    ]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  };
  const statusOf = (answer: Buffer): number => answer.readUInt32BE(9);

  it('denies whatever would change something', async () => {
    for (const type of [6, 9, 10, 13, 14, 15, 18, 20]) expect(statusOf(await answersTo(packet(type, 7, 'x')))).toBe(3);
    // To open for writing, too.
    expect(statusOf(await answersTo(packet(3, 7, 'x', 2)))).toBe(3);
  });

  it('answers what it does not know, handles that are none, and packets that are too short', async () => {
    expect(statusOf(await answersTo(packet(99, 7, 'x')))).toBe(8);
    expect(statusOf(await answersTo(packet(4, 7, 'none')))).toBe(8);
    expect(statusOf(await answersTo(packet(17, 7, 4000)))).toBe(8);
    await expect(answersTo(Buffer.from([255, 255, 255, 255]))).rejects.toThrow('a packet of');
  });

  it('times that do not fit are the nearest that do', async () => {
    const answer = await answersTo(packet(17, 7, 'x'));
    expect([answer.readUInt32BE(answer.length - 8), answer.readUInt32BE(answer.length - 4)]).toEqual([0, 2 ** 32 - 1]);
  });

  it('does not open more folders than it has room for', async () => {
    const answers = await answersTo(...Array.from({ length: 1025 }, (_, id) => packet(11, id, '')));
    const last = answers.subarray(1024 * 17);
    expect([last.readUInt8(4), last.readUInt32BE(5)]).toEqual([101, 1024]);
  });
});

it('mounts are told by what the kernel shows, and whether somebody serves them', () => {
  const table = [
    `53 27 0:111 / /mnt/with\\040space ro - fuse.sshfs ${mountName('a b@c')} ro,user_id=0`,
    '54 27 0:112 / /dead ro - fuse.sshfs sendense:4194304:1:00000000-0000-0000-0000-000000000000:x ro',
    '55 27 0:113 / /other rw - ext4 /dev/sda1 rw',
  ].join('\n');
  expect(filesMounts(table)).toEqual([
    { folder: '/mnt/with space', pid: process.pid, served: true },
    { folder: '/dead', pid: 4_194_304, served: false },
  ]);
});
