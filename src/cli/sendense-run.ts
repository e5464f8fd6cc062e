#!/usr/bin/env node
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { keepPrivate } from '../host/files/private-files.ts';

keepPrivate();
cacheCompiledCode();
const { main } = await import('./main.ts');
const { reportError } = await import('./report-error.ts');
const { openTerminal } = await import('../view/terminal.ts');

/** A reader that goes away (`| head`) or a terminal that is closed ends neither the run nor the program. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

// A closed terminal or a lost connection stops a run as SIGTERM does: it cleans up.
process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));

process.on('uncaughtException', async (error) => {
  const terminal = openTerminal({ stdout: process.stdout, stderr: process.stderr, env: process.env, noColour: false });
  process.exit(await reportError(error, { terminal, json: false, unexpected: true }));
});

const exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readInput: () => buffer(process.stdin),
  askHidden: process.stdin.isTTY ? async (prompt) => (await import('./ask-hidden.ts')).askHidden(prompt) : undefined,
  askLine:
    process.stdin.isTTY && process.stderr.isTTY
      ? async (prompt) => (await import('./ask-line.ts')).askLine(prompt)
      : undefined,
  openHub: async (options) => (await import('../hub/open-hub.ts')).openHub(options),
  embeddedNode: async (options) => (await import('../node/start-node.ts')).startNode({ ...options, metrics: false }),
});

await Promise.all([process.stdout, process.stderr].map(flushed));
process.exit(exitCode);

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) return resolve();
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

/** Halves the time to start. In a folder of this user alone, because what lies there is run. */
function cacheCompiledCode(): void {
  const caches = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  try {
    const cache = join(caches, 'sendense');
    if (!existsSync(caches)) mkdirSync(caches, { mode: 0o700 });
    if (!existsSync(cache)) mkdirSync(cache, { mode: 0o700 });
    if ([caches, cache].every(isOwn)) enableCompileCache(cache);
  } catch {
    // No home, or one that cannot be written: it starts as fast as it can.
  }
}

/** Others can neither write to the folder nor have it replaced. */
function isOwn(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}
