import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { CredentialsOutput, CredentialsTested, ErrorOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { watchPlan } from '../../src/state/schedules/plan-health.ts';
import { acceptPlan } from '../../src/state/schedules/schedules.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { about, fakeNode, nodeToken, type FakeNode } from './fake-node.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';

const password = 'correct horse; battery "staple"';
const home = process.cwd();
let folder: TemporaryFolder;
let node: FakeNode;
let answer: CredentialsTested | ErrorOutput;

const cli = (argv: string[], options: CliOptions = {}): Promise<CliResult> =>
  runCli(argv, { openHub, embeddedNode: startNode, ...options });

const add = (name: string, options: CliOptions = { stdin: `${password}\n` }): Promise<CliResult> =>
  cli(['credentials', 'add', name, '--user', 'backup@vsphere.local'], options);

function parsed({ stdout }: CliResult, schema = 'credentials'): Record<string, unknown> {
  const value = JSON.parse(stdout) as Record<string, unknown>;
  const validate = validatorOf(`output/${schema}.json`);
  expect(validate(structuredClone(value)), describeErrors(validate.errors)).toBe(true);
  return value;
}

beforeEach(async () => {
  folder = await temporaryFolder();
  answer = { about, user: 'VSPHERE.LOCAL\\backup', missing: [], warnings: [] };
  node = await fakeNode({ test: () => answer });
  process.chdir(folder.path);
  writeFileSync('token', nodeToken);
  writeFileSync(
    'sendense.yaml',
    `repositories:
  primary: { path: ./repository }
nodes:
  esx1: { mode: direct, url: "${node.url}", token: { secret: { file: ./token } } }
sources:
  vc1: { type: vsphere, host: "vcenter.example.com:8443", credential: production }
`,
  );
});

afterEach(async () => {
  process.chdir(home);
  await node[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe('credentials add', () => {
  it('takes the password from standard input, and shows it nowhere', async () => {
    const added = await add('production');
    expect(added).toEqual({
      exitCode: 0,
      stdout: '✔ credential production of backup@vsphere.local is stored\n',
      stderr: '',
    });
    for (const file of ['state/sendense.db', 'state/sendense.db-wal'].filter((path) => existsSync(path)))
      expect(readFileSync(file).includes('correct horse')).toBe(false);
    const json = await cli(['credentials', 'list', '--json']);
    expect(json.stdout).not.toContain('horse');
    expect(parsed(json)).toMatchObject({
      key: { kind: 'file', path: folder.file('state/sendense.db.key') },
      credentials: [
        {
          name: 'production',
          user: 'backup@vsphere.local',
          problem: null,
          used_by: { sources: ['vc1'], plans: [] },
        },
      ],
    });
  });

  it('takes it from a file', async () => {
    writeFileSync('vcenter.password', `${password}\n`);
    const argv = ['credentials', 'add', 'other', '-u', 'root', '--password-file', 'vcenter.password', '--json'];
    const added = await cli(argv);
    expect(added.stdout).not.toContain('horse');
    expect(parsed(added)).toMatchObject({ credentials: [{ name: 'other', user: 'root' }] });
  });

  it('asks twice on a terminal', async () => {
    const typed = await add('production', { typed: [password, password] });
    expect(typed).toMatchObject({ exitCode: 0, stderr: 'password of backup@vsphere.local: again: ' });
    const mistyped = await add('second', { typed: [password, 'something else'] });
    expect(mistyped.exitCode).toBe(2);
    expect(mistyped.stderr).toContain('the two passwords are not the same');
    expect(mistyped.stderr).not.toContain('horse');
  });

  it.each([
    ['no user', ['credentials', 'add', 'x'], 2, 'the command does not name the user'],
    ['a bad name', ['credentials', 'add', 'a/b', '-u', 'root'], 2, '"a/b" is no name of a credential'],
    ['nothing on standard input', ['credentials', 'add', 'x', '-u', 'root'], 2, 'standard input is empty', ''],
    ['two lines', ['credentials', 'add', 'x', '-u', 'root'], 2, 'holds more than one line', 'a\nb\n'],
    ['a file that is not there', ['credentials', 'add', 'x', '-u', 'root', '--password-file', 'no'], 12, 'ENOENT'],
  ])('refuses %s', async (_what, argv, exitCode, message, stdin = 'secret') => {
    const result = await cli(argv, { stdin });
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  });

  it('refuses a name that is taken, before it asks for the password', async () => {
    await add('production');
    expect((await add('production', { typed: ['x', 'x'] })).stderr).not.toContain('password of');
    expect(await add('production')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('credential.exists') as string,
    });
  });
});

describe('credentials list', () => {
  it('says who uses each: sources, and plans beside sendense.yaml', async () => {
    await add('production');
    await add('spare');
    mkdirSync('plans');
    writeFileSync('plans/web.yaml', 'kind: backup\nvm: { name: web, credential: spare }\n');
    const { stdout } = await cli(['credentials', 'list'], { isTTY: true, columns: 80 });
    expect(stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')).toBe(
      [
        'NAME        USER                  CREATED              UPDATED',
        'production  backup@vsphere.local  TIME  TIME',
        '    used by source vc1',
        'spare       backup@vsphere.local  TIME  TIME',
        '    used by plan plans/web.yaml',
        '',
      ].join('\n'),
    );
  });

  it('counts what some VMs of a group use, and plans that were run or are scheduled elsewhere', async () => {
    await add('special');
    mkdirSync('plans/deep', { recursive: true });
    const group = `kind: group
name: all
source: vc1
repository: primary
members: [{ name: '*' }]
overrides: [{ match: [{ name: db }], vm: { credential: special } }]
`;
    writeFileSync('plans/deep/group.yaml', group);
    const usedBy = async (): Promise<string[]> =>
      (JSON.parse((await cli(['credentials', 'list', '--json'])).stdout) as CredentialsOutput).credentials.flatMap(
        ({ used_by: users }) => users.plans.map((file) => relative(process.cwd(), file)),
      );
    expect(await usedBy()).toEqual(['plans/deep/group.yaml']);
    rmSync('plans', { recursive: true });

    mkdirSync('elsewhere');
    const file = resolve('elsewhere/web.yaml');
    const text = 'kind: backup\nname: web\nvm: { name: web, credential: special }\nrepository: primary\n';
    writeFileSync(file, text);
    {
      using state = openState(resolve('state/sendense.db'));
      watchPlan(state, {
        plan: 'web',
        kind: 'backup',
        vm: 'web',
        repository: 'primary',
        file,
        notify: undefined,
        rpo: null,
      });
    }
    expect(await usedBy()).toEqual(['elsewhere/web.yaml']);
    {
      using state = openState(resolve('state/sendense.db'));
      const facts = {
        kind: 'backup',
        vm: 'web',
        node: null,
        repository: 'primary',
        lock: null,
        schedule: { cron: '0 3 * * *' },
      };
      acceptPlan(state, { plan: 'web', file, text, facts: facts as never, stamp: '', now: 1 });
    }
    // The text that is in force still names it.
    rmSync(file);
    expect(await usedBy()).toEqual(['elsewhere/web.yaml']);
    expect(await cli(['credentials', 'remove', 'special'])).toMatchObject({ exitCode: 1 });
  });

  it('still lists them where the key is gone', async () => {
    await add('production');
    writeFileSync('state/sendense.db.key', Buffer.alloc(32, 1));
    const listed = await cli(['credentials', 'list']);
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout).toMatch(/production +\? /);
    expect(listed.stdout).toMatch(/✘ credential production was sealed with key [0-9a-f]{16}/);
  });

  it('makes nothing where there are none', async () => {
    const listed = await cli(['credentials', 'list']);
    expect(listed.stdout).toContain('no credentials yet');
    expect(existsSync('state')).toBe(false);
  });
});

describe('credentials rotate', () => {
  it('changes a password', async () => {
    await add('production');
    const rotated = await cli(['credentials', 'rotate', 'production'], { stdin: 'new one' });
    expect(rotated.stdout).toBe('✔ credential production of backup@vsphere.local has a new password\n');
    await cli(['credentials', 'test', 'production', '--node', 'esx1']);
    expect(node.requests.at(-1)).toMatchObject({ vcenter_password: 'new one' });
    expect(await cli(['credentials', 'rotate', 'nothing'], { stdin: 'x' })).toMatchObject({ exitCode: 1 });
  });

  it('makes a new key', async () => {
    await add('production');
    const before = readFileSync('state/sendense.db.key');
    const rotated = await cli(['credentials', 'rotate', '--key', '--json']);
    expect(parsed(rotated)).toMatchObject({ key: { kind: 'file' }, credentials: [{ name: 'production' }] });
    expect(readFileSync('state/sendense.db.key').equals(before)).toBe(false);
    expect((await cli(['credentials', 'list'])).stdout).toContain('backup@vsphere.local');
  });

  it.each([[[]], [['production', '--key']], [['--key', '--password-file', 'x']]])('refuses %j', async (more) => {
    expect(await cli(['credentials', 'rotate', ...more])).toMatchObject({ exitCode: 2 });
  });
});

describe('credentials remove', () => {
  it('refuses one that a source names, unless it is forced', async () => {
    await add('production');
    const refused = await cli(['credentials', 'remove', 'production']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('credential production is used by source vc1 of sendense.yaml');
    const forced = await cli(['credentials', 'remove', 'production', '--force']);
    expect(forced.stdout).toContain('is removed');
    expect((await cli(['credentials', 'list'])).stdout).toContain('no credentials yet');
  });

  it('tells of one that does not exist', async () => {
    expect(await cli(['credentials', 'remove', 'nothing', '--json'])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('credential.unknown') as string,
    });
  });
});

describe('credentials test', () => {
  const test = (...more: string[]): Promise<CliResult> =>
    cli(['credentials', 'test', 'production', '--node', 'esx1', ...more]);

  it('lets the node log in at the source that names the credential', async () => {
    await add('production');
    const tested = await test();
    expect(tested).toEqual({
      exitCode: 0,
      stdout:
        '✔ production logs in as VSPHERE.LOCAL\\backup at VMware vCenter Server 8.0.2, source vc1\n✔ no privilege is missing\n',
      stderr: '',
    });
    expect(node.requests).toMatchObject([
      {
        source: { type: 'vsphere', host: 'vcenter.example.com', port: 8443, user: 'backup@vsphere.local' },
        vcenter_user: 'backup@vsphere.local',
        vcenter_password: password,
      },
    ]);
  });

  it('asks what a restore needs only if it is told so', async () => {
    await add('production');
    await test();
    await test('--for', 'restore');
    expect(node.requests.map((request) => 'purpose' in request && request.purpose)).toEqual([false, 'restore']);
    expect(await test('--for', 'fun')).toMatchObject({ exitCode: 2 });
  });

  it('says which privileges are missing', async () => {
    await add('production');
    answer = {
      about,
      user: 'backup',
      missing: [{ privilege: 'VirtualMachine.State.CreateSnapshot', why: 'to take the snapshot' }],
      warnings: [],
    };
    const tested = await test();
    expect(tested.exitCode).toBe(1);
    expect(tested.stdout).toContain('VirtualMachine.State.CreateSnapshot  to take the snapshot');
    expect(tested.stdout).toContain('1 privilege is missing');
    expect(parsed(await test('--json'), 'credentials-test')).toMatchObject({ ok: false, source: 'vc1', node: 'esx1' });
  });

  it('tells what the server refused, without the password', async () => {
    await add('production');
    answer = { code: 'vsphere.login', message: 'vcenter.example.com refused the user', remedy: 'x', position: null };
    const tested = await test();
    expect(tested).toMatchObject({ exitCode: 12, stdout: '' });
    expect(tested.stderr).toContain('refused the user');
    expect(tested.stderr).not.toContain('horse');
  });

  it('needs a source, and one that exists', async () => {
    await add('production');
    expect((await test('--source', 'vc9')).stderr).toContain('has no vSphere source vc9; it has vc1');
    writeFileSync('sendense.yaml', 'repositories: { primary: { path: ./repository } }\n');
    expect(await cli(['credentials', 'test', 'production'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no vSphere source') as string,
    });
  });
});
