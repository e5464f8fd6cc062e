import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import type { ApiLimits } from '../../src/api/limits.ts';
import { startNode, type RunningNode } from '../../src/node/start-node.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { freePort } from '../support/free-ports.ts';
import { token, type Workshop } from './support.ts';

export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly request_id?: string;
  readonly [field: string]: unknown;
}

export interface HttpNode extends AsyncDisposable {
  readonly running: RunningNode;
  readonly port: number;
  readonly lines: Line[];
}

/** A node on TCP, whose log is kept as it is written, before anything is taken out of it. */
export async function httpNode(at: Workshop, limits: Partial<ApiLimits> = {}): Promise<HttpNode> {
  const lines: Line[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const port = await freePort();
  const listen = { host: '127.0.0.1', port };
  const running = await startNode({ listen, stateDir: at.path('state'), token, logger, limits });
  return { running, port, lines, [Symbol.asyncDispose]: () => running.close() };
}

/** Says something on a connection of its own and hears what comes until the other end is done. */
export async function say(port: number, what: string | Buffer): Promise<string> {
  const socket = dial(port);
  socket.write(what);
  return text(socket).catch(() => '');
}

export const dial = (port: number): Socket => connect({ host: '127.0.0.1', port }).on('error', () => {});

/** Status and body of an answer as it stands on the wire. */
export function parsed(answer: string): { status: number; body: unknown; head: string } {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(head)?.[1]), head, body: JSON.parse(rest.join('\r\n\r\n')) };
}

export const isError = validatorOf('api/error.json');
export const healthy = (node: HttpNode): Promise<unknown> => nodeClient({ url: node.running.url, token }).health();
/** A line of a request's head. */
export const authorized = `authorization: Bearer ${token}\r\n`;
