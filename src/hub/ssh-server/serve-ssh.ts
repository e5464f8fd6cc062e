import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { keptAlive } from '../../host/net/keep-alive.ts';
import { ssh2 } from '../../host/ssh/ssh2.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { ciphers } from '../../host/ssh/ssh2-connect.ts';
import { makeNodeSocketFolder } from '../nodes/node-sockets.ts';
import { cannotListen } from './cannot-listen.ts';
import { openDoor } from './door.ts';
import { gateLimits } from './gate.ts';
import { openNodeAllowance } from './node-allowance.ts';
import { openDataService } from './data-service.ts';
import { createIdentityServer } from './serve-identity.ts';
import type { ServerContext } from './server-context.ts';
import { superviseNodes } from './supervise.ts';
import { limitedWarnings } from './warnings.ts';

export interface SshServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Brings the figures of connections up to date that other processes carry. Never rejects, and takes a second at most. */
  count(): Promise<void>;
}

export interface SshServerOptions extends Omit<ServerContext, 'warn' | 'data' | 'allowance'> {
  /** OpenSSH format. */
  readonly hostKey: string;
  readonly limits?: typeof gateLimits;
}

/**
 * No compression: whoever is not logged in yet could make a few bytes into many; and key exchanges that cost the server
 * little, with OpenSSH's and ssh2's first choice in front.
 */
const algorithms = {
  cipher: [...ciphers],
  compress: ['none'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
  ],
} as NonNullable<ConstructorParameters<typeof ssh2.Server>[0]['algorithms']>;

/**
 * The built-in SSH server: enrolled nodes get their forwards, holders of an enrolment token may enrol, and nobody gets
 * anything else. @throws SendenseError `hub.address`
 */
export async function serveSsh(options: SshServerOptions): Promise<SshServer> {
  const { places, limits = gateLimits } = options;
  const data = await openDataService(places);
  const context: ServerContext = { ...options, warn: limitedWarnings(), data, allowance: openNodeAllowance() };
  const identities = createIdentityServer(context);
  const { nodes } = identities;
  const door = openDoor({ context, limits, identities, speak: (socket) => void ssh.injectSocket(socket) });
  const ssh = new ssh2.Server(
    {
      hostKeys: [options.hostKey],
      ident: 'sendense',
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      algorithms,
    },
    door.handshake,
  );
  const listener = createServer({ noDelay: true, ...keptAlive }, door.admit);
  try {
    listener.listen(places.listen);
    await once(listener, 'listening');
    // Not before: another hub may be running, and have sockets there.
    makeNodeSocketFolder(options.state.path);
  } catch (cause) {
    listener.close();
    await data[Symbol.asyncDispose]();
    if (cause instanceof SendenseError) throw cause;
    throw cannotListen('hub.listen', places.listen, cause);
  }
  listener.on('error', (error) => options.log.error(`the SSH server: ${error.message}`));
  if (data.unavailable !== null) options.log.info(`data goes through the server itself: ${data.unavailable}`);
  const supervision = superviseNodes(context, nodes);
  const { address: host, port } = listener.address() as AddressInfo;
  return {
    host,
    port,
    count: data.count,
    [Symbol.asyncDispose]: async () => {
      supervision[Symbol.dispose]();
      const closed = once(listener, 'close');
      listener.close();
      for (const node of nodes.values()) node.cut('the hub ends');
      await data[Symbol.asyncDispose]();
      for (const socket of door.sockets) socket.destroySoon();
      // A peer that does not take the goodbye is cut off.
      const late = setTimeout(() => door.sockets.forEach((socket) => socket.destroy()), 2000);
      await closed;
      clearTimeout(late);
    },
  };
}
