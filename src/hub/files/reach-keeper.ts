// oxlint-disable-next-line no-restricted-imports -- a detached child with its output in a file is nothing that src/host offers
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { ownEnvironment } from '../../host/system/secret.ts';
import { answeringSocket, answers, keeperLog, ownSocketToServe, type KeeperOf } from './keeper-socket.ts';

export interface KeeperStart extends KeeperOf {
  /** `sendense-run` as a list of words. */
  readonly program: readonly string[];
}

const startMs = 60_000;
const betweenMs = 20;

/**
 * The socket of the process that keeps restore points open between requests; starts it where there is none.
 * @throws SendenseError `files.reader`, `files.unavailable`
 */
export async function reachKeeper(start: KeeperStart): Promise<string> {
  const answering = await answeringSocket(start);
  if (answering !== null) return answering;
  if (process.env['RUNTIME_DIRECTORY'] === hubFolder)
    throw new SendenseError('files.unavailable', 'sendense-files.service does not answer', {
      remedy:
        'The hub reads no files itself: `systemctl restart sendense-files`, then again. `journalctl -u sendense-files` says what is wrong.',
    });
  return startKeeper(start);
}

/** The unit of the hub may make no sandbox. */
const hubFolder = '/run/sendense-hub';

/** It is a process of its own, in a session of its own, and outlives this one. @returns its socket */
async function startKeeper(start: KeeperStart): Promise<string> {
  const { settingsFile, program } = start;
  const { socket, log, output } = openLog(start);
  const [file = '', ...words] = [...program, 'files', 'keep', '--config', settingsFile, '--socket', socket];
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
    // Another process may have been quicker.
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
  return socket;
}

function openLog(start: KeeperOf): { readonly socket: string; readonly log: string; readonly output: number } {
  for (;;) {
    const socket = ownSocketToServe(start);
    const log = keeperLog(socket);
    try {
      return { socket, log, output: openSync(log, 'w', 0o600) };
    } catch (error) {
      // Another keeper has ended, and its folder went with it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
