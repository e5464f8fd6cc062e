import type { Socket } from 'node:net';
import type { SshdProcess } from '../../host/ssh/sshd-process.ts';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { enterDataWay } from '../../state/node-connections.ts';
import type { NodeRecord } from '../../state/nodes.ts';
import type { DataAnswer, LinkRequest } from '../../schemas/types.ts';
import type { HubLog } from '../hub-log.ts';
import { nbdTargets } from '../nodes/authorized-keys.ts';
import type { DataService } from './data-service.ts';
import type { ServerContext } from './server-context.ts';

/** The second connection of a node, for its disks, as long as its first one lives. */
export interface DataConnection {
  /** What the node says of it in its session; undefined where that needs no answer. */
  request(request: Extract<LinkRequest, { data: string }>['data']): DataAnswer | undefined;
  /** A connection that came with the ticket; one before it ends. */
  take(socket: Socket, peer: string): void;
  end(): void;
}

/** @param connection id of the first one; it holds the tickets */
export function dataConnectionOf(
  context: ServerContext,
  service: DataService,
  link: {
    readonly connection: string;
    readonly publicKey: string;
    readonly node: () => NodeRecord;
    readonly log: HubLog;
  },
): DataConnection {
  const { state, places, figures, warn } = context;
  const { connection, publicKey, node } = link;
  const nodeId = node().id;
  let current: SshdProcess | null = null;
  let ended = false;
  /** As the node said last. */
  let way: 'sshd' | 'builtin' | null = null;

  const enter = (now: typeof way): void => {
    way = now;
    try {
      enterDataWay(state, nodeId, connection, now);
    } catch (error) {
      link.log.warn(`the way of the data cannot be entered: ${toSendenseError(error).message}`);
    }
  };
  const stop = (): void => {
    void current?.[Symbol.asyncDispose]();
    current = null;
  };

  const hear = (log: HubLog, name: string, line: string): void => {
    const denied = /to connect to host (\S+) port (\d+), but the request was denied/.exec(line);
    if (denied) {
      const what = `a connection to ${denied[1]}:${denied[2]}`;
      figures.refused('target');
      return warn(log, nodeId, { reason: 'target', what }, `refused: ${what}`);
    }
    if (line.startsWith('Accepted publickey')) {
      figures.dataConnected(name);
      return log.info('the data connection is logged in');
    }
    if (troubles.test(line)) warn(log, nodeId, {}, `sshd: ${line}`);
    else log.debug(`sshd: ${line}`);
  };

  return {
    request: (request) => {
      if (request !== 'ticket') return void enter(request);
      if (service.user === null) return { ticket: null, reason: service.unavailable ?? 'there is none' };
      return { ticket: service.tickets.issue(connection), user: service.user };
    },
    take: (socket, peer) => {
      if (ended) return void socket.destroy();
      stop();
      const log = link.log.child({ data_peer: peer });
      try {
        const { name, reversePort } = node();
        const targets = nbdTargets(reversePort, places);
        const served = service.serve(
          socket,
          { publicKey, targets },
          {
            onLine: (line) => hear(log, name, line),
            onBytes: ({ received, sent }) => {
              figures.bytes(name, 'from_node', received, 'sshd');
              figures.bytes(name, 'to_node', sent, 'sshd');
            },
            onEnd: () => {
              log.info('the data connection has ended');
              if (current !== served) return;
              current = null;
              // The end of a mere trial changes nothing.
              if (!ended && way === 'sshd') enter(null);
            },
          },
        );
        current = served;
        log.info('a data connection, for sshd');
      } catch (error) {
        log.error(`no sshd for a data connection: ${toSendenseError(error).message}`);
        socket.destroy();
      }
    },
    end: () => {
      ended = true;
      service.tickets.forget(connection);
      stop();
    },
  };
}

/** What whoever keeps the hub has to do something about. */
const troubles = /not allowed|fatal|bad |invalid|missing|unable|unsupported|could not|Failed publickey/i;
