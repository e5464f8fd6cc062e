#!/usr/bin/env node
import { buffer } from 'node:stream/consumers';
import { main } from './main.ts';

/** A reader that goes away (`| head`) ends neither the run nor the program. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readInput: () => buffer(process.stdin),
  openHub: async (options) => (await import('../hub/open-hub.ts')).openHub(options),
  embeddedNode: async (options) => (await import('../node/start-node.ts')).startNode(options),
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
