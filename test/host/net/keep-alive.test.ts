import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testProgram } from '../../programs.ts';

type Ended = Record<string, { readonly ms: number; readonly said: string } | null>;

/** Noticed after 20 s; the rest is for a busy machine. Without keep-alive it takes a minute to forever. */
const mostMs = 45_000;

test(
  'each kind of connection that waits for an answer ends soon on a line that goes silent',
  { timeout: 120_000 },
  async () => {
    const words = ['--net', process.execPath, testProgram('host/net/silent-line-child'), String(mostMs / 1000)];
    const { stdout } = await promisify(execFile)('unshare', words, { timeout: 100_000 });
    const ended = JSON.parse(stdout) as Ended;
    expect(Object.keys(ended)).toHaveLength(8);
    for (const [kind, how] of Object.entries(ended)) expect(how?.said, `${kind}: ${stdout}`).toMatch(/ETIMEDOUT$/);
    // Who it is that does not answer.
    expect(ended['a request of the hub to a node']?.said).toMatch(/^node far: /);
    expect(ended['a new connection to a vCenter']?.said).toMatch(/ at 127\.0\.0\.1: /);
    expect(ended['a read of a disk']?.said).toMatch(/^NBD server at nbd:/);
  },
);
