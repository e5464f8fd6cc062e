import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { binderState, boundWords } from '../../../src/host/programs/bound-words.ts';
import { checkTools } from '../../../src/node/doctor/machine-checks.ts';
import { identityOf, isRunning } from '../../../src/host/programs/process-identity.ts';

import { temporaryFolder } from '../temporary-folder.ts';

const here = { path: process.env['PATH'] };

describe('a bound program', () => {
  test('gets its words and its environment as they are', () => {
    const odd = ['a b', '$HOME', '`id`', '', '-n', "it's", 'line\nbreak', '--', '*'];
    const [file, ...args] = boundWords('printf', ['%s\\0', ...odd], here);
    expect(execFileSync(file, args, { encoding: 'utf8' })).toBe(`${odd.join('\0')}\0`);
    const [env, ...words] = boundWords('env', [], here);
    const said = execFileSync(env, words, { encoding: 'utf8', env: { PATH: here.path, ODD: 'a\nb', PPID: '7' } });
    expect(said).toContain('ODD=a\nb\n');
  });

  test('has the process id that was started, and ends with what started it', async () => {
    const script = `
      import { spawn } from 'node:child_process';
      import { boundWords } from ${JSON.stringify(new URL('../../../src/host/programs/bound-words.ts', import.meta.url).href)};
      const [file, ...args] = boundWords('sleep', ['1003'], { path: process.env.PATH });
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
      process.stdout.write(String(child.pid) + '\\n');`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(text);
    const comm = (): string => execFileSync('cat', [`/proc/${pid}/comm`], { encoding: 'utf8' }).trim();
    await expect.poll(comm).toBe('sleep');
    const identity = identityOf(pid);
    parent.kill('SIGKILL');
    await expect.poll(() => identity !== null && isRunning(identity)).toBe(false);
  });

  test('does not start where what started it is gone before it is bound', () => {
    // The shell in between is another parent than the one that was meant.
    const words = boundWords('echo', ['started'], here);
    const { status, stdout } = spawnSync('sh', ['-c', '"$@"; exit $?', 'sh', ...words], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  });

  test('that cannot be found is started as it is, for the error of the system', () => {
    expect(boundWords('no-such-tool', ['a'], here)).toEqual(['no-such-tool', 'a']);
    expect(boundWords('./tool', [], { ...here, cwd: '/nowhere' })).toEqual(['./tool']);
    expect(boundWords('sleep', ['1'], { path: '/nowhere' })).toEqual(['sleep', '1']);
  });

  test('is started as it is where setpriv is older than --pdeathsig, which is asked once', async () => {
    await using folder = await temporaryFolder();
    const log = folder.file('asked');
    const old = `#!/bin/sh\necho asked >> ${log}\ncase "$1" in --pdeathsig) echo "unrecognized option" >&2; exit 1;; esac\n`;
    await writeFile(folder.file('setpriv'), old, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder.path}:${here.path}`);
    try {
      for (let times = 0; times < 3; times++) expect(boundWords('sleep', ['1'], here)).toEqual(['sleep', '1']);
      expect(await readFile(log, 'utf8')).toBe('asked\n');
      expect(binderState()).toBe('too old');
      expect(await checkTools()).toMatchObject({
        result: 'warn',
        message: expect.stringContaining('setpriv is too old') as string,
        remedy: expect.stringContaining('util-linux') as string,
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('is started as it is where there is no setpriv', () => {
    vi.stubEnv('PATH', '/nowhere');
    try {
      expect(boundWords('sleep', ['1'], here)).toEqual(['sleep', '1']);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
