import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';
import type { TestHost } from '../../simulators/network/host.ts';

/** A program that runs on a host of a test until it is told to end, and can be started again. */
export interface Service extends AsyncDisposable {
  /** Resolves when it has said that it is ready. */
  start(): Promise<void>;
  /** Its end, by SIGTERM. */
  stop(): Promise<void>;
  /** All that it has written, over all starts. */
  log(): string;
}

export interface ServiceOptions {
  readonly host: TestHost;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it writes when it is ready. */
  readonly ready: RegExp;
}

/** Starts it. A power cut of its host ends it, too; `start` then is what the boot does. */
export async function startService({ host, argv, cwd, env, ready }: ServiceOptions): Promise<Service> {
  let child: ChildProcess | null = null;
  let said = '';
  const start = async (): Promise<void> => {
    const [file = '', ...args] = [...host.prefix, ...argv];
    const started = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child = started;
    const from = said.length;
    await vi.waitUntil(
      () => {
        if (started.exitCode !== null) throw new Error(`${argv.join(' ')} did not start: ${said}`);
        return ready.test(said.slice(from));
      },
      { timeout: 200_000, interval: 20 },
    );
  };
  const stop = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  await start();
  return { start, stop, log: () => said, [Symbol.asyncDispose]: stop };
}
