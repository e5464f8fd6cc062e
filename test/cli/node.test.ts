import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliResult } from './run-cli.ts';

const home = process.cwd();
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  settings('');
});
afterEach(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

const settings = (more: string): void =>
  writeFileSync(
    'sendense.yaml',
    `repositories: { primary: { path: ./repository } }\nsources: { lab: { type: image, vms: { pgtest1: { disks: [{ path: /d.raw }] } } } }\n${more}`,
  );

const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

async function json(schema: string, ...argv: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await cli(...argv, '--json');
  expect(stderr).toBe('');
  const value = JSON.parse(stdout) as Record<string, unknown>;
  const validate = validatorOf(`output/${schema}.json`);
  expect(validate(structuredClone(value)), describeErrors(validate.errors)).toBe(true);
  return value;
}

test('node add prints a token once, and it stands nowhere else', async () => {
  const { token } = await json('node-added', 'node', 'add', 'site-b');
  expect(token).toMatch(/^sendense1\.[A-Za-z0-9_-]+$/);
  const content = JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as unknown;
  expect(validatorOf('link/token.json')(content)).toBe(true);
  for (const command of [['list'], ['show', 'site-b']]) {
    const { stdout } = await cli('node', ...command);
    expect(stdout).toContain('waiting');
    expect(stdout).not.toContain('sendense1');
  }
  expect(await cli('node', 'add', 'site-b')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--again') as string,
  });
  expect((await json('node-added', 'node', 'add', 'site-b', '--again')).token).not.toBe(token);
});

test('node add refuses bad names and bad times', async () => {
  for (const words of [
    ['../x'],
    ['site-b', '--expires', '0s'],
    ['site-b', '--expires', '40d'],
    ['site-b', '--expires', 'soon'],
  ])
    expect(await cli('node', 'add', ...words)).toMatchObject({ exitCode: 2 });
  expect(await cli('node', 'add', 'ghost', '--again')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('node.unknown') as string,
  });
});

test('rename, revoke and remove say what they did', async () => {
  await cli('node', 'add', 'site-b');
  expect((await cli('node', 'rename', 'site-b', 'dc1')).stdout).toBe('✔ node dc1 was site-b before\n');
  expect(await json('nodes', 'node', 'revoke', 'dc1')).toMatchObject({ nodes: [{ name: 'dc1', state: 'revoked' }] });
  expect((await cli('node', 'remove', 'dc1')).stdout).toContain('node dc1 is removed');
  expect((await cli('node', 'list')).stdout).toContain('no nodes yet');
});

test('sshd-config prints a Match block, and the lines of nodes as comments', async () => {
  settings('hub: { ssh: openssh, hostKey: ./host.pub, user: keeper }\n');
  writeFileSync('host.pub', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1t96nWZ+76RN5mY7hClHTErk4x/Q8wJCELEC8PXNEG host\n');
  await cli('node', 'add', 'site-b');
  const { stdout } = await cli('node', 'sshd-config');
  expect(stdout).toContain('Match User keeper\n');
  expect(stdout).toMatch(
    /^# restrict,command=".* node accept site-b --key \S+" ssh-ed25519 \S+ sendense-token:site-b$/m,
  );
  expect(await json('sshd-config', 'node', 'sshd-config')).toMatchObject({ checked: false, differences: [] });
});

test('help names the commands, but not those that sshd calls', async () => {
  const { stdout } = await cli('node', '--help');
  expect(stdout).toContain('sshd-config');
  expect(stdout).not.toMatch(/^ +(accept|link) /m);
});

test('a plan may name an enrolled node that sendense.yaml does not', async () => {
  writeFileSync(
    'plan.yaml',
    'version: 1\nkind: backup\nname: nightly\nvm: { name: pgtest1 }\nrepository: primary\nnode: site-b\n',
  );
  const before = await cli('validate', 'plan.yaml');
  expect(before).toMatchObject({ exitCode: 10, stdout: expect.stringContaining('node add') as string });
  await cli('node', 'add', 'site-b');
  expect(await cli('validate', 'plan.yaml')).toMatchObject({ exitCode: 0 });
  settings('nodes: { site-c: { mode: dial-hub } }\n');
  writeFileSync(
    'other.yaml',
    'version: 1\nkind: backup\nname: nightly\nvm: { name: pgtest1 }\nrepository: primary\nnode: site-c\n',
  );
  expect(await cli('validate', 'other.yaml')).toMatchObject({ exitCode: 0 });
});
