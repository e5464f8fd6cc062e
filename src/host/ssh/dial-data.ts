import { connect, type Socket } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { prefaceAnswer, prefaceOf } from './data-preface.ts';
import { where, type SshServer } from './tunnel-options.ts';

const withinMs = 15_000;

/**
 * A connection to the hub's port that sshd answers, from the first byte that is not read yet: it is for a process that
 * is started with it. Without Nagle.
 * @throws SendenseError `ssh.unreachable`, `ssh.key` where the ticket is not taken; on abort the signal's reason
 */
export async function dialData(
  server: Pick<SshServer, 'host' | 'port'>,
  ticket: string,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let heard = '';
  const socket = connect({
    host: server.host,
    port: server.port,
    noDelay: true,
    keepAlive: true,
    // As many bytes at a time as are missing, and no more: what comes behind the answer is sshd's.
    onread: {
      buffer: Buffer.alloc(1),
      callback: (count, buffer) => {
        heard += Buffer.from(buffer.subarray(0, count)).toString('latin1');
        if (prefaceAnswer.startsWith(heard) && heard !== prefaceAnswer) return true;
        if (heard === prefaceAnswer) resolve();
        else
          reject(new SendenseError('ssh.unreachable', `${at} answers ${JSON.stringify(heard)} to a data connection`));
        return false;
      },
    },
  });
  const at = where(server);
  const lost = (why: string, cause?: unknown): void =>
    reject(new SendenseError('ssh.unreachable', `${at}, data connection: ${why}`, { cause }));
  const abort = (): void => reject(signal.reason as Error);
  const limit = setTimeout(() => lost(`no answer within ${withinMs / 1000} s`), withinMs);
  signal.addEventListener('abort', abort, { once: true });
  socket.on('error', (error) => lost(error.message, error));
  socket.on('close', () => lost('the hub closed it'));
  socket.write(prefaceOf(ticket));
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', abort);
  }
}
