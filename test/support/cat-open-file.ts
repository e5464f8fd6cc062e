import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** A program that reads an open file to its end, from where it was read before. */
export interface Reading {
  readonly pid: number;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly bytes: Buffer }>;
}

export function catOpenFile(file: number): Reading {
  const child = spawn('cat', { stdio: [file, 'pipe', 'ignore'] });
  const ended = Promise.all([once(child, 'close'), buffer(child.stdout as Readable)]).then(([[exitCode], bytes]) => ({
    exitCode: exitCode as number | null,
    bytes,
  }));
  return { pid: child.pid ?? 0, ended };
}
