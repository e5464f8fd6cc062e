import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { keptAlive } from '../net/keep-alive.ts';
import type { NbdAddress } from './nbd-uri.ts';

/** Who takes the bytes of a wire. */
export interface WireReader {
  /** The very bytes to fill next, never none: nothing is read too far, and payload is not copied. */
  room(): Buffer;
  /** So many bytes of the room were filled. False: no more. */
  arrived(count: number): boolean;
  /** It broke, or the other end closed it. Called once at most before `closed`. */
  lost(why: Error): void;
  closed(): void;
}

/** A byte stream to a server. */
export interface Wire {
  send(header: Buffer, payload?: Uint8Array): void;
  /** From now on everything is encrypted, both ends proven to have the key. Only for an address of kind `tls`. */
  secure(): void;
  /** Grows with all that comes. */
  received(): number;
  /** Bytes of requests that the network took. */
  sent(): number;
  /** Sends the last bytes and closes; at once after `ms`. */
  end(last: Buffer, ms: number): void;
  destroy(): void;
}

/** Why a wire of kind `tls` is refused: not a break of the network, unless that is what it looks like. */
export class TlsRefusal extends Error {
  /** It ended without a word: a server with another key does so, and a line that broke, or a gate where too many wait. */
  readonly silent: boolean;
  constructor(message: string, silent = false) {
    super(message);
    this.silent = silent;
  }
}

/** @param key the pre-shared key, for an address of kind `tls` */
export function openWire(address: NbdAddress, key: Buffer | null, reader: WireReader): Wire {
  const state = { over: false };
  const plain: Socket = connect({
    ...(address.kind === 'unix' ? { path: address.socket } : { host: address.host, port: address.port }),
    noDelay: true,
    ...keptAlive,
    // A socket that is to be encrypted later cannot have a reader of its own.
    ...(address.kind === 'tls'
      ? {}
      : { onread: { buffer: () => reader.room(), callback: (count: number) => !state.over && reader.arrived(count) } }),
  });
  let socket: Socket = plain;

  const lost = (why: Error): void => {
    if (!state.over) reader.lost(why);
  };
  const follow = (stream: Socket): void => {
    stream.on('error', lost);
    stream.on('end', () => lost(new Error('the server closed the connection')));
  };
  follow(plain);
  plain.on('close', () => {
    lost(new Error('the connection is closed'));
    reader.closed();
  });
  const take =
    (from: Socket) =>
    (chunk: Buffer): void => {
      for (let at = 0; at < chunk.length && !state.over;) {
        // What came in the clear behind the agreement to encrypt is an attack.
        if (socket !== from) return lost(new TlsRefusal('the server sent more before the encryption began'));
        const count = chunk.copy(reader.room(), 0, at);
        at += count;
        if (!reader.arrived(count)) return;
      }
    };
  const takePlain = take(plain);
  if (address.kind === 'tls') plain.on('data', takePlain);

  const secure = (): void => {
    if (address.kind !== 'tls' || key === null) throw new Error('no key to encrypt with');
    plain.removeListener('data', takePlain);
    plain.removeListener('error', lost);
    let proven = false;
    const encrypted = connectTls({
      socket: plain,
      minVersion: 'TLSv1.3',
      // A key from outside goes with SHA-256 in TLS 1.3 (RFC 8446, 4.2.11).
      ciphers: 'TLS_AES_128_GCM_SHA256',
      ca: [],
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: key, identity: address.identity }),
    });
    socket = encrypted;
    encrypted.on('secureConnect', () => {
      // The key proves both ends; a server with a certificate instead is somebody else, whoever signed it.
      if (encrypted.getPeerX509Certificate() !== undefined || !encrypted.isSessionReused())
        return lost(new TlsRefusal('the server does not use the key of this run'));
      proven = true;
    });
    const refused = (why: Error): void => {
      const said = /^ERR_(SSL|TLS)/.test((why as NodeJS.ErrnoException).code ?? '');
      const what = `the server did not accept the key, or has another: ${why.message}`;
      lost(proven ? why : new TlsRefusal(what, !said));
    };
    plain.on('error', refused);
    encrypted.on('error', refused);
    encrypted.on('end', () => refused(new Error('the server closed the connection')));
    encrypted.on('data', take(encrypted));
  };

  return {
    send(header, payload) {
      if (state.over) return;
      if (payload === undefined) return void socket.write(header);
      socket.cork();
      socket.write(header);
      socket.write(payload);
      socket.uncork();
    },
    secure,
    received: () => plain.bytesRead + socket.bytesRead,
    sent: () => socket.bytesWritten - socket.writableLength,
    end(last, ms) {
      const limit = setTimeout(() => plain.destroy(), ms);
      plain.once('close', () => clearTimeout(limit));
      socket.end(last, () => plain.destroy());
    },
    destroy() {
      state.over = true;
      if (socket !== plain) socket.destroy();
      plain.destroy();
    },
  };
}
