import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ClientInfo, Connection } from 'ssh2';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { onFirstBytes } from './first-bytes.ts';
import { groupOf, openGate, type Admission, type Gate, type gateLimits } from './gate.ts';
import { login } from './login.ts';
import type { IdentityServer } from './serve-identity.ts';
import type { Refusal, ServerContext } from './server-context.ts';

export interface Door {
  /** A connection that has come. */
  admit(socket: Socket): void;
  /** ssh2 speaks with one of them. */
  handshake(connection: Connection, info: ClientInfo): void;
  /** Those that are there. */
  readonly sockets: ReadonlySet<Socket>;
}

export interface DoorOptions {
  readonly context: ServerContext;
  readonly limits: typeof gateLimits;
  readonly identities: IdentityServer;
  /** Hands a connection to ssh2, which answers with `handshake`. */
  speak(socket: Socket): void;
}

/** A connection until it is logged in. */
interface Visitor {
  readonly socket: Socket;
  readonly peer: string;
  readonly admission: Admission;
  readonly log: ServerContext['log'];
  refused(reason: Refusal, message: string, facts?: object): void;
  /** It is nobody any more whom the gate counts. */
  loggedIn(): void;
  /** Counts as a failed login when it ends. */
  failed: boolean;
}

/** Of a ticket. */
const tooLate = 'of a link that has ended';

/** Whoever connects: the gate bounds those who are not logged in, and a key or a ticket lets them in. */
export function openDoor(options: DoorOptions): Door {
  const { context, limits, identities, speak } = options;
  const gate = openGate(limits);
  const sockets = new Set<Socket>();
  const visitors = new Map<string, Visitor>();

  return {
    sockets,
    admit(socket) {
      socket.on('error', () => {});
      const visitor = receive(options, gate, socket);
      if (!visitor) return;
      sockets.add(socket);
      visitors.set(visitor.peer, visitor);
      socket.on('close', () => {
        sockets.delete(socket);
        visitors.delete(visitor.peer);
      });
      onFirstBytes(socket, {
        ssh: () => speak(socket),
        preface: (ticket) => takeTicket(context, identities, visitor, ticket),
        malformed: () => {
          visitor.failed = true;
          visitor.refused('ticket', 'data connection refused: no ticket');
          socket.destroy();
        },
      });
    },
    handshake(connection, info) {
      const visitor = visitors.get(`${info.ip}:${info.port}`);
      if (visitor) return logIn(context, identities, visitor, connection);
      // Gone already; without a listener its error would end the program.
      connection.on('error', () => {});
      connection.end();
    },
  };
}

/** Counts who has come at the gate, until it is logged in or gone; null: it is sent away. */
function receive({ context, limits }: DoorOptions, gate: Gate, socket: Socket): Visitor | null {
  const address = socket.remoteAddress ?? '';
  const peer = `${address}:${socket.remotePort}`;
  const log = context.log.child({ connection: randomUUID().slice(0, 8), peer });
  const refused = (reason: Refusal, message: string, facts: object = {}): void => {
    context.figures.refused(reason);
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
    socket.destroy();
    return null;
  }
  const timer = setTimeout(() => {
    refused('login-time', `ended: not logged in after ${limits.loginMs / 1000} s`);
    socket.destroy();
  }, limits.loginMs);
  const loggedIn = (): void => {
    clearTimeout(timer);
    gate.leave(pending);
  };
  const visitor: Visitor = { socket, peer, admission, log, refused, loggedIn, failed: false };
  socket.on('close', () => {
    loggedIn();
    if (visitor.failed) gate.failed(address);
  });
  return visitor;
}

function logIn(context: ServerContext, identities: IdentityServer, visitor: Visitor, connection: Connection): void {
  const { socket, peer, log, admission, refused } = visitor;
  connection.on('error', (error: Error & { level?: string }) => {
    log.debug({ level_of_error: error.level }, `connection: ${error.message}`);
    // ssh2 only ends its direction, and a peer that is gone never ends the other one.
    if (error.level === 'client-timeout') socket.destroy();
    else socket.destroySoon();
  });
  login(connection, context.state, context.places.user, {
    refuse: (verdict) => {
      visitor.failed = true;
      const reason = verdict.reason.replace(' ', '-') as Refusal;
      refused(reason, `login refused: ${verdict.reason}`, { key: verdict.fingerprint, node: verdict.node });
      if (admission === 'probation') socket.destroySoon();
    },
    failed: (error) => {
      refused('state', `login refused: ${toSendenseError(error).message}`);
      socket.destroySoon();
    },
    accept: (identity, rttMs) => {
      visitor.loggedIn();
      visitor.failed = false;
      const named = log.child({ node: identity.node.name });
      identities.serve({ connection, transport: socket, identity, peer, rttMs, log: named });
    },
  });
}

/** A further connection of a node that is logged in, for its disks. */
function takeTicket({ data }: ServerContext, { nodes }: IdentityServer, visitor: Visitor, ticket: string): void {
  const { socket, peer, refused, loggedIn } = visitor;
  const invalid = (why: string): void => {
    // Links break, with tickets under way.
    visitor.failed = why !== tooLate;
    refused('ticket', `data connection refused: its ticket is ${why}`);
    socket.destroy();
  };
  const taken = data.tickets.take(ticket);
  if ('refused' in taken) return invalid(taken.refused);
  const holder = [...nodes.values()].find((node) => node.connection === taken.link);
  if (!holder) return invalid(tooLate);
  loggedIn();
  holder.takeData(socket, peer, taken.slot);
}
