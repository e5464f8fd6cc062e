import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../../simulators/network/host.ts';

export interface Child extends AsyncDisposable {
  readonly pid: number;
}

/** Starts a program on a host and waits until it has said that it is ready; it is ended by the end of its standard input. */
export async function startChild(
  host: TestHost,
  argv: readonly string[],
  { ready, input = '', cwd = '/' }: { readonly ready: RegExp; readonly input?: string; readonly cwd?: string },
): Promise<Child> {
  const [file = '', ...args] = [...host.prefix, ...argv];
  const child = spawn(file, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-20_000)));
  child.stdin.on('error', () => {});
  if (input) child.stdin.write(input);
  const ended = once(child, 'exit');
  for (const end = performance.now() + 40_000; !ready.test(said); await delay(10)) {
    if (child.exitCode === null && performance.now() < end) continue;
    child.kill('SIGKILL');
    throw new Error(`${argv.join(' ')} is not ready: ${said}`);
  }
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGTERM'), 500);
      await ended;
      clearTimeout(late);
    },
  };
}
