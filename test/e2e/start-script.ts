import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts a restored VM by its script, without KVM, until it says a text on its serial port.
 * @returns all that it said by then
 */
export async function startsAndSays(script: string, text: string, timeoutMs: number): Promise<string> {
  const guest = spawn(script, ['-snapshot'], {
    cwd: '/',
    env: { ...process.env, ACCEL: 'tcg' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(guest, 'exit');
  let said = '';
  try {
    await new Promise<void>((done, fail) => {
      const look = (chunk: Buffer): void => {
        said += chunk.toString('latin1');
        if (said.includes(text)) done();
      };
      guest.stdout.on('data', look);
      guest.stderr.on('data', look);
      guest.once('error', fail);
      guest.once('exit', (code) => fail(new Error(`it ended with ${code}: ${said}`)));
      AbortSignal.timeout(timeoutMs).addEventListener('abort', () =>
        fail(new Error(`it did not say ${text}: ${said}`)),
      );
    });
    return said;
  } finally {
    guest.kill('SIGKILL');
    await ended;
  }
}
