import { once } from 'node:events';
import { connect } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { largeBytes } from '../net/large-packets.ts';
import { where } from './tunnel-options.ts';

/** RFC 4253, section 4.2: a comment may stand behind a space. Servers refuse one of this length, or go on; both takes that they got all of it. */
const hello = `SSH-2.0-sendense ${'x'.repeat(largeBytes)}\r\n`;

/**
 * Whether an SSH server gets packets of full size. It needs no key, and touches no other connection.
 * @throws SendenseError `ssh.unreachable` where nothing comes back
 */
export async function sendLargeHello(
  address: { readonly host: string; readonly port: number },
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<void> {
  const limit = AbortSignal.timeout(timeoutMs);
  const both = AbortSignal.any([signal, limit]);
  const socket = connect({ ...address, noDelay: true });
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  try {
    await once(socket, 'connect', { signal: both });
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      // How it names itself comes unasked.
      if (/^SSH-[^\n]*\n[^]/m.test(text)) resolve();
    });
    socket.on('error', () => resolve()).on('close', () => resolve());
    both.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.write(hello);
    await answered;
    both.throwIfAborted();
  } catch (cause) {
    signal.throwIfAborted();
    const why = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : (cause as Error).message;
    throw new SendenseError('ssh.unreachable', `${where(address)}: ${why}`, { cause, details: { connected: true } });
  } finally {
    socket.destroy();
  }
}
