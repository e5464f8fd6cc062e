import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
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
    const env = { ...process.env, XDG_CACHE_HOME: '/proc/nowhere' };
    const { status, stderr } = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8', env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
