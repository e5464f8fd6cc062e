import { constants, createDeflate, type Deflate } from 'node:zlib';
import { grainBytes } from './vmdk-stream.ts';

/** Compresses grains for a stream of a VMDK, several at a time. */
export interface GrainPacker extends Disposable {
  /**
   * A grain as {@link VmdkStream.add} takes it. What does not become smaller (what the guest has encrypted or compressed) is stored as it is,
   * which takes a fraction of the time.
   * @param data all of it, zeros where the disk has ended; it is the packer's until the promise settles
   */
  pack(data: Buffer): Promise<Buffer>;
}

/** Half the time of zlib's usual 6, and a fifteenth more bytes. */
const level = 3;
/** As many as libuv has threads for them. */
const atOnce = 4;

export function createGrainPacker(): GrainPacker {
  const lanes = createLanes();
  return {
    pack: async (data) => (looksRandom(data) ? stored(data) : lanes.run(data)),
    [Symbol.dispose]: () => lanes[Symbol.dispose](),
  };
}

/** A stored block of deflate has no more. */
const mostStored = 0xffff;

/**
 * The zlib stream (RFC 1950) of data as it is (RFC 1951, blocks of type 00). Not by zlib: where it ends its blocks depends on how much
 * room for output there happens to be, and a VMDK shall have the same bytes each time.
 */
function stored(data: Buffer): Buffer {
  const pieces: Buffer[] = [Buffer.from([0x78, 0x01])];
  for (let at = 0; at < data.length; at += mostStored) {
    const piece = data.subarray(at, at + mostStored);
    const head = Buffer.alloc(5);
    head.writeUInt8(at + piece.length === data.length ? 1 : 0, 0);
    head.writeUInt16LE(piece.length, 1);
    head.writeUInt16LE(~piece.length & 0xffff, 3);
    pieces.push(head, piece);
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(adler32(data));
  return Buffer.concat([...pieces, sum]);
}

/** The sums of so many bytes stay below 2^32. Source: RFC 1950, and NMAX of zlib. */
const adlerRun = 5552;

function adler32(data: Buffer): number {
  let [a, b] = [1, 0];
  for (let start = 0; start < data.length; start += adlerRun) {
    const end = Math.min(start + adlerRun, data.length);
    for (let at = start; at < end; at++) {
      a += data[at] ?? 0;
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return b * 65_536 + a;
}

interface Lanes extends Disposable {
  run(data: Buffer): Promise<Buffer>;
}

/** Compressors that are used again and again: a new one for each grain costs the collector of garbage more than zlib takes. */
function createLanes(): Lanes {
  const free: Deflate[] = [];
  const all: Deflate[] = [];
  const waiting: (() => void)[] = [];
  const take = async (): Promise<Deflate> => {
    for (;;) {
      const one = free.pop() ?? (all.length < atOnce ? made() : undefined);
      if (one) return one;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const made = (): Deflate => {
    const one = createDeflate({ level, chunkSize: grainBytes + 1024 });
    all.push(one);
    return one;
  };
  return {
    async run(data) {
      const lane = await take();
      try {
        return await deflated(lane, data);
      } finally {
        lane.reset();
        free.push(lane);
        waiting.shift()?.();
      }
    },
    [Symbol.dispose]: () => {
      for (const one of all) one.destroy();
    },
  };
}

/** One whole zlib stream. */
async function deflated(lane: Deflate, data: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const onData = (piece: Buffer): void => void pieces.push(piece);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  lane.on('data', onData).once('error', reject);
  try {
    lane.write(data);
    lane.flush(constants.Z_FINISH, resolve);
    await promise;
    return Buffer.concat(pieces);
  } finally {
    lane.off('data', onData).off('error', reject);
  }
}

/** Looked at, bytes: one of so many of a grain. */
const sampleBytes = 4096;

/**
 * Whether no byte, and no distance between two that follow each other, is more frequent than others. Looks at little, so that it costs
 * nearly nothing; where it errs, a grain is larger than it could be.
 */
function looksRandom(data: Buffer): boolean {
  const [bytes, distances] = [new Uint16Array(256), new Uint16Array(256)];
  const [run, step] = [sampleBytes / 4, data.length / 4];
  for (let start = 0; start < data.length; start += step) {
    let before = 0;
    for (let at = start; at < start + run; at++) {
      const byte = data[at] ?? 0;
      const distance = (byte - before) & 0xff;
      bytes[byte] = (bytes[byte] ?? 0) + 1;
      distances[distance] = (distances[distance] ?? 0) + 1;
      before = byte;
    }
  }
  return isEven(bytes) && isEven(distances);
}

/** By chance the sum of the squares is 1.00 of what is expected, give or take 0.01. */
function isEven(counts: Uint16Array): boolean {
  const squares = counts.reduce((sum, count) => sum + count * count, 0);
  return squares < 1.1 * (sampleBytes + (sampleBytes * (sampleBytes - 1)) / counts.length);
}
