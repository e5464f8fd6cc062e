// oxlint-disable-next-line no-restricted-imports -- a detached child with its output in a file is nothing that src/host offers
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { bootsFolder } from '../../boot/start-boot.ts';
import { ownEnvironment } from '../../host/system/secret.ts';
import type { Services } from '../../steps/services.ts';

export interface WatcherStart {
  /** `sendense-run` as a list of words. */
  readonly program: readonly string[];
  /** Absolute. */
  readonly settingsFile: string;
}

/** Starts the process that looks after VMs which run from restore points. It is in a session of its own, and outlives this one. */
export function startWatcher(services: Pick<Services, 'state'>, { program, settingsFile }: WatcherStart): void {
  const folder = bootsFolder(services);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const output = openSync(join(folder, 'watch.log'), 'a', 0o600);
  const [file = '', ...words] = [...program, 'boot', 'watch', '--config', settingsFile];
  const watcher = spawn(file, words, {
    cwd: '/',
    env: ownEnvironment(),
    detached: true,
    stdio: ['ignore', 'ignore', output],
  });
  closeSync(output);
  // Where it cannot be started, the next command tries again.
  watcher.once('error', () => undefined).unref();
}
