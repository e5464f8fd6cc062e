import { chmod, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ApiLogger } from '../api/create-api.ts';
import type { ApiLimits } from '../api/limits.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { longestSocketPath } from '../host/files/socket-path.ts';
import { portUser } from '../host/net/port-holder.ts';
import { version } from '../schemas/package.ts';
import { createNode } from './create-node.ts';
import { sharedDoctor } from './doctor/shared-doctor.ts';
import { urlOf, type ListenAddress } from './listen-address.ts';
import type { ResolvedNodeSettings } from './node-settings.ts';

export interface StartNodeOptions {
  /** A Unix socket for this user alone, or a TCP address; port 0 takes any. */
  readonly listen: ListenAddress;
  readonly stateDir: string;
  readonly token: string;
  /** Where the token came from, if not from `stateDir`. */
  readonly tokenFile?: string | undefined;
  /** Further files and folders of whoever starts it, which are no disks. */
  readonly own?: readonly string[] | undefined;
  /** Where disks of a hub may be beside its usual places (`nbd: hosts` of node.yaml); default none. */
  readonly nbdHosts?: readonly string[] | undefined;
  readonly logger?: ApiLogger | undefined;
  /** Instead of the usual ones of `src/api/limits.ts`. */
  readonly limits?: Partial<ApiLimits> | undefined;
  /** Whether it counts for `GET /metrics`; default true. */
  readonly metrics?: boolean | undefined;
  /** Jobs are cancelled when this process is gone; otherwise they outlive it, for the next node on the same folder. */
  readonly jobsEndWithUs?: boolean | undefined;
  /** Whether hubs may prove that they have the token, and be shown that this node has it; default true. Where nobody else can answer, none asks. */
  readonly proof?: boolean | undefined;
  /** For the checks of `doctor`, as node.yaml has them; default: none and auto. */
  readonly hub?: ResolvedNodeSettings['hub'];
  readonly program?: ResolvedNodeSettings['program'];
  /** Closes the node. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningNode extends AsyncDisposable {
  /** As a {@link import('../host/node-api/node-answers.ts').NodeAddress} wants it: `http://host:port` or `unix:/path`. */
  readonly url: string;
  /** Where it listens, with the port that it got. */
  readonly address: ListenAddress;
  /** Stops answering. Jobs go on; a node that is started on the same folder later knows them. */
  close(): Promise<void>;
}

/** Starts the node's API; it answers when this returns. @throws SendenseError `node.address` */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
  options.signal?.throwIfAborted();
  const { listen, signal: _signal, hub, program = 'auto', ...rest } = options;
  const { stateDir, tokenFile = join(stateDir, 'token') } = rest;
  let address = listen;
  const doctor = sharedDoctor(() => ({ stateDir, listen: address, tokenFile, hub, program }));
  const app = await createNode({ ...rest, version, doctor });
  try {
    if ('socket' in listen) await listenOnSocket(listen.socket, (path) => app.listen({ path }));
    else await app.listen(listen);
  } catch (error) {
    await app.close();
    throw notListening(listen, error as NodeJS.ErrnoException);
  }
  const bound = app.server.address();
  if (!('socket' in listen) && typeof bound === 'object') address = { ...listen, port: bound?.port ?? listen.port };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= Promise.resolve(app.close()));
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  return { url: urlOf(address), address, close, [Symbol.asyncDispose]: close };
}

async function listenOnSocket(path: string, start: (path: string) => Promise<unknown>): Promise<void> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new SendenseError('node.address', `the path of the socket ${path} is longer than ${longestSocketPath} bytes`);
  }
  if ((await stat(path).catch(() => null))?.isSocket() && !(await answers(path))) await rm(path, { force: true });
  await start(path);
  await chmod(path, 0o600);
}

/** A socket that nobody listens on is left over from a process that was killed. */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function notListening(listen: StartNodeOptions['listen'], error: NodeJS.ErrnoException): Error {
  if (error instanceof SendenseError) return error;
  const where = 'socket' in listen ? listen.socket : `${listen.host}:${listen.port}`;
  const holder = 'socket' in listen ? null : portUser(listen.port);
  const why = error.code === 'EADDRINUSE' ? `${holder ?? 'another program'} uses it` : error.message;
  return new SendenseError('node.address', `the node cannot listen on ${where}: ${why}`, { cause: error });
}
