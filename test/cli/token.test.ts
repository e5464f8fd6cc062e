import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { copyState } from '../../src/hub/upkeep/copy-state.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { NewTokenOutput, TokensOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliResult } from './run-cli.ts';

const home = process.cwd();
let folder: TemporaryFolder;

const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

function checked<T>({ stdout, stderr }: CliResult, schema: string): T {
  const validate = validatorOf(`output/${schema}.json`);
  const value = JSON.parse(stdout || '{}') as T;
  expect(validate(value), `${stderr} ${describeErrors(validate.errors)}`).toBe(true);
  return value;
}

beforeEach(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  writeFileSync('sendense.yaml', 'repositories: { primary: { path: ./repository } }\n');
});

afterEach(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

test('a token is made, listed and revoked; its secret is shown once, and stands nowhere', async () => {
  const made = await cli('token', 'create', 'ci', '--role', 'operator', '--vm', 'pg*', '--expires', '2d', '--json');
  const { secret, tokens } = checked<NewTokenOutput>(made, 'new-token');
  expect(secret).toMatch(/^sds_[\w-]{43}$/);
  expect(tokens).toMatchObject([{ name: 'ci', roles: ['operator'], vms: ['pg*'], used: null }]);
  expect((tokens[0]?.expires ?? 0) - (tokens[0]?.created ?? 0)).toBeGreaterThan(47 * 3_600_000);
  const shown = await cli('token', 'create', 'for-ever', '--role', 'viewer', '--expires', 'never');
  expect(shown.stdout).toMatch(/good until you revoke it\n.*nothing shows it again.*\nsds_[\w-]{43}\n$/s);
  const listed = await cli('token', 'list');
  expect(listed.stdout).toMatch(/ci +operator +pg\*.*for-ever +viewer +all/s);
  expect(checked<TokensOutput>(await cli('token', 'list', '--json'), 'tokens').tokens).toHaveLength(2);
  const audit = (await cli('audit', '--json')).stdout;
  using state = openState(folder.file('state', 'sendense.db'));
  const { path } = await copyState({ state, hubId: '0123456789', root: folder.path, keep: 1, now: Date.now() });
  const copy = readFileSync(path, 'latin1');
  for (const text of [listed.stdout, audit, copy]) expect(text).not.toContain(secret);
  expect(audit).toContain('createToken');
  const digest = state.first(state.query.selectFrom('tokens').select('digest'))?.digest ?? '';
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(copy).not.toContain(digest);
  checked(await cli('token', 'revoke', 'ci', '--json'), 'tokens');
  expect((await cli('token', 'list')).stdout).not.toContain('operator');
});

test.each([
  ['a name with a slash', ['create', 'a/b', '--role', 'viewer'], 2, 'cannot be the name of a token'],
  ['no role', ['create', 'x'], 2, 'names no role'],
  ['a role that there is not', ['create', 'x', '--role', 'root'], 2, 'there is no role "root"'],
  ['an admin of some VMs', ['create', 'x', '--role', 'admin', '--vm', 'pg*'], 2, 'cannot be limited'],
  ['minutes', ['create', 'x', '--role', 'viewer', '--expires', '30m'], 2, 'is not a span of time'],
  ['no time at all', ['create', 'x', '--role', 'viewer', '--expires', '0d'], 2, 'is not a span of time'],
  ['more than anybody lives', ['create', 'x', '--role', 'viewer', '--expires', '99999y'], 2, 'is not a span'],
  ['a token that there is not', ['revoke', 'x'], 1, 'there is no token x'],
] as const)('%s is refused', async (_what, argv, exitCode, message) => {
  const result = await cli('token', ...argv);
  expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('two tokens cannot have one name', async () => {
  expect((await cli('token', 'create', 'ci', '--role', 'viewer')).exitCode).toBe(0);
  const again = await cli('token', 'create', 'ci', '--role', 'admin');
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('there is a token ci already')]);
});
