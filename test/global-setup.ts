/** Around all tests: at the end no process, no mount and no temporary file of theirs is left. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { testProgramsFolder } from './programs.ts';
import { bundleTestPrograms } from './runner/bundle-programs.ts';
import { endBrowser } from './web/end-browser.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Temporary folder of this run of the tests. */
    TMPDIR: string;
    /** Mark of this run of the tests, in the environment of every process that it starts. */
    SENDENSE_TEST_RUN: string;
  }
}

interface Left {
  readonly pid: number;
  readonly command: string;
}

const graceMs = 5_000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TMPDIR: folder, SENDENSE_TEST_RUN: run } = project.config.provide as {
    TMPDIR: string;
    SENDENSE_TEST_RUN: string;
  };
  mkdirSync(folder);
  bundle();
  const ownPrograms = testProgramsFolder(run);
  await bundleTestPrograms(ownPrograms);
  return async () => {
    endBrowser(ownPrograms);
    const processes = await processesLeft(run);
    // A worker that ends may still be writing compiled code there.
    rmSync(ownPrograms, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 });
    for (const { pid } of processes) kill(pid);
    const mounts = mountsBelow(folder);
    const files = mounts.length > 0 ? [] : filesIn(folder);
    if (mounts.length === 0) rmSync(folder, { recursive: true, force: true });
    const left = [
      ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
      ...mounts.map((mount) => `mount ${mount}`),
      ...files.map((file) => `temporary file ${file}`),
    ];
    const told = process.env['SENDENSE_TEST_LEFT'];
    if (left.length > 0 && told) writeFileSync(told, left.join('\n'));
    if (left.length > 0) throw new Error(`the tests left behind:\n  ${left.join('\n  ')}`);
  };
}

/** The tests start the programs of `dist/` (`test/programs.ts`). */
function bundle(): void {
  const root = join(import.meta.dirname, '..');
  const script = '. src/cli/checkout.sh; bundle_is_current || npm run --silent build';
  const { status, stderr } = spawnSync('sh', ['-euc', script], {
    cwd: root,
    env: { ...process.env, root },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the programs could not be bundled:\n${stderr}`);
}

/** Processes that bear the mark of this run and are still there after a moment; the test runner's own excepted. */
async function processesLeft(run: string): Promise<Left[]> {
  const deadline = Date.now() + graceMs;
  for (;;) {
    const left = marked(run);
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(50);
  }
}

function marked(run: string): Left[] {
  const found: Left[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`SENDENSE_TEST_RUN=${run}`)) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command && !command.includes('/vitest/')) found.push({ pid: Number(name), command });
    } catch {
      // Gone meanwhile, or another user's.
    }
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}

/** What is in the private place of this user (`private-places.ts`) tells who left it; its name does not. */
function filesIn(folder: string): string[] {
  const place = `sendense-${process.getuid?.() ?? 0}`;
  return readdirSync(folder).map((name) =>
    name === place ? `${place} with [${readdirSync(join(folder, place)).join(', ')}]` : name,
  );
}

const mountsBelow = (folder: string): string[] =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
