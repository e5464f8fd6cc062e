import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { nbd } from '../../src/host/nbd/nbd-protocol.ts';

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** A link between a client and a server that can be cut, as networks are. Everything through it is real. */
export interface CuttableLink extends AsyncDisposable {
  /** Resets what goes through it and refuses whoever comes, until `mend`. */
  cut(): Promise<void>;
  /** What goes through it gets stuck, half-open, until `thaw`; who comes new gets stuck, too, until `mend`. */
  freeze(): void;
  /** What got stuck arrives after all. */
  thaw(): void;
  mend(): Promise<void>;
  /** From now on servers behind it answer the handshake and nothing after it: what is asked of them gets stuck. */
  muffle(): void;
  /** Ends what goes through it once; new connections are fine. */
  blip(): void;
  /** Bytes that have gone from client to server. */
  sent(): number;
  /** Connections that were made in all. */
  made(): number;
}

export async function cuttableLink(listen: Place, to: Place): Promise<CuttableLink> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let [sent, made, frozen, muffled] = [0, 0, false, false];
  let server: Server | null = null;

  const accept = (client: Socket): void => {
    made++;
    const upstream = connect({ ...to, noDelay: true });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, other] of [pair, [upstream, client] as const]) {
      from.on('error', () => {});
      from.on('close', () => {
        // What is frozen does not even tell its end.
        if (pairs.has(pair)) other.destroy();
        pairs.delete(pair);
      });
      from.on('data', (chunk: Buffer) => {
        if (from === client) {
          sent += chunk.length;
          if (muffled && isRequest(chunk)) return stall(pair);
        }
        if (!other.write(chunk)) from.pause();
      });
      from.on('drain', () => void (pairs.has(pair) && other.resume()));
    }
    if (frozen) stall(pair);
  };
  const stuck = new Set<readonly [Socket, Socket]>();
  const stall = (pair: readonly [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.pause();
    stuck.add(pair);
  };
  const drop = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const open = async (): Promise<void> => {
    server = createServer({ noDelay: true, pauseOnConnect: false }, accept);
    server.listen(listen);
    await once(server, 'listening');
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = null;
    drop();
    if (closing === null) return;
    const closed = once(closing, 'close');
    closing.close();
    drop();
    for (const socket of [...stuck].flat()) socket.destroy();
    await closed;
    if ('path' in listen) await rm(listen.path, { force: true });
  };
  await open();
  return {
    cut: close,
    freeze() {
      frozen = true;
      for (const pair of pairs) stall(pair);
    },
    thaw() {
      for (const pair of stuck) {
        pairs.add(pair);
        for (const socket of pair) socket.resume();
      }
      stuck.clear();
    },
    muffle: () => void (muffled = true),
    async mend() {
      frozen = false;
      if (server === null) await open();
    },
    blip: drop,
    sent: () => sent,
    made: () => made,
    [Symbol.asyncDispose]: close,
  };
}

/** A client asks only when the handshake is over, and so what it asks begins a chunk. */
const isRequest = (chunk: Buffer): boolean => chunk.length >= 4 && chunk.readUInt32BE(0) === nbd.requestMagic;
