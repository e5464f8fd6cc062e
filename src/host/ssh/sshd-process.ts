import { once } from 'node:events';
import type { Socket } from 'node:net';
import { isProgram } from '../programs/bound-words.ts';
import { spawnBound } from '../programs/spawn-bound.ts';
import { countBytes, type ConnectionBytes } from './count-bytes.ts';
import { prefaceAnswer } from './data-preface.ts';
import { lineSplitter } from './line-splitter.ts';

/** Where distributions have it; it insists on an absolute path. */
const places = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'];

/** OpenSSH's server, absolute; null where it is not installed. */
export const findSshd = (): string | null => places.find(isProgram) ?? null;

/** An sshd that serves one connection, and ends with this process, however that ends. */
export interface SshdProcess extends AsyncDisposable {
  /** Looks what the connection has carried and tells `onBytes`. Never rejects, and takes a second at most. */
  count(): Promise<void>;
}

export interface SshdEvents {
  /** A line of its log. */
  readonly onLine: (line: string) => void;
  /** What the connection has carried since it was last told, as TCP counts it; never where there is no `ss` (iproute2). */
  readonly onBytes: (news: ConnectionBytes) => void;
  /** It is gone, and what it carried has been told; once. */
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
  { onLine, onBytes, onEnd }: SshdEvents,
): SshdProcess {
  // The answer comes from the process that has the connection: what the other side says to it cannot be read here any more.
  const script = `printf '${prefaceAnswer.replace('\n', '\\n')}' && exec "$@"`;
  const child = spawnBound('/bin/sh', ['-c', script, 'sendense-data', sshd, '-i', '-e', '-f', configFile], {
    stdio: [socket, socket, 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    // It ends the processes that it has started itself.
    signal: 'TERM',
  });
  const counter = countBytes(socket);
  socket.destroy();
  let told: ConnectionBytes = { received: 0, sent: 0 };
  const tell = (now: ConnectionBytes | null | undefined): void => {
    if (!now) return;
    const before = told;
    told = { received: Math.max(now.received, before.received), sent: Math.max(now.sent, before.sent) };
    onBytes({ received: told.received - before.received, sent: told.sent - before.sent });
  };
  const { promise: gone, resolve: isGone } = Promise.withResolvers<void>();
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    tell(await counter?.end());
    onEnd();
    isGone();
  };
  child.on('error', (error) => {
    onLine(`it could not be started: ${error.message}`);
    if (child.pid === undefined) void end();
  });
  child.stderr?.on('data', lineSplitter(onLine));
  child.on('close', () => void end());
  const stop = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    endGroup(child.pid, 'SIGTERM');
    const late = setTimeout(() => endGroup(child.pid ?? 0, 'SIGKILL'), graceMs);
    await exited;
    clearTimeout(late);
    // Of its processes the first ends last, but for one that it could not end.
    endGroup(child.pid, 'SIGKILL');
  };
  return {
    count: async () => tell(await counter?.look()),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await gone;
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
