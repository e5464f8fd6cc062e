import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { where } from './tunnel-options.ts';

/** RFC 4253, section 4.2: other lines may stand before it. */
const identification = /^SSH-(?:2\.0|1\.99)-[\x20-\x7e]+/m;
const maxBytes = 8192;

/**
 * Connects, and reads how an SSH server names itself, such as `SSH-2.0-OpenSSH_9.2p1`; says nothing of who it is.
 * @throws SendenseError `ssh.unreachable` (name, TCP, silence, or a server that speaks something else)
 */
export async function readSshBanner(
  address: { readonly host: string; readonly port: number },
  { signal, timeoutMs = 10_000 }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<string> {
  const limit = AbortSignal.timeout(timeoutMs);
  const both = signal ? AbortSignal.any([signal, limit]) : limit;
  const at = where(address);
  let connected = false;
  const socket = connect({ ...address, noDelay: true });
  try {
    await once(socket, 'connect', { signal: both });
    connected = true;
    return await identificationFrom(socket, at, both);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof SendenseError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = limit.aborted
      ? `${connected ? 'it accepts connections and says nothing' : 'no answer'} within ${timeoutMs / 1000} s`
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'the name is not known'
        : message;
    throw new SendenseError('ssh.unreachable', `${at}: ${why}`, { cause, details: { connected } });
  } finally {
    socket.destroy();
  }
}

async function identificationFrom(socket: Socket, at: string, signal: AbortSignal): Promise<string> {
  let text = '';
  const abort = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of socket.setEncoding('latin1')) {
      text += String(chunk);
      const banner = identification.exec(text)?.[0];
      if (banner !== undefined && /[\r\n]/.test(text.slice(text.indexOf(banner)))) return banner;
      if (text.length > maxBytes) break;
    }
  } finally {
    signal.removeEventListener('abort', abort);
  }
  const said = text === '' ? 'closes the connection' : `says ${JSON.stringify(text.slice(0, 60))}`;
  throw new SendenseError('ssh.unreachable', `${at} is not an SSH server: it ${said}`, {
    details: { connected: true },
  });
}
