import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { checkDialled, dialledUser } from '../../../src/node/doctor/check-dialled.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

const user = { name: userInfo().username, uid: userInfo().uid, home: userInfo().homedir, shell: '/bin/sh' };

/** The block of step 5 of "Set up dial-node", for the user of this test. */
async function documented(): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../../../docs/network.md'), 'utf8');
  const [, block = ''] = /```\n( *Match User sendense\n[^`]+)```/.exec(page) ?? expect.unreachable('no block');
  return block.replace('User sendense', `User ${user.name}`);
}

test('the key of a hub that dials reaches Unix sockets unless sshd says no; the documented block does', async () => {
  await using folder = await temporaryFolder();
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const configFile = folder.file('sshd_config');
  writeFileSync(configFile, 'Port 22\n');
  expect(await checkDialled(user, { configFile })).toMatchObject({
    result: 'warn',
    remedy: expect.stringContaining('AllowStreamLocalForwarding no') as string,
  });
  writeFileSync(configFile, await documented());
  expect(await checkDialled(user, { configFile })).toMatchObject({ result: 'ok' });
  // What sshd does not read says nothing.
  expect(await checkDialled(user, { configFile: folder.file('none') })).toMatchObject({ result: 'warn' });
});

test.each([
  [
    'restrict,port-forwarding,permitopen="127.0.0.1:8081",permitlisten="127.0.0.1:10100",command="cat" ssh-ed25519 A',
    true,
  ],
  ['ssh-ed25519 A', false],
  ['# restrict,port-forwarding,permitlisten="127.0.0.1:10100" ssh-ed25519 A', false],
])('a hub dials where authorized_keys has a line as documented: %s', async (line, dials) => {
  await using folder = await temporaryFolder();
  const there = { ...user, home: folder.path };
  const find = () => Promise.resolve(there);
  expect(await dialledUser(folder.path, find)).toBeNull();
  mkdirSync(folder.file('.ssh'));
  writeFileSync(folder.file('.ssh/authorized_keys'), `ssh-ed25519 B\n${line}\n`);
  expect(await dialledUser(folder.path, find)).toEqual(dials ? there : null);
});
