import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isKnownCaller } from '../../../src/hub/access/known-caller.ts';
import { addToken, listTokens, removeToken } from '../../../src/state/access/tokens.ts';
import { addUser, changeUser, findUser, removeUser } from '../../../src/state/access/users.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

const granted = { roles: ['restorer'], vms: null } as const;

test('a caller is known as long as its user or token is there, is the same, and is let in', async () => {
  await using folder = await temporaryFolder();
  using state = openState(join(folder.path, 'state.db'));
  addUser(state, { name: 'anna', password: 'x', ...granted });
  addToken(state, 'sds_x', { name: 'anna', ...granted, expires: 5_000_000_000_000, createdBy: 'root' });
  const [user, token] = [findUser(state, 'anna')?.created ?? 0, listTokens(state)[0]?.created ?? 0];
  const known = (identity: string, now = Date.now()): boolean => isKnownCaller(state, identity, now);
  expect([known(`anna ${user}`), known(`token:anna ${token}`)]).toEqual([true, true]);
  // Of these nothing is known here.
  expect(['', 'hub-api.token', 'proxy:anna'].map((identity) => known(identity))).toEqual([true, true, true]);
  expect([known(`anna ${user + 1}`), known(`token:anna ${token - 1}`), known(`otto ${user}`)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(known(`token:anna ${token}`, 5_000_000_000_000)).toBe(false);
  changeUser(state, 'anna', { disabled: Date.now() }, { check: () => undefined });
  expect(known(`anna ${user}`)).toBe(false);
  removeUser(state, 'anna', { check: () => undefined });
  removeToken(state, 'anna');
  expect([known(`anna ${user}`), known(`token:anna ${token}`)]).toEqual([false, false]);
});
