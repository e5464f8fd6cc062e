import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { ssh2 } from '../../host/ssh/ssh2.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { ciphers } from '../../host/ssh/ssh2-connect.ts';
import { makeNodeSocketFolder } from '../nodes/node-sockets.ts';
import { cannotListen } from './cannot-listen.ts';
import type { Identity } from './check-key.ts';
import { gateLimits, groupOf, openGate } from './gate.ts';
import { openNodeAllowance } from './node-allowance.ts';
import { otherMachine } from '../../state/nodes/node-machines.ts';
import { serveCandidate } from './serve-candidate.ts';
import { serveNode, type NodeConnection } from './serve-node.ts';
import { serveTokenHolder } from './serve-token-holder.ts';
import { openDataService } from './data-service.ts';
import { onFirstBytes } from './first-bytes.ts';
import { login } from './login.ts';
import type { Refusal, ServerContext } from './server-context.ts';
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

/** Of a ticket. */
const tooLate = 'of a link that has ended';
/** Holders of tokens that are logged in at a time: an enrolment takes a second, and a token logs in also when it is used. */
const mostTokenHolders = 20;
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
  const { places, figures, limits = gateLimits } = options;
  const data = await openDataService(places);
  const context: ServerContext = { ...options, warn: limitedWarnings(), data, allowance: openNodeAllowance() };
  const gate = openGate(limits);
  const nodes = new Map<string, NodeConnection>();
  const sockets = new Set<Socket>();
  const tokenHolders = new Set<Socket>();
  const admitted = new Map<string, Admitted>();

  const ssh = new ssh2.Server(
    {
      hostKeys: [options.hostKey],
      ident: 'sendense',
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      algorithms,
    },
    (connection, info) => {
      const found = admitted.get(`${info.ip}:${info.port}`);
      if (found) return found.handshake(connection);
      // Gone already; without a listener its error would end the program.
      connection.on('error', () => {});
      connection.end();
    },
  );

  const admit = (socket: Socket): void => {
    const address = socket.remoteAddress ?? '';
    const peer = `${address}:${socket.remotePort}`;
    const log = options.log.child({ connection: randomUUID().slice(0, 8), peer });
    socket.on('error', () => {});
    const refused = (reason: Refusal, message: string, facts: object = {}): void => {
      figures.refused(reason);
      context.warn(log, groupOf(address), { reason, ...facts }, message);
    };
    const pending = {
      address,
      end: (reason: 'overload') => {
        refused(reason, 'ended: too many connections that are not logged in');
        socket.destroy();
      },
    };
    const admission = gate.enter(pending);
    if (admission === 'closed') {
      refused('rate', 'refused: too many failed logins from this address');
      return void socket.destroy();
    }
    sockets.add(socket);
    const timer = setTimeout(() => {
      refused('login-time', `ended: not logged in after ${limits.loginMs / 1000} s`);
      socket.destroy();
    }, limits.loginMs);
    const loggedIn = (): void => {
      clearTimeout(timer);
      gate.leave(pending);
    };
    let failed = false;
    socket.on('close', () => {
      loggedIn();
      sockets.delete(socket);
      admitted.delete(peer);
      if (failed) gate.failed(address);
    });
    admitted.set(peer, {
      handshake: (connection) => {
        connection.on('error', (error: Error & { level?: string }) => {
          log.debug({ level_of_error: error.level }, `connection: ${error.message}`);
          // ssh2 only ends its direction, and a peer that is gone never ends the other one.
          if (error.level === 'client-timeout') socket.destroy();
          else socket.destroySoon();
        });
        login(connection, options.state, places.user, {
          refuse: (verdict) => {
            failed = true;
            const reason = verdict.reason.replace(' ', '-') as Refusal;
            refused(reason, `login refused: ${verdict.reason}`, { key: verdict.fingerprint, node: verdict.node });
            if (admission === 'probation') socket.destroySoon();
          },
          failed: (error) => {
            refused('state', `login refused: ${toSendenseError(error).message}`);
            socket.destroySoon();
          },
          accept: (identity, rttMs) => {
            loggedIn();
            failed = false;
            serve(connection, socket, identity, { peer, rttMs, log: log.child({ node: identity.node.name }) });
          },
        });
      },
    });
    onFirstBytes(socket, {
      ssh: () => ssh.injectSocket(socket),
      preface: (ticket) => {
        const taken = data.tickets.take(ticket);
        const invalid = (why: string): void => {
          // Links break, with tickets under way.
          failed = why !== tooLate;
          refused('ticket', `data connection refused: its ticket is ${why}`);
          socket.destroy();
        };
        if ('refused' in taken) return invalid(taken.refused);
        const holder = [...nodes.values()].find((node) => node.connection === taken.link);
        if (!holder) return invalid(tooLate);
        loggedIn();
        holder.takeData(socket, peer, taken.slot);
      },
      malformed: () => {
        failed = true;
        refused('ticket', 'data connection refused: no ticket');
        socket.destroy();
      },
    });
  };

  const serve = (
    connection: Connection,
    transport: Socket,
    identity: Identity,
    { peer, rttMs, log }: { readonly peer: string; readonly rttMs: number; readonly log: ServerContext['log'] },
  ): void => {
    if (identity.role === 'one-time') {
      const often = !context.allowance.connections(`token ${identity.node.id}`).allowed;
      if (often || tokenHolders.size >= mostTokenHolders) {
        figures.refused('overload');
        context.warn(
          log,
          identity.node.id,
          { reason: 'overload' },
          'ended: too many connections with enrolment tokens',
        );
        return void transport.destroy();
      }
      tokenHolders.add(transport);
      transport.on('close', () => tokenHolders.delete(transport));
      return serveTokenHolder(context, { connection, transport, identity, log });
    }
    const { id } = identity.node;
    if (!context.allowance.connections(id).allowed) {
      figures.refused('rate');
      context.warn(log, id, { reason: 'rate' }, 'ended: the node connects too often');
      return void transport.destroy();
    }
    const before = nodes.get(id);
    if (before && otherMachine(identity.node) !== null) {
      const makeRoom = (): void => before.cut('replaced by a newer connection');
      return serveCandidate(context, { connection, transport, identity, peer, log, makeRoom });
    }
    before?.cut('replaced by a newer connection');
    const served = serveNode(context, { connection, transport, identity, peer, rttMs, log });
    nodes.set(id, served);
    transport.on('close', () => {
      if (nodes.get(id) === served) nodes.delete(id);
    });
  };

  const listener = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, admit);
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
      for (const socket of sockets) socket.destroySoon();
      // A peer that does not take the goodbye is cut off.
      const late = setTimeout(() => sockets.forEach((socket) => socket.destroy()), 2000);
      await closed;
      clearTimeout(late);
    },
  };
}

interface Admitted {
  handshake(connection: Connection): void;
}
