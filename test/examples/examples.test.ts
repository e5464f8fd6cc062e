import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs a program of the checkout; `stopAt`: SIGINT to it and what it started when its output says this. */
function program(file: string, args: readonly string[], cwd: string, stopAt?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], { cwd, detached: true, timeout: 300_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        const before = output;
        output += text;
        if (stopAt !== undefined && output.includes(stopAt) && !before.includes(stopAt)) {
          process.kill(-(child.pid ?? 0), 'SIGINT');
        }
      });
    }
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, output }));
  });
}

const sendense = (args: readonly string[], cwd: string): Promise<Ended> =>
  program('dist/cli/sendense-run.js', args, cwd);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ex-'));
  for (const name of ['minimal', 'custom-steps'])
    cpSync(join(root, 'examples', name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'minimal/web1.raw'), Buffer.alloc(100_000, 'web'));
  writeFileSync(join(folder, 'custom-steps/db1.raw'), Buffer.alloc(100_000, 'db'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples', () => {
  test('every plan and settings file of examples/ and plans/ is valid', async () => {
    const result = await sendense(['validate', 'examples', 'plans'], root);
    expect(result.output).toContain('nothing to complain about');
    expect(result.code).toBe(0);
  });

  test('every folder has a line in the README', () => {
    const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
    for (const entry of readdirSync(join(root, 'examples'), { withFileTypes: true })) {
      if (entry.isDirectory()) expect(readme).toContain(`](${entry.name}/)`);
    }
  });

  // A fresh checkout has no disks: what the texts tell the reader to do next has to work all the same.
  const told = [
    ...readFileSync(join(root, 'examples/README.md'), 'utf8').matchAll(/\| +`\.\/sendense-run ([^`]+)`/g),
    ...readFileSync(join(root, 'examples/quickstart/quickstart.ts'), 'utf8').matchAll(
      / {4}\.\/sendense-run (.+?) {2,}/g,
    ),
  ].map(([, line = '']) => line);

  test('the texts name commands to try', () => expect(told.length).toBeGreaterThanOrEqual(8));

  test.each(told)('./sendense-run %s works in a fresh checkout', async (line) => {
    expect(await sendense(line.split(' '), root)).toMatchObject({ code: 0 });
  });

  test('minimal: the shortest plan makes a backup', async () => {
    expect(await sendense(['web1.yaml', '--quiet'], join(folder, 'minimal'))).toMatchObject({ code: 0 });
  });

  test('custom-steps: commands run before and after, and know what was made', async () => {
    const cwd = join(folder, 'custom-steps');
    expect(await sendense(['hooks.yaml'], cwd)).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, 'backups.log'), 'utf8')).toMatch(/^db1: 2[0-9TZ]+-[0-9a-f]+\n$/);
    expect(readdirSync(cwd)).not.toContain('db1.paused');
  });

  test("custom-steps: a pipeline of the plan's own makes a backup after its own look at the files", async () => {
    const cwd = join(folder, 'custom-steps');
    expect(await sendense(['own-steps.yaml'], cwd)).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, 'looked-at.txt'), 'utf8')).toMatch(/disk-0\/.*\.qcow2\n$/);
  });
});

describe('quickstart', () => {
  test('backs up, restores the middle point bit for bit, and cleans up', async () => {
    const { code, output } = await program('examples/quickstart/quickstart.ts', [], folder);
    expect(output).toContain('disk0: every byte is what it was then');
    expect(output).toContain('disk1: every byte is what it was then');
    expect(output).toContain('/orders/002.txt says “twenty pears” again');
    expect(output).toContain('the same bytes again');
    expect(code).toBe(0);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('sendense-quickstart-'))).toEqual([]);
  }, 300_000);

  test('--web leaves a hub with history and a login; a second start says so; --stop ends it and leaves nothing', async () => {
    const quickstart = (...words: string[]) =>
      program('examples/quickstart/quickstart.ts', ['--web', ...words], folder);
    const { code, output } = await quickstart();
    expect(output).toContain('Open http://127.0.0.1:');
    expect(code).toBe(0);
    const url = /Open (\S+)/.exec(output)?.[1] ?? '';
    const login = { name: 'quickstart', password: /password {2}(\S+)/.exec(output)?.[1] };
    const headers = { 'content-type': 'application/json' };
    const session = await fetch(`${url}api/v1/session`, { method: 'POST', headers, body: JSON.stringify(login) });
    const [cookie = ''] = (session.headers.get('set-cookie') ?? '').split(';');
    const runs = await fetch(`${url}api/v1/runs`, { headers: { cookie } });
    const days = ((await runs.json()) as { runs: { run_id: string }[] }).runs.map(({ run_id: id }) => id.slice(0, 8));
    expect(new Set(days).size).toBe(6);
    expect(await quickstart()).toMatchObject({ code: 1, output: expect.stringContaining(`runs already: ${url}`) });
    expect(await quickstart('--stop')).toMatchObject({ code: 0, output: expect.stringContaining('is stopped') });
    await expect(fetch(url)).rejects.toThrow();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('sendense-quickstart-'))).toEqual([]);
  }, 300_000);

  test('Ctrl-C stops it and leaves nothing', async () => {
    const { code } = await program('examples/quickstart/quickstart.ts', [], folder, 'Copy the disks');
    expect(code).toBe(130);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('sendense-quickstart-'))).toEqual([]);
  });
});
