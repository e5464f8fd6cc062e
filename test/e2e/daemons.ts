import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { processesNaming } from '../support/processes.ts';
import { program, type Workspace } from './workspace.ts';

export interface Daemon {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** All that it has written. */
  log(): string;
}

/** The daemons of a workspace, as processes of their own. */
export interface Daemons {
  readonly all: readonly Daemon[];
  start(args?: readonly string[], env?: NodeJS.ProcessEnv): Daemon;
  /** Bounded; says what the daemons have written where it waited in vain. */
  until(met: () => boolean | Promise<boolean>): Promise<void>;
  /** Kills those that live, and waits until nothing of the workspace runs. */
  end(): Promise<void>;
}

export function daemonsOf(work: Workspace): Daemons {
  const all: Daemon[] = [];
  const until: Daemons['until'] = async (met) => {
    for (const end = performance.now() + 90_000; !(await met()); await delay(100))
      if (performance.now() > end) throw new Error(`waited in vain\n${all.map(({ log }) => log()).join('\n')}`);
  };
  return {
    all,
    until,
    start(args = [], env = {}) {
      const words = [program, '--config', work.path('sendense.yaml'), 'daemon', work.folder, ...args];
      const child = spawn(process.execPath, words, {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...env },
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const started = { child, ended: once(child, 'exit'), log: () => said };
      all.push(started);
      return started;
    },
    async end() {
      for (const { child } of all) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await Promise.all(all.map(({ ended }) => ended));
      await until(() => processesNaming(work.folder).length === 0);
    },
  };
}
