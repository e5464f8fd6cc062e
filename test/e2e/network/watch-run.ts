import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';
import type { RunEvent } from '../../../src/schemas/types.ts';
import { program, type RunOutcome } from '../workspace.ts';

export interface WatchedRun {
  /** What goes before the program, so that it runs on another host of a test. */
  readonly prefix: readonly string[];
  /** Of the plan and the settings. */
  readonly folder: string;
  readonly plan: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A run that is told of as it goes. It takes as long as it takes. */
export async function watchRun(
  { prefix, folder, plan, env }: WatchedRun,
  onEvent: (event: RunEvent) => void,
): Promise<RunOutcome> {
  const [file = '', ...args] = [...prefix, process.execPath, program, '--json', 'run', plan];
  const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const stderr = textOf(child.stderr);
  const events: RunEvent[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as RunEvent;
    events.push(event);
    onEvent(event);
  }
  return {
    exitCode: (await ended)[0] ?? -1,
    events,
    // A killed run has not finished; whoever kills it does not look.
    finished: events.at(-1) as RunOutcome['finished'],
    stdout: '',
    stderr: await stderr,
  };
}
