import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../host/temporary-folder.ts';

const program = join(import.meta.dirname, '../../src/cli/sendense-run.ts');

describe('the process', () => {
  it('outlives a reader that goes away', async () => {
    const child = spawn(process.execPath, [program, 'explain'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('flushes all of a long output before it ends', () => {
    const { stdout, status } = spawnSync(process.execPath, [program, 'schema', 'plan'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect(stdout.length).toBeGreaterThan(10_000);
  });

  it('reads a plan from standard input and ends with the exit code', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(folder.file('sendense.yaml'), 'repositories:\n  primary: { path: ./repository }\n');
    const { stdout, status } = spawnSync(process.execPath, [program, 'validate', '-'], {
      cwd: folder.path,
      input: 'kind: backup\n',
      encoding: 'utf8',
    });
    expect(status).toBe(10);
    expect(stdout).toContain('<stdin>:1:1');
  });

  it('starts also where no cache can be written', () => {
    const env = { ...process.env, XDG_CACHE_HOME: '/proc/nowhere', NODE_COMPILE_CACHE: undefined };
    const { status, stderr } = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8', env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('keeps compiled code, which is run, only where nobody else can write', async () => {
    await using folder = await temporaryFolder();
    const start = (caches: string): string[] => {
      const env = {
        ...process.env,
        XDG_CACHE_HOME: folder.file(caches),
        NODE_COMPILE_CACHE: undefined,
        NODE_DISABLE_COMPILE_CACHE: undefined,
      };
      const { status } = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8', env });
      expect(status).toBe(0);
      const cache = folder.file(caches, 'sendense');
      return existsSync(cache) ? readdirSync(cache) : [];
    };
    expect(start('own')).not.toEqual([]);
    mkdirSync(folder.file('theirs/sendense'), { recursive: true });
    chmodSync(folder.file('theirs/sendense'), 0o757);
    expect(start('theirs')).toEqual([]);
    mkdirSync(folder.file('open/sendense'), { recursive: true });
    chmodSync(folder.file('open'), 0o1777);
    expect(start('open')).toEqual([]);
  });

  it('of a checkout gives Node no cache that others can write to', async () => {
    await using folder = await temporaryFolder();
    const script = join(import.meta.dirname, '../../src/cli/checkout.sh');
    const cacheOf = (env: Record<string, string>): string => {
      // In place of Node a program that says which cache it got.
      mkdirSync(folder.file('.toolchain/bin'), { recursive: true });
      mkdirSync(folder.file('node_modules'), { recursive: true });
      writeFileSync(folder.file('node_modules/.sendense-setup'), '');
      writeFileSync(folder.file('.toolchain/bin/node'), '#!/bin/sh\necho "$NODE_COMPILE_CACHE"\n', { mode: 0o755 });
      const { stdout } = spawnSync(
        'sh',
        ['-c', `root=$1; . ${script}; start_program sendense-run`, 'sh', folder.path],
        {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'] ?? '', ...env },
        },
      );
      return stdout.trim();
    };
    mkdirSync(folder.file('home'), { mode: 0o700 });
    expect(cacheOf({ HOME: folder.file('home') })).toBe(folder.file('home/.cache/sendense'));
    chmodSync(folder.file('home/.cache/sendense'), 0o757);
    expect(cacheOf({ HOME: folder.file('home') })).toBe('');
    // No home: not /tmp, where anybody could have made the folder.
    expect(cacheOf({})).toBe('');
    expect(cacheOf({ NODE_COMPILE_CACHE: '/named' })).toBe('/named');
  });
});
