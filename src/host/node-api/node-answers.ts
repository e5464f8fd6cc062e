import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import { describeErrors, validatorOf } from '../../schemas/validator.ts';
import { leastRate, type AnswerLimits, type LeastRate } from '../net/bounded-answer.ts';

/** Where a node's API is: `http://host:port` or `unix:/path/of/socket`. */
export interface NodeAddress {
  readonly url: string;
  readonly token: string;
  /** What errors call it; default: by its address. */
  readonly name?: string | undefined;
  /** How long the node may be silent before it counts as out of reach, ms; default 60 000. */
  readonly silenceMs?: number;
  /** `ours`: a socket in a private folder, at which nobody else can answer. Others prove first that they have the token. */
  readonly peer?: 'ours' | undefined;
  /** With https: PEM of the authorities that may have signed its certificate; default: those of the system and of Node.js. */
  readonly ca?: string | undefined;
}

export const called = ({ name, url }: NodeAddress): string => (name === undefined ? `node at ${url}` : `node ${name}`);

/** Of answers, once they have begun: an inventory of 20,000 VMs has some 40 MB, the block index of 64 TiB 32 GiB. */
export const limits = {
  inventory: { mostBytes: 64 * 1024 * 1024, mostMs: 300_000 },
  /** A log, or the configuration of a VM. */
  text: { mostBytes: 64 * 1024 * 1024, mostMs: 300_000 },
  /** All else, which is about one VM of 1,024 disks at most: much of it goes into journal and database. */
  json: { mostBytes: 4 * 1024 * 1024, mostMs: 300_000 },
  file: { mostBytes: 64 * 1024 ** 3, mostMs: 24 * 3_600_000 },
};

/** Of a node's own error: what is longer is cut. */
const longestMessage = 10_000;

/** The least rate of an answer; a node that may be silent for longer may be slow for as long. */
const leastOf = ({ silenceMs = 0 }: NodeAddress): LeastRate => ({
  ...leastRate,
  inMs: Math.max(leastRate.inMs, silenceMs),
});

export type Size = Pick<AnswerLimits, 'mostBytes' | 'mostMs'>;

export const limited = (address: NodeAddress, what: string, size: Size): AnswerLimits => ({
  what: `${called(address)}: ${what}`,
  least: leastOf(address),
  ...size,
});

/** Of OpenSSL and Node.js: what is wrong with a certificate, which no time heals. */
const certificateFault =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|CA_SIGNATURE_|ERROR_IN_CERT_)/;

/** A connection that fails, or speaks something that is not HTTP. */
export function lost(address: NodeAddress, what: string, error: NodeJS.ErrnoException): SendenseError {
  const message = `${called(address)}: ${what}: ${error.message || error.code}`;
  if (address.url.startsWith('https:') && certificateFault.test(error.code ?? ''))
    return new SendenseError('node.certificate', `${called(address)}: its certificate is not good: ${error.message}`, {
      cause: error,
    });
  return new SendenseError(error.code?.startsWith('HPE_') ? 'node.protocol' : 'node.unreachable', message, {
    cause: error,
  });
}

/** Reading an answer: a connection that breaks in the middle of it is a node out of reach, too. */
export async function read<T>(
  address: NodeAddress,
  what: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    const broken =
      ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ETIMEDOUT', 'EPIPE'].includes(code ?? '') ||
      code?.startsWith('HPE_');
    throw broken ? lost(address, what, error as NodeJS.ErrnoException) : error;
  }
}

/** The node's own error where it gave one in its form, with its code kept. */
export function refusal(address: NodeAddress, status: number, what: string, body: string): SendenseError {
  const details = { status };
  if (status === 401) return new SendenseError('node.refused', `${called(address)} refused the token`, { details });
  const known = nodeErrorIn(body);
  if (known)
    return new SendenseError(known.code as ErrorCode, known.message.slice(0, longestMessage), {
      remedy: known.remedy.slice(0, longestMessage),
      details,
    });
  return new SendenseError('node.protocol', `${called(address)}: ${what} answered ${status}: ${body.slice(0, 500)}`, {
    details,
  });
}

function nodeErrorIn(body: string): ErrorOutput | null {
  try {
    const value = parseJson(body) as { error: ErrorOutput };
    return validatorOf('api/error.json')(value) && Object.hasOwn(catalogue, value.error.code) ? value.error : null;
  } catch {
    return null;
  }
}

export function parse<T>(schema: string, what: string, body: string): T {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    throw new SendenseError('node.protocol', `${what}: the answer is not JSON`, { cause: error });
  }
  const validate = validatorOf(schema);
  if (!validate(value)) throw new SendenseError('node.protocol', `${what}: ${describeErrors(validate.errors)}`);
  return value as T;
}
