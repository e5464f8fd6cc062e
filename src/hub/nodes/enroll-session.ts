import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parsePublicKey } from '../../host/ssh/keys.ts';
import type { EnrollRequest, LinkWelcome } from '../../schemas/types.ts';
import { enrolNode } from '../../state/nodes/node-enrolment.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubPlaces } from './hub-places.ts';
import { errorLine, linesOf, parseLine, writeLine } from './json-lines.ts';
import { welcomeOf } from './welcome.ts';

export interface EnrollSession {
  readonly state: State;
  readonly places: Pick<HubPlaces, 'nbdPorts' | 'api'>;
  readonly data: LinkWelcome['data'];
  /** Public key of the token, with which the other side has proven itself. */
  readonly oneTimeKey: string;
  readonly input: Readable;
  readonly output: Writable;
  /** After the enrolment and before the answer. */
  readonly onEnrolled?: (node: NodeRecord) => Promise<void>;
}

/**
 * One request, one answer (`schemas/link/enroll-request.json`, `enroll-answer.json`, or `error.json`). Answers the
 * enrolled node, or the error that was sent.
 */
export async function enrollSession(session: EnrollSession): Promise<NodeRecord | SendenseError> {
  try {
    const node = enrol(session, await firstLine(session.input));
    await session.onEnrolled?.(node);
    await writeLine(session.output, welcomeOf(node, session.places, session.data));
    return node;
  } catch (error) {
    await writeLine(session.output, errorLine(error));
    if (error instanceof SendenseError) return error;
    throw error;
  }
}

/** ms in which the request has to come. */
const requestMs = 15_000;

async function firstLine(input: Readable): Promise<string> {
  const late = setTimeout(
    () => input.destroy(new SendenseError('request.invalid', `no request came within ${requestMs / 1000} s`)),
    requestMs,
  );
  try {
    for await (const line of linesOf(input)) return line;
    throw new SendenseError('request.invalid', 'no request came');
  } finally {
    clearTimeout(late);
  }
}

function enrol({ state, oneTimeKey }: EnrollSession, line: string): NodeRecord {
  const request = parseLine<EnrollRequest>('link/enroll-request.json', line);
  const publicKey = parsePublicKey(request.public_key);
  if (publicKey === null)
    throw new SendenseError('request.invalid', 'public_key is not an Ed25519, ECDSA or RSA key of at least 3072 bits');
  return enrolNode(state, {
    oneTimeKey,
    publicKey,
    apiToken: request.api_token,
    hostname: request.hostname,
    version: request.node_version,
  });
}
