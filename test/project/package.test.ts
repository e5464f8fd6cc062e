import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { files, bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  files: string[];
  bin: Record<string, string>;
  version: string;
};

describe('the npm package', () => {
  let folder = '';
  let installed = '';

  const run = (program: string, args: readonly string[]): { status: number | null; output: string } => {
    const file = join(installed, bin[program] ?? '');
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, output: `${stdout}${stderr}` };
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pkg-'));
    installed = join(folder, 'node_modules/sendense');
    mkdirSync(installed, { recursive: true });
    execFileSync(join(root, 'node_modules/.bin/tsc'), [
      '-p',
      join(root, 'tsconfig.build.json'),
      '--outDir',
      join(installed, 'dist'),
    ]);
    for (const name of ['package.json', ...files.filter((one) => one !== 'dist')]) {
      cpSync(join(root, name), join(installed, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.for(Object.keys(bin))('%s runs compiled', (program) => {
    const result = run(program, ['--version']);
    expect(result.output.trim()).toContain(version);
    expect(result.status).toBe(0);
  });

  test('validates the plans that it ships', () => {
    expect(run('sendense-run', ['validate', join(installed, 'plans')])).toMatchObject({ status: 0 });
  });

  test('makes a backup', () => {
    for (const name of ['sendense.yaml', 'web1.yaml'])
      cpSync(join(installed, 'examples/minimal', name), join(folder, name));
    writeFileSync(join(folder, 'web1.raw'), Buffer.alloc(100_000, 'web'));
    const result = run('sendense-run', ['web1.yaml', '--quiet']);
    expect(result.output).toMatch(/^web1: succeeded/);
    expect(result.status).toBe(0);
  }, 60_000);
});
