import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { terminate, thisProcess } from '../../host/programs/process-identity.ts';
import { fingerprintOf } from '../../host/ssh/keys.ts';
import { sshdSessionOf } from '../../host/ssh/sshd-sessions.ts';
import {
  connectionEnd,
  connectionsSeen,
  connectNode,
  describeNode,
  disconnectNode,
} from '../../state/nodes/node-connections.ts';
import { findNodeById, requireNode, type NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import { updateAuthorizedKeys, type AuthorizedKeysPlaces } from './authorized-keys.ts';
import { enrollSession } from './enroll-session.ts';
import { errorLine, writeLine } from './json-lines.ts';
import { linkSession } from './link-session.ts';
import { welcomeOf } from './welcome.ts';

/** A forced command of sshd: it has proven the key, and runs this with what the client wanted in the environment. */
export interface ForcedCommand extends AuthorizedKeysPlaces {
  readonly state: State;
  readonly name: string;
  /** Fingerprint of the key that has logged in, from its line in authorized_keys. */
  readonly key: string;
  readonly input: Readable;
  readonly output: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** ms between two looks into the database whether the connection may go on. */
const checkMs = 500;
/** ms between two entries that it lives. */
const seenMs = 5000;

/** `sendense-run node accept NAME`. Answers the exit status. */
export async function acceptOverStdio(command: ForcedCommand): Promise<0 | 1> {
  const { state, name, places, input, output } = command;
  const node = await openedBy(command, 'sendense-enroll');
  if (!node) return 1;
  const result = await enrollSession({
    state,
    places,
    data: 'tunnel',
    oneTimeKey: node.oneTimeKey ?? '',
    input,
    output,
    onEnrolled: async () => updateAuthorizedKeys(state, command),
  });
  if (!(result instanceof SendenseError)) return 0;
  process.stderr.write(`sendense-run node accept ${name}: ${result.message}\n`);
  return 1;
}

/** `sendense-run node link NAME`: as long as it runs the node is connected; where that has to end it ends the SSH connection. */
export async function linkOverStdio(command: ForcedCommand): Promise<0 | 1> {
  const { state, places, input, output, env } = command;
  const node = await openedBy(command, 'sendense-link');
  if (!node) return 1;
  const connection = randomUUID();
  const [address = '', port = ''] = (env['SSH_CONNECTION'] ?? '').split(' ');
  const peer = `${address}:${port}`;
  if (!connectNode(state, node.id, { connection, owner: thisProcess(), peer, data: 'sshd' })) {
    await writeLine(output, errorLine(new SendenseError('node.revoked', `node ${node.name} was revoked`)));
    await endConnection();
    return 1;
  }
  let seen = performance.now();
  const look = (): void => {
    if (connectionEnd(state, node.id, node.publicKey ?? '', connection) !== null) {
      clearInterval(timer);
      void endConnection().finally(() => process.exit(1));
    } else if (performance.now() - seen >= seenMs) {
      seen = performance.now();
      connectionsSeen(state, [connection]);
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // Another process keeps the database locked, or the disk is full: that ends no connection.
    }
  }, checkMs);
  try {
    await linkSession({
      input,
      output,
      welcome: ({ hostname, node_version: version }) => {
        if (node.hostname !== hostname || node.version !== version) describeNode(state, node.id, { hostname, version });
        return welcomeOf(findNodeById(state, node.id) ?? node, places, 'tunnel');
      },
    });
    return 0;
  } catch {
    return 1; // The node was told.
  } finally {
    clearInterval(timer);
    disconnectNode(state, node.id, connection);
  }
}

/**
 * The node, where its client asked for that command; null after it was told that it may not. sshd lets in by a line of the
 * moment of the login, and a client may hold a connection for long: the key must still be the node's.
 */
async function openedBy({ state, name, key, env, output }: ForcedCommand, wanted: Wanted): Promise<NodeRecord | null> {
  try {
    if (env['SSH_ORIGINAL_COMMAND'] !== wanted)
      throw new SendenseError('request.invalid', `this key is for the command ${wanted} alone`);
    const node = requireNode(state, name);
    const { publicKey, oneTimeKey } = node;
    const present = wanted === 'sendense-link' ? publicKey : oneTimeKey;
    if (present !== null && fingerprintOf(present) === key) return node;
    throw wanted === 'sendense-link'
      ? new SendenseError('node.revoked', `node ${name} has another key by now, or none`)
      : new SendenseError('enroll.token', `there is a newer enrolment token of node ${name}, or none`);
  } catch (error) {
    await writeLine(output, errorLine(error));
    return null;
  }
}

type Wanted = 'sendense-enroll' | 'sendense-link';

/** The forwards belong to sshd, not to this process: the connection ends with its sshd. */
async function endConnection(): Promise<void> {
  const session = sshdSessionOf(process.pid);
  if (session) await terminate(session, { graceMs: 2000 });
}
