import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import { sayWord } from '../../host/programs/word-probe.ts';
import type { DataPathTested, DataPathTestRequest, DirectNode } from '../../schemas/types.ts';

/** A tunnel of a run that has just ended may hold its ports for a moment, ms. */
const lettingGoMs = 3000;
const lookEveryMs = 250;

/**
 * Whether the loopback ports that a run is to have on the node are free there.
 * @throws SendenseError `ssh.forward` with the port and who holds it, where the node can see that
 */
export async function requirePortsThere(
  client: NodeClient,
  ports: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const end = performance.now() + lettingGoMs; ; await delay(lookEveryMs, undefined, signal ? { signal } : {})) {
    const [held] = (await ask(client, { ports: [...ports] }, signal))?.held ?? [];
    if (!held) return;
    if (performance.now() >= end) throw heldThere(client, held);
  }
}

/** The error of a tunnel that does not get a port there, with the reason that the node knows. */
export async function explainRefusal(
  client: () => Promise<NodeClient>,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const port = error instanceof SendenseError && error.code === 'ssh.forward' ? error.details?.['port'] : undefined;
  if (typeof port !== 'number') return error;
  try {
    const node = await client();
    const tested = await ask(node, { ports: [port] }, signal);
    if (tested === null) return error;
    const [held] = tested.held;
    if (held) return heldThere(node, held, error);
    return new SendenseError(
      'ssh.forward',
      `${node.label}: port ${port} is free there, but its sshd does not let the hub listen on it`,
      {
        cause: error,
        remedy: `Allow it there: permitlisten="127.0.0.1:${port}" in authorized_keys, AllowTcpForwarding yes in sshd_config.`,
      },
    );
  } catch {
    return error;
  }
}

function heldThere(
  client: NodeClient,
  { port, holder }: DataPathTested['held'][number],
  cause?: unknown,
): SendenseError {
  const who = holder ?? 'a program of another user, which the node cannot see,';
  return new SendenseError('ssh.forward', `${client.label}: port ${port} is taken there: ${who} holds it`, {
    cause,
    remedy: `Stop that program on the node (\`ss -ltnp 'sport = :${port}'\` as root names it), or let the hub use other ports (\`ports:\` of sendense.yaml).`,
  });
}

/**
 * Whether the node reaches this hub at `data.host`: something listens there at one of the NBD ports for a moment.
 * @param ports in the order in which they are tried; they must be in use by nobody of ours
 * @throws SendenseError `settings.invalid` where this host has no such address, `data.unreachable`
 */
export async function requireReach(
  client: NodeClient,
  data: NonNullable<DirectNode['data']>,
  ports: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const word = randomBytes(16).toString('hex');
  for (const port of ports) {
    await using said = await listen(client, data, port, word);
    if (said === null) continue;
    const problem = (await ask(client, { connect: { host: data.host, port, word } }, signal))?.problem ?? null;
    if (problem === null) return;
    throw new SendenseError(
      'data.unreachable',
      `${client.label} does not reach this hub at ${data.host}:${port} (\`data: host\`): ${problem}`,
    );
  }
}

/** Null where another program has the port. */
async function listen(
  { label }: NodeClient,
  { listen: host }: NonNullable<DirectNode['data']>,
  port: number,
  word: string,
): Promise<AsyncDisposable | null> {
  try {
    return await sayWord({ host, port }, word);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') return null;
    throw new SendenseError(
      'settings.invalid',
      `${label}: this host cannot listen on ${host} (\`data: listen\`): ${code}`,
      {
        cause,
        remedy: 'Name an address of this host, as `ip address` shows them.',
      },
    );
  }
}

/** Null where the node is too old to know. */
async function ask(
  client: NodeClient,
  request: DataPathTestRequest,
  signal: AbortSignal | undefined,
): Promise<DataPathTested | null> {
  try {
    return await client.testDataPath(request, signal);
  } catch (error) {
    if (error instanceof SendenseError && error.details?.['status'] === 404) return null;
    throw error;
  }
}
