import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { addCredential } from '../../src/state/credentials/credentials.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { runCli } from './run-cli.ts';

const scriptOf = async (shell: string): Promise<string> => (await runCli(['completion', shell])).stdout;

/** What bash offers for a line that ends where the cursor is. */
async function offered(line: string, names: readonly string[] = ['pgtest1', 'web']): Promise<string[]> {
  await using folder = await temporaryFolder();
  writeFileSync(folder.file('nightly.yaml'), '');
  writeFileSync(folder.file('notes.txt'), '');
  mkdirSync(folder.file('plans'));
  // A stand-in for the program, which the completion asks for names of VMs and sources.
  writeFileSync(folder.file('sendense-run'), '#!/bin/sh\ncat offers\n', { mode: 0o755 });
  writeFileSync(folder.file('offers'), names.map((name) => `${name}\n`).join(''));
  const words = line.split(' ');
  const script = `compopt() { :; }
${await scriptOf('bash')}
COMP_WORDS=(./sendense-run ${words
    .slice(1)
    .map((word) => `'${word}'`)
    .join(' ')})
COMP_CWORD=${words.length - 1}
_sendense_run
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], {
    cwd: folder.path,
    encoding: 'utf8',
    timeout: 300_000,
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

describe('bash completion', () => {
  it('offers commands, plans and folders for the first word', async () => {
    const words = await offered('sendense-run ');
    expect(words).toEqual([...commands.map(({ name }) => name), 'help', 'nightly.yaml', 'plans'].sort());
  });

  it.each([
    ['sendense-run re', ['recover', 'repo', 'restore']],
    ['sendense-run run n', ['nightly.yaml']],
    ['sendense-run run --mode ', ['auto', 'full', 'incremental']],
    ['sendense-run run --mode = f', ['full']],
    ['sendense-run --config x.yaml run --mo', ['--mode']],
    ['sendense-run validate --format s', ['sarif']],
    ['sendense-run restore ', ['pgtest1', 'web']],
    ['sendense-run show p', ['pgtest1']],
    ['sendense-run restore pgtest1 --to ', ['plans']],
    ['sendense-run restore pgtest1 --form', ['--format']],
    ['sendense-run repo ', ['copy', 'gc', 'import', 'list', 'move', 'new-key', 'receive', 'repair', 'show', 'usage']],
    ['sendense-run list --repository ', ['pgtest1', 'web']],
    ['sendense-run restore web --repository ./p', ['./plans']],
    ['sendense-run show web --point y', ['yesterday']],
    ['sendense-run repo import --js', ['--json']],
    ['sendense-run completion z', ['zsh']],
    ['sendense-run discover p', ['pgtest1']],
    ['sendense-run discover lab --wr', ['--write-plan']],
    ['sendense-run credentials ', ['add', 'list', 'remove', 'rotate', 'test']],
    ['sendense-run credentials test production --source w', ['web']],
    ['sendense-run credentials add production --pass', ['--password-file']],
    ['sendense-run credentials add ', []],
    ['sendense-run credentials test p', ['pgtest1']],
    ['sendense-run credentials rotate ', ['pgtest1', 'web']],
    ['sendense-run discover lab --vm ', ['pgtest1', 'web']],
    ['sendense-run help val', ['validate']],
    ['sendense-run nightly.yaml --dry', ['--dry-run']],
    ['sendense-run --config n', ['nightly.yaml', 'notes.txt']],
  ])('%s', async (line, words) => {
    expect(await offered(line)).toEqual(words);
  });

  it('expands nothing of what the program says: folders of a repository can have any name', async () => {
    await using folder = await temporaryFolder();
    const trap = folder.file('trap');
    const names = [`$(touch ${trap})`, `\`touch ${trap}\``, 'two words', '*'];
    const words = await offered('sendense-run restore ', names);
    expect(words).toEqual([`\\$\\(touch\\ ${trap}\\)`, `\\\`touch\\ ${trap}\\\``, 'two\\ words', '\\*'].sort());
    expect(existsSync(trap)).toBe(false);
  });
});

