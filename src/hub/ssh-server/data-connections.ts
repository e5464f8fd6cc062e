import type { Socket } from 'node:net';
import type { SshdProcess } from '../../host/ssh/sshd-process.ts';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { enterDataWay } from '../../state/nodes/node-connections.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { DataAnswer } from '../../schemas/types.ts';
import type { HubLog } from '../hub-log.ts';
import { nbdTargets } from '../nodes/authorized-keys.ts';
import type { DataRequest } from '../nodes/link-session.ts';
import type { DataService } from './data-service.ts';
import { inIntervals } from '../../host/system/in-intervals.ts';
import type { ServerContext } from './server-context.ts';

/** The further connections of a node, for its disks, as long as its first one lives. */
export interface DataConnections {
  /** What the node says of them in its session; undefined where that needs no answer. */
  request(request: DataRequest): DataAnswer | undefined;
  /** A connection that came with a ticket for that slot; the one before it ends. */
  take(socket: Socket, peer: string, slot: number): void;
  end(): void;
}

/** ms between two entries of how the disks of a node are reached. */
const enterEveryMs = 1000;

/** @param connection id of the first one; it holds the tickets */
export function dataConnectionsOf(
  context: ServerContext,
  service: DataService,
  link: {
    readonly connection: string;
    readonly publicKey: string;
    readonly node: () => NodeRecord;
    readonly log: HubLog;
  },
): DataConnections {
  const { state, places, figures, warn } = context;
  const { connection, publicKey, node } = link;
  const nodeId = node().id;
  const current = new Map<number, SshdProcess>();
  let ended = false;
  /** As the node said last. */
  let way: 'sshd' | 'builtin' | null = null;
  /** Each write waits for the disk, and with it the whole process. */
  const written = inIntervals(enterEveryMs, () => {
    try {
      enterDataWay(state, nodeId, connection, way);
    } catch (error) {
      link.log.warn(`the way of the data cannot be entered: ${toSendenseError(error).message}`);
    }
  });
  const enter = (now: typeof way): void => {
    if (now === way) return;
    way = now;
    written.wanted();
  };
  const stop = (slot: number): void => {
    void current.get(slot)?.[Symbol.asyncDispose]();
    current.delete(slot);
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
      if (request.data !== 'ticket') return void enter(request.data);
      if (service.user === null) return { ticket: null, reason: service.unavailable ?? 'there is none' };
      const { allowed, first, retrySeconds } = context.allowance.tickets(nodeId);
      if (first) warn(link.log, nodeId, { reason: 'overload' }, 'no ticket: the node asks for too many');
      if (!allowed) return { ticket: null, reason: `too many were asked for; try again in ${retrySeconds} s` };
      return { ticket: service.tickets.issue(connection, request.slot ?? 0), user: service.user };
    },
    take: (socket, peer, slot) => {
      if (ended) return void socket.destroy();
      stop(slot);
      const log = link.log.child({ data_connection: slot, data_peer: peer });
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
              if (current.get(slot) !== served) return;
              current.delete(slot);
              // The end of a mere trial changes nothing, and what one carried the others do.
              if (!ended && way === 'sshd' && current.size === 0) enter(null);
            },
          },
        );
        current.set(slot, served);
        log.info('a data connection, for sshd');
      } catch (error) {
        log.error(`no sshd for a data connection: ${toSendenseError(error).message}`);
        socket.destroy();
      }
    },
    end: () => {
      ended = true;
      written[Symbol.dispose]();
      service.tickets.forget(connection);
      for (const slot of current.keys()) stop(slot);
    },
  };
}

/** What whoever keeps the hub has to do something about. */
const troubles = /not allowed|fatal|bad |invalid|missing|unable|unsupported|could not|Failed publickey/i;
