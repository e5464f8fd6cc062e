import { toSendenseError } from '../../errors/sendense-error.ts';
import { connectionsSeen } from '../../state/nodes/node-connections.ts';
import type { NodeConnection } from './serve-node.ts';
import type { ServerContext } from './server-context.ts';

/** ms between two looks into the database whether each connection may go on. */
const checkMs = 500;
/** ms between two entries that connections live. */
const seenMs = 5000;

/**
 * Ends the connections that may not go on, and enters that the others live. A database that another process keeps locked,
 * or a disk that is full, ends no connection: nobody new gets in meanwhile.
 */
export function superviseNodes(
  { state, log }: Pick<ServerContext, 'state' | 'log'>,
  nodes: ReadonlyMap<string, NodeConnection>,
): Disposable {
  let entered = -Infinity;
  let failing = false;
  const look = (): void => {
    for (const node of nodes.values()) node.check();
    if (performance.now() - entered < seenMs) return;
    // Also where it fails: each attempt stops everything else for as long as SQLite waits.
    entered = performance.now();
    connectionsSeen(
      state,
      [...nodes.values()].map(({ connection }) => connection),
    );
    if (failing) log.info('the state database can be written again');
    failing = false;
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      const { code, message } = toSendenseError(error);
      if (!failing) log.error({ code }, `who is connected cannot be entered: ${message}`);
      failing = true;
    }
  }, checkMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
