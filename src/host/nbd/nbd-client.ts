import type { NbdConnection } from './nbd-connection.ts';
import { openLastingConnection, type LastingOptions } from './nbd-lasting.ts';
import { nbd, type ExportFacts } from './nbd-protocol.ts';
export type { LastingOptions as NbdOptions } from './nbd-lasting.ts';

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
  /** What the server said of the export. */
  readonly facts: ExportFacts;
  /** Largest request that the server takes, bytes; a larger `read` is made of several. */
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
  allocation(offset: number, length: number): Promise<readonly AllocationExtent[]>;
}

/** Opens a connection. Needs a server that knows NBD_OPT_GO (qemu-nbd, nbdkit, nbd-server 3.17). */
export async function connectNbd(uri: string, options: LastingOptions = {}): Promise<NbdClient> {
  return clientOver(uri, await openLastingConnection(uri, `NBD server at ${uri}`, options));
}

/** Reading, over a connection that is the client's from now on. */
export function clientOver(uri: string, connection: NbdConnection): NbdClient {
  const { facts, request } = connection;
  return {
    uri,
    size: facts.size,
    facts,
    maxRequest: facts.maxRequest,
    async read(offset, target) {
      await inPieces(target.length, facts.maxRequest, (start, length) => {
        const piece = Buffer.from(target.buffer, target.byteOffset + start, length);
        return request(nbd.command.read, { offset: offset + start, length }, { target: piece });
      });
    },
    async allocation(offset, length) {
      if (facts.allocationContext === null) return [{ offset, length, zero: false }];
      // 4 GiB does not fit the field; 2 GiB is aligned to whatever the server wants.
      const told = await request(nbd.command.blockStatus, { offset, length: Math.min(length, 2 ** 31) });
      return told.map((extent) => ({
        offset: extent.offset,
        length: extent.length,
        zero: (extent.state & nbd.stateZero) !== 0,
      }));
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** All pieces at once: one, nearly always. */
export async function inPieces(
  length: number,
  largest: number,
  act: (start: number, length: number) => Promise<unknown>,
): Promise<void> {
  if (length <= largest) return void (length > 0 && (await act(0, length)));
  const pieces: Promise<unknown>[] = [];
  for (let start = 0; start < length; start += largest) pieces.push(act(start, Math.min(largest, length - start)));
  await Promise.all(pieces);
}
