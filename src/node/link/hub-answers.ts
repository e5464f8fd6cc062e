import { hostname } from 'node:os';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import { sshCall } from '../../host/ssh/call.ts';
import type { SshServer } from '../../host/ssh/tunnel.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { LinkError, LinkHello, LinkWelcome } from '../../schemas/types.ts';
import { version } from '../../schemas/package.ts';
import { describeErrors, validatorOf } from '../../schemas/validator.ts';

/** The first line of the node in the session `sendense-link`. */
export const helloLine = (): string => {
  const hello: LinkHello = {
    version: 1,
    node_version: version,
    hostname: hostname() || 'unknown',
    boot_id: thisProcess().boot_id,
    time: Date.now(),
  };
  return JSON.stringify(hello);
};

/**
 * A line of the hub as the schema (`link/welcome.json`) describes it.
 * @throws SendenseError what the hub itself says; `link.protocol` for anything else
 */
export function answerIn<T>(schema: string, line: string, hub: string): T {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (cause) {
    throw new SendenseError(
      'link.protocol',
      `${hub} answered ${JSON.stringify(line.slice(0, 200))}, which is no JSON`,
      {
        cause,
      },
    );
  }
  const refusal = refusalIn(value);
  if (refusal) throw refusal;
  const validate = validatorOf(schema);
  if (validate(value)) return value as T;
  throw new SendenseError('link.protocol', `the answer of ${hub}: ${describeErrors(validate.errors)}`);
}

/** The error that a line of the hub holds, with its code where this version knows it. */
function refusalIn(value: unknown): SendenseError | null {
  if (!validatorOf('link/error.json')(value)) return null;
  const { code, message, remedy } = (value as LinkError).error;
  const known = Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'link.protocol';
  return new SendenseError(known, known === code ? message : `${code}: ${message}`, { remedy });
}

export interface Welcome {
  readonly welcome: LinkWelcome;
  /** How far the hub's clock is ahead of ours, ms; half of the time that the answer took is the error of it. */
  readonly skewMs: number;
}

/**
 * Asks the hub once what it has for this node, without any forward. It counts as a connection of the node: the hub ends
 * another one, so this is for a node whose link is down.
 * @throws SendenseError `ssh.*`, what the hub says, `link.protocol`
 */
export async function askHub(
  server: SshServer,
  privateKey: string | Buffer,
  options: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<Welcome> {
  const { signal, timeoutMs = 20_000 } = options;
  const { stdout } = await sshCall({
    server,
    privateKey,
    command: 'sendense-link',
    stdin: `${helloLine()}\n`,
    timeoutMs,
    ...(signal ? { signal } : {}),
  });
  const received = Date.now();
  const welcome = answerIn<LinkWelcome>('link/welcome.json', firstLine(stdout), `${server.host}:${server.port}`);
  return { welcome, skewMs: welcome.time - received };
}

/** What a command printed, without the lines that are empty. */
export const firstLine = (text: string): string => text.split('\n').find((line) => line.trim() !== '') ?? '';
