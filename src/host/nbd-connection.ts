import { connect, type Socket } from 'node:net';
import type { ErrorCode } from '../errors/catalogue.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { encodeRequest, nbd, type ExportFacts } from './nbd-protocol.ts';
import { converse, type AllocationExtent, type Pending } from './nbd-replies.ts';
import { parseNbdUri } from './nbd-uri.ts';

export interface NbdOptions {
  /** Aborting closes the connection; what is pending rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit of connection and handshake, ms. Default 30 000. */
  readonly connectTimeoutMs?: number;
}

/** What `nbd-client.ts` and `nbd-target.ts` are made of. Requests overlap; answers come in any order. */
export interface NbdConnection extends AsyncDisposable {
  readonly facts: ExportFacts;
  /** Reads where `target` is given, sends `payload` where that is; resolves to the extents of a block status. */
  request(
    command: number,
    piece: { readonly offset: number; readonly length: number },
    data?: { readonly target?: Buffer; readonly payload?: Uint8Array },
  ): Promise<readonly AllocationExtent[]>;
  /** An error of this connection. */
  failure(what: string, code?: ErrorCode): SendenseError;
}

const names: Readonly<Record<number, string>> = {
  [nbd.command.read]: 'read',
  [nbd.command.write]: 'write',
  [nbd.command.writeZeroes]: 'writing zeros',
  [nbd.command.flush]: 'flush',
  [nbd.command.blockStatus]: 'block status',
};
/** ENOSPC, EDQUOT */
const noSpace: readonly number[] = [28, 122];

/** Needs a server that knows NBD_OPT_GO (qemu-nbd, nbdkit, nbd-server 3.17). `who` names it in errors. */
export async function openNbdConnection(uri: string, who: string, options: NbdOptions): Promise<NbdConnection> {
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
  let ended: { readonly reason: unknown } | null = null;
  let lastCookie = 0;

  const session = converse(address.exportName, pending, (data) => socket.write(data), ready.resolve);
  let wanted = session.next().value as Buffer;
  let filled = 0;

  const fail = (reason: unknown): void => {
    ended ??= { reason };
    signal?.removeEventListener('abort', onAbort);
    ready.reject(ended.reason);
    for (const request of pending.values()) request.reject(ended.reason);
    pending.clear();
    socket.destroy();
  };
  const failure = (what: string, code: ErrorCode = 'nbd.lost', cause?: unknown): SendenseError =>
    new SendenseError(code, `${who}: ${what}`, { cause });
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
          fail(failure(cause instanceof Error ? cause.message : String(cause), 'nbd.lost', cause));
          filled = 0;
          return false;
        }
        return true;
      },
    },
  });
  const timer = setTimeout(
    () => fail(failure(`no NBD handshake within ${connectTimeoutMs} ms; it may have no free connection`)),
    connectTimeoutMs,
  );
  socket.on('error', (cause) => fail(failure(cause.message, 'nbd.lost', cause)));
  socket.on('end', () => fail(failure('the server closed the connection')));
  socket.on('close', () => {
    fail(failure('the connection is closed'));
    closed.resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });

  const request: NbdConnection['request'] = (command, { offset, length }, { target = null, payload } = {}) => {
    if (ended !== null) return Promise.reject(ended.reason);
    const done = Promise.withResolvers<readonly AllocationExtent[]>();
    lastCookie = (lastCookie + 1) >>> 0;
    const entry: Pending = {
      command,
      offset,
      length,
      target,
      extents: [],
      received: 0,
      error: null,
      resolve: () => {
        if (entry.error === null) return done.resolve(entry.extents);
        const what =
          command === nbd.command.flush ? names[command] : `${names[command]} at ${offset} of ${length} bytes`;
        const code = target === null && noSpace.includes(entry.error.errno) ? 'disk.full' : 'nbd.lost';
        done.reject(failure(`${what} failed: ${entry.error.message}`, code));
      },
      reject: done.reject,
    };
    pending.set(lastCookie, entry);
    const header = encodeRequest(command, lastCookie, offset, length);
    if (payload === undefined) socket.write(header);
    else {
      socket.cork();
      socket.write(header);
      socket.write(payload);
      socket.uncork();
    }
    return done.promise;
  };

  let facts: ExportFacts;
  try {
    facts = await ready.promise;
  } finally {
    clearTimeout(timer);
  }

  return {
    facts,
    request,
    failure,
    async [Symbol.asyncDispose]() {
      if (ended === null) {
        const limit = setTimeout(() => socket.destroy(), 1000);
        socket.end(encodeRequest(nbd.command.disconnect, 0, 0, 0), () => socket.destroy());
        await closed.promise;
        clearTimeout(limit);
      }
      await closed.promise;
    },
  };
}
