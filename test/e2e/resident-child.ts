/**
 * `sendense-run` for many calls, one after the other: a message names the arguments, the folder and the environment, and is answered with
 * the exit code and what was printed. Ends with the process that started it.
 */
import { flushCompileCache } from 'node:module';
import { main } from '../../src/cli/main.ts';
import { keepPrivate } from '../../src/host/files/private-files.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { processorTime } from '../runner/processor-time.ts';

keepPrivate();
// The program that it starts where sendense-run starts itself.
process.argv[1] = process.argv[2] ?? '';

export interface ResidentCall {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole of it. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ResidentAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of this process and its programs, since it began. */
  readonly processorMs: number;
}

function keeping(): { text: string; write(text: string): boolean; on(): void; off(): void; isTTY: false } {
  const stream = {
    text: '',
    write: (text: string) => ((stream.text += text), true),
    on: () => undefined,
    off: () => undefined,
    isTTY: false as const,
  };
  return stream;
}

/** As execa hands it over. */
const withoutLastBreak = (text: string): string => text.replace(/\n$/, '');

async function answer({ args, cwd, env }: ResidentCall): Promise<ResidentAnswer> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  const [stdout, stderr] = [keeping(), keeping()];
  // As src/cli/sendense-run.ts does, where nobody types.
  const exitCode = await main(args, {
    stdout,
    stderr,
    env: process.env,
    readInput: () => Promise.resolve(Buffer.alloc(0)),
    openHub,
    embeddedNode: (options) => startNode({ ...options, metrics: false }),
  });
  // Programs that begin while this one is here find what it has compiled.
  flushCompileCache();
  const { ownMs, programsMs } = processorTime();
  return {
    exitCode,
    stdout: withoutLastBreak(stdout.text),
    stderr: withoutLastBreak(stderr.text),
    processorMs: ownMs + programsMs,
  };
}

process.on('message', async (call: ResidentCall) => void process.send?.(await answer(call)));
process.on('disconnect', () => process.exit());
