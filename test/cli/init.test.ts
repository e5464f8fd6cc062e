import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { makeRaw } from '../e2e/workspace.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';

const home = process.cwd();
let folder: TemporaryFolder;
const cli = (argv: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  runCli(argv, { openHub, embeddedNode: startNode, ...options });

beforeEach(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
});
afterEach(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

describe('init', () => {
  it('makes settings and a plan for an image; the next commands that it names work as they stand', async () => {
    await makeRaw('web.raw', 1024 * 1024, [[0, 65_536]]);
    const made = await cli(['init', '--image', 'web.raw']);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    expect(made.stdout).toContain('web-nightly.yaml');
    const next = [...made.stdout.matchAll(/^ {2}sendense-run (.+)$/gm)].map((match) => match[1] ?? '');
    expect(next).toHaveLength(3);
    expect((await cli(['validate', '.'])).stdout).toContain('nothing to complain about');
    for (const command of next)
      expect({ command, ...(await cli(command.split(' '))) }).toMatchObject({ command, exitCode: 0 });
  });

  it.each([
    ['My Disk (1).raw', 'My-Disk-1'],
    [`${'x'.repeat(200)}.raw`, 'x'.repeat(63)],
    ['-dash.raw', 'dash'],
    ['Büro Größe.raw', 'Buro-Gro-e'],
    ['日本.raw', 'vm'],
    ['.hidden.raw', 'hidden'],
    ['..raw', 'vm'],
    ['(1).raw', '1'],
    ['disk.backup.raw', 'disk.backup'],
  ])('derives a name that is valid from the image %j', async (file, vm) => {
    await makeRaw(file, 1024 * 1024, [[0, 65_536]]);
    expect(await cli(['init', '--image', `./${file}`])).toMatchObject({ exitCode: 0, stderr: '' });
    const plan = `${vm.slice(0, 55)}-nightly.yaml`;
    expect(readFileSync(plan, 'utf8')).toContain(`name: ${vm === '1' ? '"1"' : vm}\n`);
    expect((await cli(['validate', '.'])).stdout).toContain('nothing to complain about');
    expect((await cli(['plan', plan])).exitCode).toBe(0);
  });

  it.each(['My VM', '-x', 'x'.repeat(64), 'a/b', '..', 'Größe'])(
    'refuses %j as a name, and says which would do',
    async (vm) => {
      await makeRaw('a.raw', 1024 * 1024, [[0, 65_536]]);
      const { exitCode, stderr } = await cli(['init', '--image', 'a.raw', `--vm=${vm}`]);
      expect(exitCode).toBe(2);
      const said = stderr.replaceAll(/\s+/g, ' ');
      expect(said).toContain(`--vm ${JSON.stringify(vm)} is no name that a plan can have`);
      const [, near = ''] = /for example: --vm (\S+)/.exec(said) ?? [];
      expect(existsSync('sendense.yaml')).toBe(false);
      expect((await cli(['init', '--image', 'a.raw', '--vm', near])).exitCode).toBe(0);
    },
  );

  it('makes them for a VM of a vCenter, and keeps no password', async () => {
    const { exitCode, stdout } = await cli([
      'init',
      '--vcenter',
      'vcenter.example.com',
      '--vm',
      'web',
      '--repository',
      '/srv/backup',
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('  sendense-run credentials add vcenter');
    expect(readFileSync('sendense.yaml', 'utf8')).toContain('host: vcenter.example.com');
    expect(readFileSync('sendense.yaml', 'utf8')).toContain('path: /srv/backup');
    expect((await cli(['validate', '.'])).exitCode).toBe(0);
  });

  it('refuses a folder for the restore points that the first run would refuse', async () => {
    writeFileSync('disk.raw', 'x');
    mkdirSync('photos');
    writeFileSync('photos/one.jpg', 'x');
    mkdirSync('open');
    chmodSync('open', 0o777);
    for (const [repository, reason] of [
      ['.', 'a repository needs a folder of its own'],
      ['..', 'a repository needs a folder of its own'],
      ['./state', 'a repository needs a folder of its own'],
      ['./photos', 'is not empty'],
      ['./open', 'everybody can write to the folder'],
      ['./open/repository', 'everybody can write to the folder'],
    ] as const) {
      const { exitCode, stderr } = await cli([
        'init',
        '--image',
        'disk.raw',
        '--vm',
        'web',
        '--repository',
        repository,
      ]);
      expect({ repository, failed: exitCode !== 0 }).toEqual({ repository, failed: true });
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain(reason);
      expect(existsSync('sendense.yaml')).toBe(false);
    }
  });

  it('asks on a terminal for what the options do not say', async () => {
    writeFileSync('disk 0.raw', 'x');
    const { exitCode, stderr } = await cli(['init'], { answers: ['./disk 0.raw', '', '/srv/backup'] });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Name of the VM [disk-0]');
    expect(readdirSync('.').toSorted()).toEqual(['disk 0.raw', 'disk-0-nightly.yaml', 'sendense.yaml']);
    expect(readFileSync('sendense.yaml', 'utf8')).toContain('path: /srv/backup');
  });

  it.each(['sendense.yaml', 'web-nightly.yaml'])(
    'never overwrites, and writes nothing where %s is there',
    async (name) => {
      writeFileSync('web.raw', 'x');
      writeFileSync(name, 'mine\n');
      const result = await cli(['init', '--image', 'web.raw']);
      expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exists already') });
      expect(readFileSync(name, 'utf8')).toBe('mine\n');
      expect(readdirSync('.').toSorted()).toEqual([name, 'web.raw'].toSorted());
    },
  );

  it.each([
    ['nothing is said', [], 2, 'say what to back up'],
    ['both kinds are said', ['--image', 'a', '--vcenter', 'b'], 2, 'say one of the two'],
    ['the image is not there', ['--image', 'no.raw'], 1, 'there is no image'],
    ['the VM has no name', ['--vcenter', 'b'], 2, 'name the VM'],
    ['the name is no name', ['--vcenter', 'b', '--vm', '../../x'], 2, '../../x'],
  ])('writes nothing where %s', async (_what, argv, exitCode, message) => {
    const result = await cli(['init', ...argv]);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr.replaceAll(/\s+/g, ' ')).toContain(message);
    expect(existsSync('sendense.yaml')).toBe(false);
    expect(readdirSync('.')).toEqual([]);
  });
});
