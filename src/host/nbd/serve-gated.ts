import { SendenseError } from '../../errors/sendense-error.ts';
import { closeGate, openGate } from './gate/open-gate.ts';
import { tlsUri } from './nbd-uri.ts';
import { pskIdentity } from './psk-file.ts';
import { serveNbd, type NbdServer, type ServeOptions } from './qemu-nbd.ts';

/** A place for those who have a key, and the private socket of the server behind it. */
export interface GatedPlace {
  readonly address: string;
  readonly port: number;
  /** Path of a Unix socket that does not exist yet, in a folder of this user alone. */
  readonly socket: string;
  /** The key of `pskFolder`, hex. A secret. */
  readonly psk: string;
}

/**
 * Serves an image at a port, behind a gate: qemu-nbd counts connections before it asks for the key, and waits for them for ever, so that
 * anybody could keep all others out.
 * @throws SendenseError what `serveNbd` and `openGate` say
 */
export async function serveGated(options: ServeOptions, place: GatedPlace): Promise<NbdServer> {
  const { address, port, socket } = place;
  await openGate(place);
  try {
    const server = await serveNbd({ ...options, listen: { socket } });
    const stop: NbdServer['stop'] = async (how) => {
      const outcome = await server.stop(how);
      await closeGate(socket);
      return outcome;
    };
    const uri = tlsUri(address, port, options.exportName, pskIdentity);
    return { process: server.process, uri, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
  } catch (error) {
    await closeGate(socket);
    // Before version 7.0 it encrypts at ports alone.
    if (error instanceof SendenseError && /TLS is only supported with IPv4/.test(error.message))
      return serveNbd({ ...options, listen: { address, port } });
    throw error;
  }
}
