import { isRunning, terminate } from '../../host/programs/process-identity.ts';
import { sshdSessionOf, sshdSessionsOfUser } from '../../host/ssh/sshd-sessions.ts';
import { connectionOf } from '../../state/nodes/node-connections.ts';
import { listNodes } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';

/**
 * Ends every session of the nodes' user that does not prove to be that of another connected node, also one whose client
 * holds forwards alone: sshd does not tell whose key let it in. Others that are hit come back by themselves.
 * Answers how many were ended.
 */
export async function cutOpensshSessions(state: State, user: string, nodeId: string): Promise<number> {
  const others = listNodes(state)
    .filter(({ id }) => id !== nodeId)
    .flatMap((node) => connectionOf(node, isRunning) ?? []);
  const kept = new Set(others.map(({ owner }) => sshdSessionOf(owner.pid)?.pid));
  const cut = sshdSessionsOfUser(user).filter(({ pid }) => !kept.has(pid));
  await Promise.all(cut.map((session) => terminate(session, { graceMs: 2000 })));
  return cut.length;
}
