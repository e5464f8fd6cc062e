import { SendenseError } from '../../errors/sendense-error.ts';
import { storeNodeToken } from './node-tokens.ts';
import { findNodeByKey, requireNode, type NodeRecord } from './nodes.ts';
import type { State } from '../database/open-state.ts';

export interface Enrolment {
  /** Public key of the enrolment token, with which the caller has proven itself. */
  readonly oneTimeKey: string;
  /** The node's own, `type base64`. */
  readonly publicKey: string;
  readonly apiToken: string;
  readonly hostname: string;
  readonly version: string;
}

/**
 * The node is enrolled and its token used, or nothing has happened: one transaction.
 * @throws SendenseError `enroll.token` for an unknown, used or expired token; `request.invalid` for a key that is another's; `credential.key`
 */
export function enrolNode(state: State, enrolment: Enrolment): NodeRecord {
  const { oneTimeKey, publicKey, apiToken, hostname, version } = enrolment;
  return state.transaction(() => {
    const time = Date.now();
    const { id, name } = requireToken(state, oneTimeKey, time);
    const other = findNodeByKey(state, publicKey);
    if (other && (other.node.id !== id || other.key === 'one-time'))
      throw new SendenseError('request.invalid', 'this public key belongs to another node or to a token', {
        remedy: 'Run `sendense-node enroll` on each node, so that each has its own key.',
      });
    const change = {
      public_key: publicKey,
      used: time,
      enrolled: time,
      hostname,
      version,
      revoked: null,
      machines: null,
    };
    state.run(state.query.updateTable('nodes').set(change).where('id', '=', id));
    storeNodeToken(state, id, apiToken);
    return requireNode(state, name);
  });
}

function requireToken(state: State, oneTimeKey: string, time: number): NodeRecord {
  const found = findNodeByKey(state, oneTimeKey);
  if (found?.key !== 'one-time') throw new SendenseError('enroll.token', 'the enrolment token is not known here');
  const { name, used, expires } = found.node;
  if (used !== null)
    throw new SendenseError('enroll.token', `the enrolment token of node ${name} was used already, at ${iso(used)}`, {
      remedy: `If it was not you, revoke the node at once: \`sendense-run node revoke ${name}\`. For a new token: \`sendense-run node add ${name} --again\`.`,
    });
  if (expires === null || expires <= time)
    throw new SendenseError('enroll.token', `the enrolment token of node ${name} expired at ${iso(expires ?? 0)}`);
  return found.node;
}

const iso = (time: number): string => new Date(time).toISOString();
