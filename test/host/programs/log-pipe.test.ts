import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openLogPipe } from '../../../src/host/programs/log-pipe.ts';
import { temporaryFolder } from '../temporary-folder.ts';

test('all that a program and its children write comes, in order, and then the end', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  let text = '';
  using pipe = await openLogPipe(folder.file('log'), (more) => void (text += more));
  expect(existsSync(folder.file('log'))).toBe(false);
  // More than the pipe holds; what is started last goes on for longer than the program itself.
  const script = 'seq 1 50000 >&2; (seq 50001 50010; printf "\\374") >&2 &';
  const program = spawn('sh', ['-c', script], { stdio: ['ignore', 'ignore', pipe.writeEnd] });
  pipe.handOver();
  await once(program, 'exit');
  await pipe.over;
  const numbers = Array.from({ length: 50_010 }, (_, number) => `${number + 1}\n`).join('');
  expect(text).toBe(`${numbers}\u00fc`);
});

test('what a program has written can be had at once', async () => {
  await using folder = await temporaryFolder();
  let text = '';
  using pipe = await openLogPipe(folder.file('log'), (more) => {
    text += more;
    pipe.catchUp();
  });
  // In one turn of the event loop: no interval passes.
  spawnSync('sh', ['-c', 'echo now >&2'], { stdio: ['ignore', 'ignore', pipe.writeEnd] });
  pipe.catchUp();
  expect(text).toBe('now\n');
});
