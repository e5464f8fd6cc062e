import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../support/random.ts';

const root = join(import.meta.dirname, '../..');
const { files, bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  files: string[];
  bin: Record<string, string>;
  version: string;
};

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { dev?: boolean }>;
};

/** Bytes of a built file and all that it imports at its start. */
function loadedBytes(file: string): number {
  const loaded = new Set([file]);
  let bytes = 0;
  for (const one of loaded) {
    const text = readFileSync(one, 'utf8');
    bytes += text.length;
    for (const [, imported] of text.matchAll(/^(?:import|export)\b(?:[^"'\n(]* from )? ?"(\.[^"]+)";?$/gm))
      loaded.add(join(dirname(one), imported ?? ''));
  }
  return bytes;
}

describe('the npm package', () => {
  let folder = '';
  let installed = '';

  const run = (program: string, args: readonly string[]): { status: number | null; output: string } => {
    const file = join(installed, bin[program] ?? '');
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    });
    return { status, output: `${stdout}${stderr}` };
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pkg-'));
    installed = join(folder, 'node_modules/sendense');
    mkdirSync(installed, { recursive: true });
    execFileSync(join(root, 'node_modules/.bin/rolldown'), ['-c', '-d', join(installed, 'dist')], {
      cwd: root,
      // Else rolldown leaves one in the temporary folder.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    for (const name of ['package.json', ...files.filter((one) => one !== 'dist')]) {
      cpSync(join(root, name), join(installed, name), { recursive: true });
    }
    // Copied and without those of development: nothing else can be found from here.
    const production = Object.keys(packages).filter(
      (path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !packages[path]?.dev && existsSync(join(root, path)),
    );
    execFileSync('cp', ['-R', '--parents', '-t', folder, ...production], { cwd: root });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.for(Object.keys(bin))('%s runs bundled', (program) => {
    const result = run(program, ['--version']);
    expect(result.output.trim()).toContain(version);
    expect(result.status).toBe(0);
  });

  test.each([
    ['cli/sendense-run', 10_000, 'comes before its compile cache'],
    ['blocks/digest-worker', 150_000, 'is loaded by each thread'],
    ['host/nbd/gate/gate-thread', 100_000, 'is loaded by a thread'],
  ])('%s loads at most %i bytes as it starts, for that %s', (name, most) => {
    const bytes = loadedBytes(join(installed, 'dist', `${name}.js`));
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThan(most);
  });

  test('its programs are ASCII: one other character makes V8 read the whole file more slowly, and keep it twice as large', () => {
    const built = globSync('**/*.js', { cwd: join(installed, 'dist'), exclude: ['web/**'] });
    expect(built.length).toBeGreaterThan(50);
    const others = built.filter((file) => /[^\0-\x7f]/.test(readFileSync(join(installed, 'dist', file), 'utf8')));
    expect(others).toEqual([]);
  });

  test('validates the plans that it ships', () => {
    expect(run('sendense-run', ['validate', join(installed, 'plans')])).toMatchObject({ status: 0 });
  });

  test('makes a backup and restores it', () => {
    for (const name of ['sendense.yaml', 'web1.yaml'])
      cpSync(join(installed, 'examples/minimal', name), join(folder, name));
    // More than the client reads in its own thread: its worker is of the package too.
    const content = randomBytes(40 * 1024 * 1024);
    writeFileSync(join(folder, 'web1.raw'), content);
    const result = run('sendense-run', ['web1.yaml', '--quiet']);
    expect(result.output).toMatch(/^web1: succeeded/);
    expect(result.status).toBe(0);
    expect(run('sendense-run', ['web1.yaml', '--quiet'])).toMatchObject({ status: 0 });
    expect(run('sendense-run', ['restore', 'web1', '--to', 'restored'])).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'restored/disk-0.raw')).equals(content)).toBe(true);
  });
});