it.each(['constructor', 'toString', '__proto__'])('of %s there is nothing to offer', async (what) => {
  expect(await runCli(['completion', what])).toMatchObject({
    stdout: '',
    stderr: expect.not.stringContaining('TypeError') as string,
  });
});

describe.each(['bash', 'zsh', 'fish'])('%s completion', (shell) => {
  it('knows every command and is accepted by the shell, where it is installed', async () => {
    const script = await scriptOf(shell);
    for (const { name } of commands) expect(script).toContain(name);
    await using folder = await temporaryFolder();
    writeFileSync(folder.file('script'), script);
    const { error, stderr, status } = spawnSync(shell, ['-n', folder.file('script')], {
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (error) return; // the shell is not installed
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });
});

describe('names of VMs', () => {
  it('are the folders of the repositories, and none where there are no settings', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(
      folder.file('sendense.yaml'),
      'repositories:\n  primary: { path: ./one }\n  second: { path: ./two }\n',
    );
    for (const path of ['one/pgtest1', 'one/web', 'one/.trash']) mkdirSync(folder.file(path), { recursive: true });
    expect(await runCli(['completion', 'vms', '--config', folder.file('sendense.yaml')])).toEqual({
      exitCode: 0,
      stdout: 'pgtest1\nweb\n',
      stderr: '',
    });
    expect(await runCli(['completion', 'vms', '--config', folder.file('none.yaml')])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('names of sources', () => {
  it('are those of sendense.yaml', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(
      folder.file('sendense.yaml'),
      'repositories:\n  primary: { path: ./one }\nsources:\n  vc2: { type: vsphere, host: vc2.example.com, credential: c }\n  vc1: { type: vsphere, host: vc1.example.com, credential: c }\n',
    );
    expect(await runCli(['completion', 'sources', '--config', folder.file('sendense.yaml')])).toEqual({
      exitCode: 0,
      stdout: 'vc1\nvc2\n',
      stderr: '',
    });
  });
});

describe('names from the state database', () => {
  const known = (what: string, config: string) => runCli(['completion', what, '--config', config]);

  it('are its credentials, and its VMs beside those of sendense.yaml; nothing is made where there is none', async () => {
    await using folder = await temporaryFolder();
    const config = folder.file('sendense.yaml');
    writeFileSync(
      config,
      'state: ./state.db\nrepositories:\n  primary: { path: ./one }\nsources:\n  lab: { type: image, vms: { web: { disks: [{ path: /web.raw }] } } }\n',
    );
    expect(await known('credentials', config)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await known('known-vms', config)).toEqual({ exitCode: 0, stdout: 'web\n', stderr: '' });
    expect(existsSync(folder.file('state.db'))).toBe(false);
    {
      using state = openState(folder.file('state.db'));
      addCredential(state, 'spare', { user: 'backup@vsphere.local', password: 'hunter2' });
      addCredential(state, 'production', { user: 'backup@vsphere.local', password: 'hunter2' });
      createJournal(state, () => true).startRun({
        id: 'r1',
        plan: 'nightly',
        kind: 'backup',
        vm: 'pgtest1',
        planFile: '/plan.yaml',
        planFolder: '/',
        owner: thisProcess(),
        started: 1,
        lock: null,
      });
    }
    rmSync(folder.file('state.db.key'));
    expect((await known('credentials', config)).stdout).toBe('production\nspare\n');
    expect((await known('known-vms', config)).stdout).toBe('pgtest1\nweb\n');
  });

  it('are none where the database cannot be read', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(folder.file('sendense.yaml'), 'state: ./state.db\nrepositories:\n  primary: { path: ./one }\n');
    writeFileSync(folder.file('state.db'), 'no database');
    expect(await known('credentials', folder.file('sendense.yaml'))).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});
