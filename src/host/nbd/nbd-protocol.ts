/** Numbers of the NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md */
export const nbd = {
  greeting: 0x4e42444d41474943n,
  optionMagic: 0x49484156454f5054n,
  optionReplyMagic: 0x0003e889045565a9n,
  requestMagic: 0x25609513,
  simpleReplyMagic: 0x67446698,
  structuredReplyMagic: 0x668e33ef,
  fixedNewstyle: 1,
  option: { abort: 2, startTls: 5, go: 7, structuredReply: 8, setMetaContext: 10 },
  optionReply: { ack: 1, info: 3, metaContext: 4, errorBit: 0x80000000, errorTlsRequired: 0x80000005 },
  info: { export: 0, description: 2, blockSize: 3 },
  transmission: { readOnly: 2, flush: 4, writeZeroes: 64 },
  command: { read: 0, write: 1, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 },
  chunk: {
    none: 0,
    offsetData: 1,
    offsetHole: 2,
    blockStatus: 5,
    error: 0x8001,
    errorOffset: 0x8002,
    errorBit: 0x8000,
  },
  chunkDone: 1,
  stateZero: 2,
} as const;

/** What the server said about the export during the handshake. */
export interface ExportFacts {
  /** Bytes. */
  readonly size: number;
  /** Largest request the server takes, bytes. */
  readonly maxRequest: number;
  /** Transmission flags, see `nbd.transmission`. */
  readonly flags: number;
  /** Id of the context that was asked for; null where the server does not offer it. */
  readonly allocationContext: number | null;
  /** What the server says of the export in words; null where it says nothing. */
  readonly description: string | null;
}

/** At how many hosts a server may be looked for, the one of its URI and these: what says nothing of itself cannot be told from others. */
export const waysTo = (server: ExportFacts | null, addresses: readonly string[] = []): number =>
  typeof server?.description === 'string' ? 1 + addresses.length : 1;

/** Server and client do not agree on whether, or how, to encrypt. */
export class EncryptionMismatch extends Error {}

/**
 * A conversation as a generator: it yields the buffer that it wants filled next and goes on when it is full. Driven by
 * the socket without a detour, so payload lands where it belongs and is never copied.
 */
export type Conversation<T> = Generator<Buffer, T, void>;

export function* take(length: number): Conversation<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  if (length > 0) yield buffer;
  return buffer;
}

/**
 * What a block status tells: `base:allocation`, whether bytes are zeros; `qemu:allocation-depth`, how deep in a chain they lie, 1 being the
 * image itself. Source: qemu-nbd(8), `--allocation-depth`.
 */
export type MetaContext = 'base:allocation' | 'qemu:allocation-depth';

export interface HandshakeOptions {
  readonly exportName: string;
  /** Default `base:allocation`. */
  readonly context?: MetaContext | undefined;
  send(data: Buffer): void;
  /** Encrypts what is sent and received from then on. Without it nothing is encrypted. */
  readonly secure?: (() => void) | undefined;
}

/** Bytes: no server may take less (the NBD protocol, "Block size constraints"). */
const smallestRequest = 512;

/** Fixed newstyle handshake up to NBD_OPT_GO. Throws an Error that says what the server did. */
export function* handshake({
  exportName,
  context = 'base:allocation',
  send,
  secure,
}: HandshakeOptions): Conversation<ExportFacts> {
  const greeting = yield* take(16);
  if (greeting.readBigUInt64BE(0) !== nbd.greeting || greeting.readBigUInt64BE(8) !== nbd.optionMagic) {
    throw new Error('this is not an NBD server of the newstyle protocol');
  }
  const serverFlags = (yield* take(2)).readUInt16BE();
  if ((serverFlags & nbd.fixedNewstyle) === 0) throw new Error('the server is too old: no fixed newstyle');
  const clientFlags = Buffer.alloc(4);
  clientFlags.writeUInt32BE(nbd.fixedNewstyle);
  send(clientFlags);

  if (secure) {
    send(encodeOption(nbd.option.startTls, Buffer.alloc(0)));
    if ((yield* optionReply(nbd.option.startTls)).type !== nbd.optionReply.ack)
      throw new EncryptionMismatch('the server does not encrypt');
    secure();
  }

  const name = Buffer.from(exportName);
  const named = Buffer.concat([uint32(name.length), name]);

  send(encodeOption(nbd.option.structuredReply, Buffer.alloc(0)));
  const answer = (yield* optionReply(nbd.option.structuredReply)).type;
  if (answer === nbd.optionReply.errorTlsRequired)
    throw new EncryptionMismatch('the server only speaks to who encrypts, and the target says nothing of that');
  const structured = answer === nbd.optionReply.ack;

  let allocationContext: number | null = null;
  if (structured) {
    const query = Buffer.from(context);
    send(encodeOption(nbd.option.setMetaContext, Buffer.concat([named, uint32(1), uint32(query.length), query])));
    for (;;) {
      const reply = yield* optionReply(nbd.option.setMetaContext);
      if (reply.type !== nbd.optionReply.metaContext) break;
      if (reply.data.length >= 4) allocationContext = reply.data.readUInt32BE();
    }
  }

  send(encodeOption(nbd.option.go, Buffer.concat([named, uint16s([2, nbd.info.blockSize, nbd.info.description])])));
  let description: string | null = null;
  let size: bigint | null = null;
  let flags = 0;
  let maxRequest = 32 * 1024 * 1024;
  for (;;) {
    const { type, data } = yield* optionReply(nbd.option.go);
    if (type === nbd.optionReply.ack) break;
    if (type >= nbd.optionReply.errorBit) {
      const said = data.toString().trim();
      throw new Error(`the server refused the export '${exportName}'${said === '' ? ` (reply ${type})` : `: ${said}`}`);
    }
    if (type !== nbd.optionReply.info || data.length < 2) continue;
    const info = data.readUInt16BE();
    if (info === nbd.info.export && data.length >= 12) {
      size = data.readBigUInt64BE(2);
      flags = data.readUInt16BE(10);
    }
    if (info === nbd.info.description) description = data.toString('utf8', 2);
    if (info === nbd.info.blockSize && data.length >= 14) maxRequest = Math.min(maxRequest, data.readUInt32BE(10));
  }
  // Not one block of a disk: all that is read or written would be cut into pieces without number.
  if (maxRequest < smallestRequest) throw new Error(`the server takes requests of ${maxRequest} bytes at most`);
  if (size === null || size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('the server gave no usable size');
  return { size: Number(size), maxRequest, flags, allocationContext, description };
}

interface OptionReply {
  readonly type: number;
  readonly data: Buffer;
}

function* optionReply(option: number): Conversation<OptionReply> {
  const header = yield* take(20);
  const length = header.readUInt32BE(16);
  if (header.readBigUInt64BE(0) !== nbd.optionReplyMagic || header.readUInt32BE(8) !== option || length > 65536) {
    throw new Error(`the server answered option ${option} with something else`);
  }
  return { type: header.readUInt32BE(12), data: yield* take(length) };
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function uint16s(values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(2 * values.length);
  for (const [number, value] of values.entries()) buffer.writeUInt16BE(value, 2 * number);
  return buffer;
}

function encodeOption(option: number, data: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(nbd.optionMagic, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

export function encodeRequest(command: number, cookie: number, offset: number, length: number): Buffer {
  const request = Buffer.alloc(28);
  request.writeUInt32BE(nbd.requestMagic, 0);
  request.writeUInt16BE(command, 6);
  request.writeUInt32BE(cookie, 12);
  request.writeBigUInt64BE(BigInt(offset), 16);
  request.writeUInt32BE(length, 24);
  return request;
}
