import { handshake, nbd, take, type Conversation, type ExportFacts, type HandshakeOptions } from './nbd-protocol.ts';

/** A piece of an export and what the server says of it, as its context has it. Bytes. */
export interface StatusExtent {
  readonly offset: number;
  readonly length: number;
  readonly state: number;
}

/** A request that the server has not answered yet. */
export interface Pending {
  readonly command: number;
  readonly offset: number;
  readonly length: number;
  /** Where a read goes; null for any other command. */
  readonly target: Buffer | null;
  /** The answer to a block status. */
  readonly extents: StatusExtent[];
  received: number;
  error: NbdRefusal | null;
  resolve(): void;
  reject(reason: unknown): void;
}

/** What the server said instead of doing it. */
export interface NbdRefusal {
  readonly errno: number;
  readonly message: string;
}

/** The whole conversation: handshake, then replies until the socket closes. */
export function* converse(
  options: HandshakeOptions,
  pending: Map<number, Pending>,
  ready: (facts: ExportFacts) => void,
): Conversation<never> {
  const facts = yield* handshake(options);
  ready(facts);
  const header = Buffer.alloc(16);
  for (;;) {
    yield header;
    const magic = header.readUInt32BE(0);
    const cookie = header.readUInt32BE(12);
    const request = pending.get(cookie);
    if (header.readUInt32BE(8) !== 0 || request === undefined) throw new Error('reply to a request that was not made');
    if (magic === nbd.simpleReplyMagic) {
      const errno = header.readUInt32BE(4);
      if (errno !== 0) request.error = refusal(errno);
      else if (request.target !== null) yield request.target;
      request.received = request.length;
    } else if (magic === nbd.structuredReplyMagic) {
      yield* chunk(request, header.readUInt16BE(6), facts);
      if ((header.readUInt16BE(4) & nbd.chunkDone) === 0) continue;
    } else {
      throw new Error(`unknown reply (0x${magic.toString(16)})`);
    }
    if (request.error === null && request.target !== null && request.received !== request.length) {
      request.error = refusal(0, `the server sent ${request.received} bytes`);
    }
    if (request.error === null && request.command === nbd.command.blockStatus && request.extents.length === 0) {
      request.error = refusal(0, 'the server sent no extents');
    }
    pending.delete(cookie);
    request.resolve();
  }
}

function* chunk(request: Pending, type: number, facts: ExportFacts): Conversation<void> {
  const isData = type === nbd.chunk.offsetData && request.target !== null;
  const rest = yield* take(isData ? 12 : 4);
  const length = rest.readUInt32BE(0);
  if (isData) {
    const target = slice(request, rest.readBigUInt64BE(4), length - 8);
    if (target.length > 0) yield target;
    return;
  }
  if (length > 16 * 1024 * 1024) throw new Error(`a reply of ${length} bytes of type ${type}`);
  const body = yield* take(length);
  if ((type & nbd.chunk.errorBit) !== 0) {
    const errno = length >= 4 ? body.readUInt32BE(0) : 0;
    const said = length >= 6 ? body.toString('utf8', 6, 6 + body.readUInt16BE(4)) : '';
    request.error = refusal(errno, said === '' ? nameOf(errno) : `${nameOf(errno)}: ${said}`);
  } else if (type === nbd.chunk.offsetHole && request.target !== null && length === 12) {
    slice(request, body.readBigUInt64BE(0), body.readUInt32BE(8)).fill(0);
  } else if (type === nbd.chunk.blockStatus && request.command === nbd.command.blockStatus && length >= 4) {
    if (body.readUInt32BE(0) === facts.allocationContext) addExtents(request, body);
  } else if (type !== nbd.chunk.none) {
    throw new Error(`unexpected reply of type ${type}`);
  }
}

function slice(request: Pending, offset: bigint, length: number): Buffer {
  const start = Number(offset) - request.offset;
  if (request.target === null || start < 0 || length < 0 || start + length > request.length) {
    throw new Error('the server sent bytes that were not asked for');
  }
  request.received += length;
  return request.target.subarray(start, start + length);
}

function addExtents(request: Pending, body: Buffer): void {
  const end = request.offset + request.length;
  for (let at = 4, offset = request.offset; at + 8 <= body.length && offset < end; at += 8) {
    const length = Math.min(body.readUInt32BE(at), end - offset);
    if (length === 0) throw new Error('the server described an extent of 0 bytes');
    request.extents.push({ offset, length, state: body.readUInt32BE(at + 4) });
    offset += length;
  }
}

const errnoNames: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC, No space left on device',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
  122: 'EDQUOT, Disk quota exceeded',
};
const nameOf = (errno: number): string => errnoNames[errno] ?? `error ${errno}`;

const refusal = (errno: number, message = nameOf(errno)): NbdRefusal => ({ errno, message });
