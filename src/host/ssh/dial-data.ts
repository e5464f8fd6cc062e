import { connect, type Socket } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keptAlive } from '../net/keep-alive.ts';
import { prefaceAnswer, prefaceOf } from './data-preface.ts';
import { where, type SshServer } from './tunnel-options.ts';
import { untilOpen } from './until-open.ts';

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
  const open = Promise.withResolvers<void>();
  const at = where(server);
  const failure = (why: string, cause?: unknown): SendenseError =>
    new SendenseError('ssh.unreachable', `${at}, data connection: ${why}`, { cause });
  let heard = '';
  const socket = connect({
    host: server.host,
    port: server.port,
    noDelay: true,
    ...keptAlive,
    // As many bytes at a time as are missing, and no more: what comes behind the answer is sshd's.
    onread: {
      buffer: Buffer.alloc(1),
      callback: (count, buffer) => {
        heard += Buffer.from(buffer.subarray(0, count)).toString('latin1');
        if (prefaceAnswer.startsWith(heard) && heard !== prefaceAnswer) return true;
        if (heard === prefaceAnswer) open.resolve();
        else
          open.reject(
            new SendenseError('ssh.unreachable', `${at} answers ${JSON.stringify(heard)} to a data connection`),
          );
        return false;
      },
    },
  });
  socket.on('error', (error) => open.reject(failure(error.message, error)));
  socket.on('close', () => open.reject(failure('the hub closed it')));
  socket.write(prefaceOf(ticket));
  return untilOpen(socket, open, { withinMs, late: () => failure(`no answer within ${withinMs / 1000} s`), signal });
}
