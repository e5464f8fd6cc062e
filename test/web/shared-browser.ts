/** One Chromium for all test files of a run: the first that needs it starts it, and the end of the run ends it (`test/global-setup.ts`). */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { testProgramsFolder } from '../programs.ts';
import { chromiumProgram, chromiumWords, playwrightsWords } from './chromium.ts';

/** @returns the address to which Playwright connects */
export async function sharedBrowser(): Promise<string> {
  const folder = join(testProgramsFolder(process.env['SENDENSE_TEST_RUN'] ?? ''), 'browser');
  if (isFirst(folder)) start(folder);
  // Chromium writes its port there, and the path.
  const [, port, path] = await vi.waitFor(
    () => {
      const written = /^(\d+)\n(\/devtools\/\S+)$/.exec(readFileSync(join(folder, 'DevToolsActivePort'), 'utf8'));
      if (!written) throw new Error('Chromium has not written its address yet');
      return written;
    },
    { timeout: 200_000, interval: 20 },
  );
  return `ws://127.0.0.1:${port}${path}`;
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

function start(folder: string): void {
  const words = [...playwrightsWords, ...chromiumWords, `--user-data-dir=${folder}`, '--remote-debugging-port=0'];
  // It outlives the worker that starts it. What it writes elsewhere goes with its folder.
  const child = spawn(chromiumProgram, words, {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, TMPDIR: folder },
  });
  child.on('error', () => undefined);
  child.unref();
  writeFileSync(join(folder, 'pid'), `${child.pid}`);
}
