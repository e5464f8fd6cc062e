import { clientOver, inPieces, type NbdClient } from './nbd-client.ts';
import { openLastingConnection, type LastingOptions } from './nbd-lasting.ts';
import { nbd } from './nbd-protocol.ts';

/**
 * A connection that writes. Calls may overlap, over different bytes. Failures are `nbd.lost`, or `disk.full` where the
 * server has no space left, and name the target.
 */
export interface NbdTarget extends NbdClient {
  /** `data` belongs to the client until the promise settles. */
  write(offset: number, data: Uint8Array): Promise<void>;
  /** The piece reads as zeros afterwards, whatever was there or in a backing file. Without payload where the server can. */
  writeZeroes(offset: number, length: number): Promise<void>;
  /** What was written over this connection before, and was answered, is on stable storage. Nothing where the server cannot. */
  flush(): Promise<void>;
}

/** @throws SendenseError `nbd.lost`, also where the export is read-only; `nbd.encryption` */
export async function connectNbdTarget(uri: string, options: LastingOptions = {}): Promise<NbdTarget> {
  const connection = await openLastingConnection(uri, `the target ${uri}`, options);
  const { facts, request } = connection;
  const can = (flag: number): boolean => (facts.flags & flag) !== 0;
  if (can(nbd.transmission.readOnly)) {
    await connection[Symbol.asyncDispose]();
    throw connection.failure('it is read-only');
  }
  // Requests without payload have no limit of their own in the protocol, but servers refuse what would take them long.
  const write = (offset: number, length: number, payload: Uint8Array): Promise<unknown> =>
    request(nbd.command.write, { offset, length }, { payload });
  return {
    ...clientOver(uri, connection),
    write: (offset, data) =>
      inPieces(data.length, facts.maxRequest, (start, length) =>
        write(offset + start, length, data.subarray(start, start + length)),
      ),
    writeZeroes: (offset, length) =>
      can(nbd.transmission.writeZeroes)
        ? inPieces(length, facts.maxRequest, (start, piece) =>
            request(nbd.command.writeZeroes, { offset: offset + start, length: piece }),
          )
        : inPieces(length, Math.min(zeros.length, facts.maxRequest), (start, piece) =>
            write(offset + start, piece, zeros.subarray(0, piece)),
          ),
    flush: async () =>
      void (can(nbd.transmission.flush) && (await request(nbd.command.flush, { offset: 0, length: 0 }))),
  };
}

const zeros = Buffer.alloc(1024 * 1024);
