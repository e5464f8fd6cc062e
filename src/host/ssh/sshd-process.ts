import { once } from 'node:events';
import type { Socket } from 'node:net';
import { isProgram, spawnBound } from '../spawn-bound.ts';
import { prefaceAnswer } from './data-preface.ts';
import { lineSplitter } from './line-splitter.ts';

/** Where distributions have it; it insists on an absolute path. */
const places = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'];

/** OpenSSH's server, absolute; null where it is not installed. */
export const findSshd = (): string | null => places.find(isProgram) ?? null;

/** An sshd that serves one connection, and ends with this process, however that ends. */
export type SshdProcess = AsyncDisposable;

export interface SshdEvents {
  /** A line of its log. */
  readonly onLine: (line: string) => void;
  /** It is gone, once. */
  readonly onEnd: () => void;
}

const graceMs = 2000;

/**
 * Answers the preface and hands the connection to an sshd of its own: from then on no byte of it passes through this process.
 * The other side must not have sent anything that was read and is not for us.
 */
export function serveBySshd(
  { sshd, configFile }: { readonly sshd: string; readonly configFile: string },
  socket: Socket,
  { onLine, onEnd }: SshdEvents,
): SshdProcess {
  // The answer comes from the process that has the connection: what the other side says to it cannot be read here any more.
  const script = `printf '${prefaceAnswer.replace('\n', '\\n')}' && exec "$@"`;
  const child = spawnBound('/bin/sh', ['-c', script, 'sendense-data', sshd, '-i', '-e', '-f', configFile], {
    stdio: [socket, socket, 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  socket.destroy();
  child.on('error', (error) => {
    onLine(`it could not be started: ${error.message}`);
    if (child.pid === undefined) onEnd();
  });
  child.stderr?.on('data', lineSplitter(onLine));
  child.on('close', onEnd);
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      endGroup(child.pid, 'SIGTERM');
      const late = setTimeout(() => endGroup(child.pid ?? 0, 'SIGKILL'), graceMs);
      await exited;
      clearTimeout(late);
      // Of its processes the first ends last, but for one that it could not end.
      endGroup(child.pid, 'SIGKILL');
    },
  };
}

/** sshd is more than one process. */
function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(-pid, signal);
  } catch {
    // Gone.
  }
}
