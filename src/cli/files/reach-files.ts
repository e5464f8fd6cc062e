import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { answers, keeperLog, keeperSocket } from '../../hub/files/keeper-socket.ts';
import { version } from '../../schemas/package.ts';
import type { CommandContext } from '../command.ts';
import { ownEnvironment } from '../../host/system/secret.ts';
import { ownProgram } from '../own-program.ts';
import { filesClient, type FilesClient } from './files-client.ts';

/** Files of restore points, for one command. */
export interface ReachedFiles extends AsyncDisposable {
  readonly client: FilesClient;
}

const startMs = 60_000;
const betweenMs = 20;

/**
 * Reaches the process that keeps restore points open between commands, so that the second command is quick; starts it where there is
 * none. A rescue has its own for as long as the command takes.
 * @throws SendenseError `settings.missing`, `settings.invalid`, `files.reader`
 */
export async function reachFiles(context: CommandContext): Promise<ReachedFiles> {
  if (context.rescued !== undefined) return ownFiles(context);
  const settingsFile = await settingsFileOf(context);
  const socket = keeperSocket(settingsFile, version);
  if (!(await answers(socket))) await startKeeper(socket, settingsFile);
  return { client: filesClient(socket), [Symbol.asyncDispose]: async () => {} };
}

/** As {@link reachFiles}; null where no restore point is open, for nothing is started. */
export async function reachOpenFiles(context: CommandContext): Promise<ReachedFiles | null> {
  if (context.rescued !== undefined) return null;
  const socket = keeperSocket(await settingsFileOf(context), version);
  return (await answers(socket)) ? { client: filesClient(socket), [Symbol.asyncDispose]: async () => {} } : null;
}

async function settingsFileOf(context: CommandContext): Promise<string> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  return hub.settingsFile;
}

async function ownFiles(context: CommandContext): Promise<ReachedFiles> {
  const { serveFiles } = await import('../../hub/files/serve-files.ts');
  await using stack = new AsyncDisposableStack();
  const hub = stack.use(await context.openHub({ startFolder: process.cwd() }));
  const served = await serveFiles(hub, null);
  if (!served) throw new SendenseError('run.internal', 'files are served under no name');
  stack.use(served);
  const owned = stack.move();
  return { client: filesClient(served.socket), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** It is a process of its own, in a session of its own, and outlives this command. */
async function startKeeper(socket: string, settingsFile: string): Promise<void> {
  const log = keeperLog(socket);
  const output = openSync(log, 'w', 0o600);
  const [file = '', ...words] = [...ownProgram(), 'files', 'keep', '--config', settingsFile];
  const keeper = spawn(file, words, {
    cwd: '/',
    env: ownEnvironment(),
    detached: true,
    stdio: ['ignore', 'ignore', output],
  });
  closeSync(output);
  let ended = false;
  keeper.once('exit', () => (ended = true)).once('error', () => (ended = true));
  keeper.unref();
  const until = performance.now() + startMs;
  while (!(await answers(socket))) {
    // Another command may have been quicker.
    if (ended && !(await answers(socket)))
      throw new SendenseError(
        'files.reader',
        `what keeps restore points open could not be started: ${readFileSync(log, 'utf8').trim()}`,
      );
    if (performance.now() > until)
      throw new SendenseError(
        'files.reader',
        `what keeps restore points open was not ready within ${startMs / 1000} s`,
      );
    await delay(betweenMs);
  }
}
