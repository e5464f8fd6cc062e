/**
 * One connection of a tunnel through ssh2. Standard input: an order in one line of JSON, then the lines of the session;
 * standard output: the lines that the session answers; standard error: reports. It ends with its standard input.
 */
import { readFile } from 'node:fs/promises';
import type { Client } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bridgeOver } from './bridge.ts';
import { connectSsh2 } from './ssh2-connect.ts';
import { acceptFromThere, listenHere, listenThere } from './ssh2-forwards.ts';
import type { Ssh2Order, Ssh2Report } from './ssh2-program.ts';
import { where } from './tunnel-options.ts';

const report = (kind: Ssh2Report['kind'], error: SendenseError): void =>
  void process.stderr.write(
    `${JSON.stringify({ kind, code: error.code, message: error.message } satisfies Ssh2Report)}\n`,
  );

/** Standard error is a pipe, which Node writes at once: the report is out when the process ends. */
function end(error: SendenseError): never {
  report('end', error);
  process.exit(255);
}

/** The first line; what comes after it stays in standard input. */
async function readOrder(): Promise<Ssh2Order> {
  let text = '';
  for (;;) {
    const chunk = process.stdin.read() as Buffer | null;
    if (chunk === null) {
      if (process.stdin.readableEnded) process.exit(0);
      await new Promise((resolve) => process.stdin.once('readable', resolve).once('end', resolve));
      continue;
    }
    text += chunk.toString('utf8');
    const line = text.indexOf('\n');
    if (line < 0) continue;
    if (line + 1 < text.length) process.stdin.unshift(Buffer.from(text.slice(line + 1)));
    return JSON.parse(text.slice(0, line)) as Ssh2Order;
  }
}

async function run(): Promise<void> {
  const order = await readOrder();
  const at = where(order.server);
  process.stdin.once('end', () => process.exit(0));
  const privateKey = await readFile(order.keyFile).catch((error: Error) =>
    end(new SendenseError('ssh.key', `the private key ${order.keyFile} cannot be read: ${error.message}`)),
  );
  const { client, socket } = await connectSsh2({ server: order.server, privateKey });
  client.on('error', (error) => end(new SendenseError('ssh.lost', `${at}: ${error.message}`)));
  client.on('close', () => end(new SendenseError('ssh.lost', `${at} ended the connection`)));
  const bridge = bridgeOver(socket);
  acceptFromThere(client, bridge, order.remote);
  for (const forward of order.remote) await listenThere(client, order.server, forward);
  for (const forward of order.local) await listenHere(client, bridge, forward, (error) => report('refusal', error));
  await openSession(client, order, at);
}

/** How long what a command said may come after its end, ms. */
const lastWordsMs = 1000;

/** The session takes Nagle off at the other end, and says when all of it stands. */
async function openSession(client: Client, { command }: Ssh2Order, at: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(new SendenseError('ssh.lost', `${at} refused the session: ${error.message}`));
      let said = '';
      channel.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
      let how = '';
      const lost = () => end(new SendenseError('ssh.lost', `${at} ended the session${how}: ${said.trim()}`));
      channel.on('exit', (code: number | null) => {
        how = ` (${code ?? 'signal'})`;
        // What it said may come after this. What it has started may hold the channel open for ever.
        setTimeout(lost, lastWordsMs);
      });
      channel.on('close', lost);
      channel.pipe(process.stdout);
      process.stdin.pipe(channel);
      resolve();
    });
  });
}

await run().catch((error: unknown) =>
  // ssh2 throws "Not connected" where the connection ended a moment ago.
  end(error instanceof SendenseError ? error : new SendenseError('ssh.lost', (error as Error).message)),
);
