#!/usr/bin/env node
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitCodeOf, toSendenseError } from '../errors/sendense-error.ts';
import { startNode } from '../node/start-node.ts';
import { tokenFrom } from '../node/token.ts';
import { version } from '../schemas/package.ts';

interface ServeOptions {
  listen: { host: string; port: number };
  socket?: string;
  stateDir: string;
  tokenFile?: string;
}

const program = new Command('sendense-node')
  .description('The agent beside the disks: lets a hub see them and back them up.')
  .version(version, '-V, --version')
  .exitOverride();

program
  .command('serve')
  .description('Answer the API of docs/node-api.md until SIGTERM or SIGINT. Running jobs go on after that.')
  .option('--listen <host:port>', 'TCP address; beyond loopback only if you say so here', addressOf, {
    host: '127.0.0.1',
    port: 8081,
  })
  .option('--socket <path>', 'listen on a Unix socket instead')
  .requiredOption('--state-dir <dir>', 'folder for jobs and block indexes')
  .option(
    '--token-file <file>',
    'file with the token that every request must bring; made where it is missing (default: STATE-DIR/token)',
  )
  .addHelpText(
    'after',
    `
Examples:
  sendense-node serve --state-dir /var/lib/sendense-node
  sendense-node serve --socket /run/sendense-node.sock --state-dir /var/lib/sendense-node --token-file /etc/sendense/node.token`,
  )
  .action(serve);

async function serve(options: ServeOptions): Promise<void> {
  const stateDir = resolve(options.stateDir);
  const tokenFile = resolve(options.tokenFile ?? join(stateDir, 'token'));
  const { token, made } = await tokenFrom(tokenFile);
  if (made) say(`made a token in ${tokenFile}; give it to the hub`);
  const listen = options.socket === undefined ? options.listen : { socket: resolve(options.socket) };
  const stop = Promise.withResolvers<NodeJS.Signals>();
  process.once('SIGTERM', stop.resolve);
  process.once('SIGINT', stop.resolve);
  await using node = await startNode({ listen, stateDir, token });
  if ('host' in listen && !isLoopback(listen.host))
    say(`${listen.host} can be reached from other machines; there is no encryption without a tunnel`);
  say(`listening on ${node.url}`);
  const signal = await stop.promise;
  say(`${signal}: stopping; running jobs go on`);
}

const say = (message: string): void => void process.stderr.write(`sendense-node: ${message}\n`);

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new InvalidArgumentError('It must be HOST:PORT, for example 127.0.0.1:8081.');
  return { host: match[1] ?? match[2] ?? '', port };
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { message, remedy } = toSendenseError(error);
    say(`${message}\n  ${remedy}`);
    process.exitCode = exitCodeOf(error);
  }
}
