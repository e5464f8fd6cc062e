import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { copyState } from '../../src/hub/upkeep/copy-state.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliResult } from './run-cli.ts';

const password = 'four random words here';
const home = process.cwd();
let folder: TemporaryFolder;

const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

function checked({ stdout, stderr }: CliResult, schema: string): Record<string, unknown> {
  const validate = validatorOf(`output/${schema}.json`);
  const value = JSON.parse(stdout || '{}') as Record<string, unknown>;
  expect(validate(value), `${stderr} ${describeErrors(validate.errors)}`).toBe(true);
  return value;
}

beforeEach(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  writeFileSync('sendense.yaml', 'repositories: { primary: { path: ./repository } }\n');
  writeFileSync('password', `${password}\n`, { mode: 0o600 });
});

afterEach(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

const add = (name: string, ...more: string[]): Promise<CliResult> =>
  cli('user', 'add', name, '--password-file', 'password', ...more);

test('users are added, changed and removed, and their passwords are nowhere', async () => {
  const added = await add('anna', '--role', 'operator', '--role', 'restorer', '--vm', 'pg*', '--vm', 'web?', '--json');
  expect(checked(added, 'users')).toMatchObject({
    users: [{ name: 'anna', roles: ['operator', 'restorer'], vms: ['pg*', 'web?'], sessions: 0 }],
  });
  expect(checked(await cli('user', 'roles', 'anna', '--role', 'admin', '--json'), 'users')).toMatchObject({
    users: [{ roles: ['admin'], vms: null }],
  });
  checked(await cli('user', 'password', 'anna', '--password-file', 'password', '--json'), 'users');
  expect(checked(await cli('user', 'sessions', '--json'), 'user-sessions')).toEqual({ version: 1, sessions: [] });
  const listed = await cli('user', 'list');
  expect(listed.stdout).toMatch(/anna\s+admin\s+all/);
  // On the hub itself the last administrator may go: whoever types this can add another.
  expect(checked(await cli('user', 'disable', 'anna', '--json'), 'users')).toMatchObject({
    users: [{ disabled: expect.any(Number) as number }],
  });
  expect((await cli('user', 'list')).stdout).toMatch(/anna\s+admin\s+all.*disabled/);
  expect((await cli('user', 'enable', 'anna')).stdout).toContain('may log in again');
  for (const file of ['sendense.db', 'sendense.db-wal'])
    expect(readIfThere(folder.file('state', file))).not.toContain(password);
  checked(await cli('user', 'remove', 'anna', '--json'), 'users');
  expect((await cli('user', 'list')).stdout).toContain('no users yet');
});

const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
};

test.each([
  ['a name with a slash', ['user', 'add', 'a/b', '--role', 'admin'], 2, 'cannot be the name of a user'],
  ['no role', ['user', 'add', 'x'], 2, 'names no role'],
  ['a role that there is not', ['user', 'add', 'x', '--role', 'root'], 2, 'there is no role "root"'],
  ['an admin of some VMs', ['user', 'add', 'x', '--role', 'admin', '--vm', 'pg*'], 2, 'cannot be limited'],
  ['roles of nobody', ['user', 'roles', 'x', '--role', 'viewer'], 1, 'there is no user x'],
  ['a password of nobody', ['user', 'password', 'x'], 1, 'there is no user x'],
  ['the end of nobody', ['user', 'disable', 'x'], 1, 'there is no user x'],
  ['the removal of nobody', ['user', 'remove', 'x'], 1, 'there is no user x'],
  ['sessions of nobody', ['user', 'sessions', 'x'], 1, 'there is no user x'],
  ['the end of all sessions', ['user', 'sessions', '--end-all'], 2, 'does not say of whom'],
  ['the end of a session that there is not', ['user', 'sessions', '--end', 'x'], 2, 'there is no session "x"'],
] as const)('%s is refused', async (_what, argv, exitCode, message) => {
  const result = await cli(...argv);
  expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('a short password is refused with the reason, and so is a second user of the name', async () => {
  writeFileSync('short', 'elevenchars\n', { mode: 0o600 });
  const short = await cli('user', 'add', 'anna', '--role', 'viewer', '--password-file', 'short');
  expect([short.exitCode, short.stderr]).toEqual([2, expect.stringContaining('11 characters; at least 12')]);
  expect((await add('anna', '--role', 'viewer')).exitCode).toBe(0);
  const again = await add('anna', '--role', 'admin');
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('there is a user anna already')]);
});

test('the audit log has what commands did to users, and no password', async () => {
  await add('anna', '--role', 'restorer', '--vm', 'pg*');
  await cli('user', 'roles', 'anna', '--role', 'viewer');
  await cli('user', 'remove', 'anna');
  const output = await cli('audit', '--json');
  expect(checked(output, 'audit')).toMatchObject({
    entries: [
      { action: 'removeUser', caller: 'command', facts: { user: 'anna' }, error: null },
      { action: 'setRoles', facts: { user: 'anna', roles: 'viewer' } },
      { action: 'addUser', facts: { user: 'anna', roles: 'restorer', vms: 'pg*' } },
    ],
    next_cursor: null,
  });
  expect(output.stdout).not.toContain(password);
  const shown = await cli('audit', '--limit', '2');
  expect(shown.stdout).toMatch(/there are older ones.*setRoles.*removeUser/s);
  expect((await cli('audit', '--failed')).stdout).toContain('nobody has done anything');
  expect((await cli('audit', '--since', 'x')).exitCode).toBe(2);
});

test('a copy of the database in a repository holds no user', async () => {
  await add('anna', '--role', 'viewer');
  using state = openState(folder.file('state', 'sendense.db'));
  const { path } = await copyState({ state, hubId: '0123456789', root: folder.path, keep: 1, now: Date.now() });
  const copy = readFileSync(path, 'latin1');
  expect(copy).not.toContain('argon2id$');
  expect(copy).toContain('CREATE TABLE users');
});
