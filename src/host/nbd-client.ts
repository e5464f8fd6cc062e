import { connect, type Socket } from 'node:net';
import { SendenseError } from '../errors/sendense-error.ts';
import { parseNbdUri } from './nbd-uri.ts';
import { encodeRequest, handshake, nbd, take, type Conversation, type ExportFacts } from './nbd-protocol.ts';

/** A piece of an export and whether the server knows that it reads as zeros. Bytes. */
export interface AllocationExtent {
  readonly offset: number;
  readonly length: number;
  readonly zero: boolean;
}

/** A connection to one export. Read-only by construction: there is no write. Every failure is `nbd.lost`. */
export interface NbdClient extends AsyncDisposable {
  readonly uri: string;
  /** Size of the export, bytes. */
  readonly size: number;
  /** Largest `read`, bytes. */
  readonly maxRequest: number;
  /**
   * Fills `target` from `offset`. Calls may overlap; answers come in any order. `target` belongs to the client until
   * the promise settles.
   */
  read(offset: number, target: Uint8Array): Promise<void>;
  /**
   * What the server knows about a piece of at most 4 GiB. May answer for less than was asked, never for nothing, never
   * for more. A server without `base:allocation` has everything as data.
   */
  allocation(offset: number, length: number): Promise<AllocationExtent[]>;
}

export interface NbdOptions {
  /** Aborting closes the connection; what is pending rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit of connection and handshake, ms. Default 30 000. */
  readonly connectTimeoutMs?: number;
}

interface Pending {
  readonly offset: number;
  readonly length: number;
  /** Where a read goes; null for an allocation request. */
  readonly target: Buffer | null;
  readonly extents: AllocationExtent[];
  received: number;
  error: string | null;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Opens a connection. Needs a server that knows NBD_OPT_GO (qemu-nbd, nbdkit, nbd-server 3.17). */
export async function connectNbd(uri: string, options: NbdOptions = {}): Promise<NbdClient> {
  const { signal, connectTimeoutMs = 30_000 } = options;
  const address = parseNbdUri(uri);
  if (address === null) {
    const forms = 'nbd://host:port/export or nbd+unix:///export?socket=PATH';
    throw new SendenseError('nbd.lost', `'${uri}' is not an NBD address: expected ${forms}`);
  }
  signal?.throwIfAborted();

  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<ExportFacts>();
  const closed = Promise.withResolvers<void>();
  let failure: { readonly reason: unknown } | null = null;
  let lastCookie = 0;

  const session = converse(address.exportName, pending, (data) => socket.write(data), ready.resolve);
  let wanted = session.next().value as Buffer;
  let filled = 0;

  const fail = (reason: unknown): void => {
    failure ??= { reason };
    signal?.removeEventListener('abort', onAbort);
    ready.reject(failure.reason);
    for (const request of pending.values()) request.reject(failure.reason);
    pending.clear();
    socket.destroy();
  };
  const lost = (what: string, cause?: unknown): SendenseError =>
    new SendenseError('nbd.lost', `NBD server at ${uri}: ${what}`, { cause });
  const onAbort = (): void => fail(signal?.reason);

  const socket: Socket = connect({
    ...(address.kind === 'unix' ? { path: address.socket } : { host: address.host, port: address.port }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 10_000,
    onread: {
      // The generator names the very bytes to fill, so nothing is read too far and payload is not copied.
      buffer: () => wanted.subarray(filled),
      callback: (count) => {
        filled += count;
        if (filled < wanted.length) return true;
        try {
          const next = session.next();
          filled = 0;
          if (!next.done) wanted = next.value;
        } catch (cause) {
          fail(lost(cause instanceof Error ? cause.message : String(cause), cause));
          filled = 0;
          return false;
        }
        return true;
      },
    },
  });
  const timer = setTimeout(
    () => fail(lost(`no NBD handshake within ${connectTimeoutMs} ms; it may have no free connection`)),
    connectTimeoutMs,
  );
  socket.on('error', (cause) => fail(lost(cause.message, cause)));
  socket.on('end', () => fail(lost('the server closed the connection')));
  socket.on('close', () => {
    fail(lost('the connection is closed'));
    closed.resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });

  const request = (command: number, offset: number, length: number, target: Buffer | null): Promise<Pending> => {
    if (failure !== null) return Promise.reject(failure.reason);
    const done = Promise.withResolvers<Pending>();
    lastCookie = (lastCookie + 1) >>> 0;
    const entry: Pending = {
      offset,
      length,
      target,
      extents: [],
      received: 0,
      error: null,
      resolve: () =>
        entry.error === null
          ? done.resolve(entry)
          : done.reject(
              lost(
                `${target === null ? 'block status' : 'read'} at ${offset} of ${length} bytes failed: ${entry.error}`,
              ),
            ),
      reject: done.reject,
    };
    pending.set(lastCookie, entry);
    socket.write(encodeRequest(command, lastCookie, offset, length));
    return done.promise;
  };

  let facts: ExportFacts;
  try {
    facts = await ready.promise;
  } finally {
    clearTimeout(timer);
  }

  return {
    uri,
    size: facts.size,
    maxRequest: facts.maxRequest,
    async read(offset, target) {
      const buffer = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
      if (buffer.length > 0) await request(nbd.command.read, offset, buffer.length, buffer);
    },
    async allocation(offset, length) {
      if (facts.allocationContext === null) return [{ offset, length, zero: false }];
      // 4 GiB does not fit the field; 2 GiB is aligned to whatever the server wants.
      const asked = Math.min(length, 2 ** 31);
      return (await request(nbd.command.blockStatus, offset, asked, null)).extents;
    },
    async [Symbol.asyncDispose]() {
      if (failure === null) {
        const limit = setTimeout(() => socket.destroy(), 1000);
        socket.end(encodeRequest(nbd.command.disconnect, 0, 0, 0), () => socket.destroy());
        await closed.promise;
        clearTimeout(limit);
      }
      await closed.promise;
    },
  };
}

/** The whole conversation: handshake, then replies until the socket closes. */
function* converse(
  exportName: string,
  pending: Map<number, Pending>,
  send: (data: Buffer) => void,
  ready: (facts: ExportFacts) => void,
): Conversation<never> {
  const facts = yield* handshake(exportName, send);
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
      if (errno !== 0) request.error = nameOf(errno);
      else if (request.target !== null) yield request.target;
      request.received = request.length;
    } else if (magic === nbd.structuredReplyMagic) {
      yield* chunk(request, header.readUInt16BE(6), facts);
      if ((header.readUInt16BE(4) & nbd.chunkDone) === 0) continue;
    } else {
      throw new Error(`unknown reply (0x${magic.toString(16)})`);
    }
    if (request.error === null && request.target !== null && request.received !== request.length) {
      request.error = `the server sent ${request.received} bytes`;
    }
    if (request.error === null && request.target === null && request.extents.length === 0) {
      request.error = 'the server sent no extents';
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
    request.error = said === '' ? nameOf(errno) : `${nameOf(errno)}: ${said}`;
  } else if (type === nbd.chunk.offsetHole && request.target !== null && length === 12) {
    slice(request, body.readBigUInt64BE(0), body.readUInt32BE(8)).fill(0);
  } else if (type === nbd.chunk.blockStatus && request.target === null && length >= 4) {
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
    request.extents.push({ offset, length, zero: (body.readUInt32BE(at + 4) & nbd.stateZero) !== 0 });
    offset += length;
  }
}

const errnoNames: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
};
const nameOf = (errno: number): string => errnoNames[errno] ?? `error ${errno}`;
