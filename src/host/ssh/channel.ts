import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import { tail } from '../programs/process.ts';
import { connectSsh2 } from './ssh2-connect.ts';
import { where, type SshServer } from './tunnel-options.ts';

/** Standard input and output of a command on another host. */
export interface SshChannel extends AsyncDisposable {
  readonly stream: Duplex;
  /** Why the command or the connection ended, from what it wrote to its standard error. Resolves when it did. */
  readonly ended: Promise<SendenseError>;
}

/**
 * Starts a command on an SSH server whose host key is pinned. The connection ends with what is returned.
 * @throws SendenseError `ssh.unreachable`, `ssh.host-key`, `ssh.key`, `ssh.lost`; on abort the signal's reason
 */
export async function openSshChannel(options: {
  readonly server: SshServer;
  readonly privateKey: string | Buffer;
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<SshChannel> {
  const { server, command } = options;
  const { client } = await connectSsh2(options);
  const close = (): void => {
    client.end();
    client.destroy();
  };
  const ended = Promise.withResolvers<SendenseError>();
  const lost = (why: string, cause?: unknown): SendenseError =>
    new SendenseError('ssh.lost', `${where(server)}: ${why}`, { cause });
  client.on('error', (error) => ended.resolve(lost(error.message, error)));
  client.on('close', () => ended.resolve(lost('the connection ended')));
  try {
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.exec(command, (error, opened) => {
        if (error) reject(lost(`${command} was refused: ${error.message}`, error));
        else resolve(opened);
      });
    });
    let said = '';
    let exit: number | null = null;
    channel.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8000)));
    channel.on('exit', (code: number | null) => (exit = code));
    channel.on('error', (error: Error) => ended.resolve(lost(error.message, error)));
    channel.on('close', () =>
      ended.resolve(lost(`\`${command}\` ended with ${exit ?? 'a signal'}${said === '' ? '' : `: ${tail(said)}`}`)),
    );
    options.signal?.addEventListener('abort', close, { once: true });
    return {
      stream: channel,
      ended: ended.promise,
      [Symbol.asyncDispose]: () => {
        options.signal?.removeEventListener('abort', close);
        close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
