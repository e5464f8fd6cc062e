#!/usr/bin/env node
import { buffer } from 'node:stream/consumers';
import { SendenseError } from '../errors/sendense-error.ts';
import { keepPrivate } from '../host/files/private-files.ts';
import { nodeMain } from './node/node-program.ts';

keepPrivate();

/** A reader that goes away ends neither the node nor its link. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => stop.abort(new SendenseError('run.cancelled', signal)));

process.exitCode = await nodeMain(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readInput: () => buffer(process.stdin),
  askHidden: process.stdin.isTTY ? async (prompt) => (await import('./ask-hidden.ts')).askHidden(prompt) : undefined,
  stop: stop.signal,
});
