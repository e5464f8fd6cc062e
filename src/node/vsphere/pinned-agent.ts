import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keptAliveAgent } from '../../host/net/keep-alive.ts';
import { connectPinned, type PinnedAddress } from './connect-pinned.ts';

// `import` of node:http makes a facade of all it exports, undici among it: 70 ms at every start.
const { Agent } = process.getBuiltinModule('node:http');

/** Shorter than servers and firewalls keep a silent connection. */
const idleMs = 30_000;
const maxAnswerBytes = 256 * 1024 * 1024;

/** Connections whose other end is proven before a request goes over them; new ones end when `closed` aborts. */
export function pinnedAgent(address: PinnedAddress, keepAlive: boolean, closed: AbortSignal): HttpAgent {
  const agent = new Agent(keepAlive ? { ...keptAliveAgent, maxSockets: 6, timeout: idleMs } : {});
  const connect = async (done: (error: unknown, socket?: unknown) => void): Promise<void> => {
    let socket: unknown;
    try {
      socket = await connectPinned(address, closed);
    } catch (error) {
      done(error);
      return;
    }
    done(null, socket);
  };
  // Called for every new connection; the request is written once the socket was handed over.
  return Object.assign(agent, {
    createConnection: (_: unknown, done: Parameters<typeof connect>[0]) => void connect(done),
  });
}

/** A whole answer as text. @throws SendenseError `vsphere.protocol` where it is too long */
export async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) {
      answer.destroy();
      throw new SendenseError('vsphere.protocol', `the answer is longer than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (!answer.complete) throw new Error('the connection broke in the middle of the answer');
  return Buffer.concat(chunks).toString('utf8');
}
