import type { ErrorCode } from '../../errors/catalogue.ts';
import { isNoSpaceNumber } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { EncryptionMismatch, encodeRequest, nbd, type ExportFacts, type MetaContext } from './nbd-protocol.ts';
import { converse, type StatusExtent, type Pending } from './nbd-replies.ts';
import { watchSilence } from './nbd-silence.ts';
import { parseNbdUri, type NbdAddress } from './nbd-uri.ts';
import { openWire, TlsRefusal, type Wire } from './nbd-wire.ts';

export interface NbdOptions {
  /** Aborting closes the connection; what is pending rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Connect to this host instead of that of the URI, with its port; not for a Unix socket. */
  readonly host?: string | undefined;
  /** Time limit of connection and handshake, ms. Default 30 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The pre-shared key of an `nbds:` address, hex. A secret. */
  readonly psk?: string | null | undefined;
  /** What a block status shall tell. Default `base:allocation`. */
  readonly context?: MetaContext | undefined;
  /** The connection counts as broken when an answer stays out so long without any sign of life, ms. Default: never. */
  readonly silenceMs?: number | undefined;
  /** How many times `silenceMs` that may be at present. Default 1. */
  readonly patience?: (() => number) | undefined;
}

/** What `nbd-client.ts` and `nbd-target.ts` are made of. Requests overlap; answers come in any order. */
export interface NbdConnection extends AsyncDisposable {
  readonly facts: ExportFacts;
  /** Reads where `target` is given, sends `payload` where that is; resolves to the extents of a block status. */
  request(
    command: number,
    piece: { readonly offset: number; readonly length: number },
    data?: { readonly target?: Buffer; readonly payload?: Uint8Array },
  ): Promise<readonly StatusExtent[]>;
  /** An error of this connection. */
  failure(what: string, code?: ErrorCode): SendenseError;
}

/** `silent`: no sign of life; `cut`: the network says that it is over, or cannot be reached. */
export type Break = 'silent' | 'cut';

const breaks = new WeakMap<object, Break>();

/** How the connection broke that ended with this error; null: the server itself refused, or someone ended it. */
export const breakOf = (error: unknown): Break | null =>
  typeof error === 'object' && error !== null ? (breaks.get(error) ?? null) : null;

const names: Readonly<Record<number, string>> = {
  [nbd.command.read]: 'read',
  [nbd.command.write]: 'write',
  [nbd.command.writeZeroes]: 'writing zeros',
  [nbd.command.flush]: 'flush',
  [nbd.command.blockStatus]: 'block status',
};

