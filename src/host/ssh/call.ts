import type { ClientChannel } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import { connectSsh2 } from './ssh2-connect.ts';
import { where, type SshServer } from './tunnel-options.ts';

export interface SshCall {
  readonly server: SshServer;
  /** OpenSSH format; from memory, so that a one-time key need not be a file. */
  readonly privateKey: string | Buffer;
  readonly command: string;
  readonly stdin: string;
  readonly signal?: AbortSignal;
  /** Default 30 000, for all of it. */
  readonly timeoutMs?: number;
}

/** Characters of answer that are taken; a server that says more is cut off. */
const maxOutput = 1024 * 1024;

/**
 * Runs one command on an SSH server whose host key is pinned.
 * @returns what it printed, and its exit code (-1 where it has none because a signal ended it)
 * @throws SendenseError `ssh.unreachable`, `ssh.host-key`, `ssh.key`, `ssh.lost`; on abort the signal's reason
 */
export async function sshCall(options: SshCall): Promise<{ stdout: string; exitCode: number }> {
  const { server, timeoutMs = 30_000 } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  try {
    const { client } = await connectSsh2({ server, privateKey: options.privateKey, timeoutMs, signal });
    try {
      return await new Promise((resolve, reject) => {
        const lost = (why: string, cause?: unknown): void =>
          reject(new SendenseError('ssh.lost', `${where(server)}: ${why}`, { cause }));
        client.on('error', (error) => lost(error.message, error));
        client.on('close', () => lost(`the connection ended before ${options.command} did`));
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        try {
          client.exec(options.command, (error, channel) => {
            if (error) lost(`${options.command} was refused: ${error.message}`, error);
            else follow(channel, options.stdin, resolve, lost);
          });
        } catch (error) {
          // "Not connected": the connection ended a moment ago.
          lost((error as Error).message, error);
        }
      });
    } finally {
      client.end();
      client.destroy();
    }
  } catch (error) {
    if (limit.aborted && !options.signal?.aborted && error === limit.reason)
      throw new SendenseError('ssh.unreachable', `${where(server)} did not answer within ${timeoutMs / 1000} s`);
    throw error;
  }
}

function follow(
  channel: ClientChannel,
  stdin: string,
  done: (answer: { stdout: string; exitCode: number }) => void,
  lost: (why: string) => void,
): void {
  let stdout = '';
  let exitCode = -1;
  channel.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length > maxOutput) lost(`it answered more than ${maxOutput} characters`);
  });
  channel.stderr.resume();
  channel.on('exit', (code: number | null) => (exitCode = code ?? -1));
  channel.on('close', () => done({ stdout, exitCode }));
  channel.end(stdin);
}