/** Needs a server that knows NBD_OPT_GO (qemu-nbd, nbdkit, nbd-server 3.17). `who` names it in errors. */
export async function openNbdConnection(uri: string, who: string, options: NbdOptions): Promise<NbdConnection> {
  const { signal, connectTimeoutMs = 30_000, silenceMs, patience } = options;
  const { address, key } = placeOf(uri, who, options);
  signal?.throwIfAborted();

  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<ExportFacts>();
  const closed = Promise.withResolvers<void>();
  let ended: { readonly reason: unknown } | null = null;
  let watch: Disposable | null = null;
  let lastCookie = 0;

  const failure = (what: string, code: ErrorCode = 'nbd.lost', cause?: unknown): SendenseError =>
    new SendenseError(code, `${who}: ${what}`, { cause });
  const fail = (reason: unknown): void => {
    ended ??= { reason };
    watch?.[Symbol.dispose]();
    signal?.removeEventListener('abort', onAbort);
    ready.reject(ended.reason);
    for (const request of pending.values()) request.reject(ended.reason);
    pending.clear();
    wire.destroy();
  };
  const broke = (how: Break, what: string, cause?: unknown, code: ErrorCode = 'nbd.lost'): void => {
    const error = failure(what, code, cause);
    breaks.set(error, how);
    fail(error);
  };
  const onAbort = (): void => fail(signal?.reason);

  const handshake = {
    exportName: address.exportName,
    context: options.context,
    send: (data: Buffer) => wire.send(data),
    secure: address.kind === 'tls' ? () => wire.secure() : undefined,
  };
  const session = converse(handshake, pending, ready.resolve);
  let wanted = session.next().value as Buffer;
  let filled = 0;

  const wire: Wire = openWire(address, key, {
    room: () => wanted.subarray(filled),
    arrived(count) {
      filled += count;
      if (filled < wanted.length) return true;
      filled = 0;
      try {
        const next = session.next();
        if (!next.done) wanted = next.value;
      } catch (cause) {
        const code = cause instanceof EncryptionMismatch ? 'nbd.encryption' : 'nbd.lost';
        fail(failure(cause instanceof Error ? cause.message : String(cause), code, cause));
        return false;
      }
      return true;
    },
    lost: (why) => {
      if (!(why instanceof TlsRefusal)) broke('cut', why.message || String((why as NodeJS.ErrnoException).code), why);
      else if (why.silent) broke('cut', why.message, why, 'nbd.encryption');
      else fail(failure(why.message, 'nbd.encryption', why));
    },
    closed: closed.resolve,
  });
  const timer = setTimeout(
    () => broke('cut', `no NBD handshake within ${Math.round(connectTimeoutMs)} ms; it may have no free connection`),
    connectTimeoutMs,
  );
  signal?.addEventListener('abort', onAbort, { once: true });

  const request: NbdConnection['request'] = (command, { offset, length }, { target = null, payload } = {}) => {
    if (ended !== null) return Promise.reject(ended.reason);
    const done = Promise.withResolvers<readonly StatusExtent[]>();
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
        const code = target === null && isNoSpaceNumber(entry.error.errno) ? 'disk.full' : 'nbd.lost';
        done.reject(failure(`${what} failed: ${entry.error.message}`, code));
      },
      reject: done.reject,
    };
    pending.set(lastCookie, entry);
    wire.send(encodeRequest(command, lastCookie, offset, length), payload);
    return done.promise;
  };

  let facts: ExportFacts;
  try {
    facts = await ready.promise;
  } finally {
    clearTimeout(timer);
  }
  if (silenceMs !== undefined && ended === null)
    watch = watchSilence({
      silenceMs,
      patience,
      isWaiting: () => pending.size > 0,
      received: () => wire.received(),
      sent: () => wire.sent(),
      probe: () => void request(...cheapest(facts)).catch(() => {}),
      onSilent: () =>
        broke('silent', `no answer and no sign of life for ${(silenceMs * (patience?.() ?? 1)) / 1000} s`),
    });

  return {
    facts,
    request,
    failure,
    async [Symbol.asyncDispose]() {
      watch?.[Symbol.dispose]();
      if (ended === null) wire.end(encodeRequest(nbd.command.disconnect, 0, 0, 0), 1000);
      await closed.promise;
    },
  };
}

/** What a server answers whatever else it has to do; to a read of a place or where it is data. */
function cheapest(facts: ExportFacts): Parameters<NbdConnection['request']> {
  const length = Math.min(4096, facts.size);
  return facts.allocationContext === null
    ? [nbd.command.read, { offset: 0, length }, { target: Buffer.alloc(length) }]
    : [nbd.command.blockStatus, { offset: 0, length }];
}

function placeOf(
  uri: string,
  who: string,
  { psk, host }: Pick<NbdOptions, 'psk' | 'host'>,
): { readonly address: NbdAddress; readonly key: Buffer | null } {
  const address = parseNbdUri(uri);
  if (address === null) {
    const forms = 'nbd://host:port/export or nbd+unix:///export?socket=PATH';
    throw new SendenseError('nbd.lost', `'${uri}' is not an NBD address: expected ${forms}`);
  }
  if (address.kind === 'unix') return { address, key: null };
  const there = { ...address, host: host ?? address.host };
  if (there.kind === 'tcp') return { address: there, key: null };
  if (!psk) throw new SendenseError('nbd.encryption', `${who}: it is encrypted, and there is no key to it`);
  return { address: there, key: Buffer.from(psk, 'hex') };
}
