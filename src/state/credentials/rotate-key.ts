import { existsSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readKeyFile, removeKeyFile, replaceKeyFile, restoreKeyFile } from '../../host/images/key-file.ts';
import { currentKey, keyFileOf, oldKeyFileOf, requireKey, type CredentialKey } from './credential-keys.ts';
import { sealCredentialsWith } from './credentials.ts';
import { sealNodeTokensWith } from '../nodes/node-tokens.ts';
import type { State } from '../database/open-state.ts';
import { keyIdOf } from './seal.ts';

/**
 * A new key file, and every credential and every API token of a node sealed with it, in one transaction. Whenever this ends, by a crash too, each
 * credential can be opened with the key file or the one kept beside it as `.old`. Where the key is systemd's there is no
 * new one: credentials that were sealed with another are sealed with it. Undefined where there is no key yet.
 * @throws SendenseError `credential.sealed` where one cannot be opened, `credential.key`; nothing has changed then
 */
export function rotateKey(state: State): CredentialKey | undefined {
  if (!currentKey(state.path)) return undefined;
  finishEarlier(state);
  // Whoever adds a credential meanwhile waits for the transaction, and then reads the new file.
  state.transaction(() => {
    if (requireKey(state.path).kind === 'systemd') sealAllWith(state, requireKey(state.path));
    else replaceAndSeal(state);
  });
  dropOldKey(state);
  return requireKey(state.path);
}

function sealAllWith(state: State, key: CredentialKey): void {
  sealCredentialsWith(state, key);
  sealNodeTokensWith(state, key);
}

function replaceAndSeal(state: State): void {
  const [path, old] = [keyFileOf(state.path), oldKeyFileOf(state.path)];
  if (existsSync(old))
    throw new SendenseError('credential.key', `${old} is in use: another rotation is under way`, {
      remedy: 'Try again when that is over.',
    });
  replaceKeyFile(path, old);
  try {
    sealAllWith(state, requireKey(state.path));
  } catch (error) {
    restoreKeyFile(path, old);
    throw error;
  }
}

/** A rotation that a crash has ended: what the old key still seals is sealed with the current one. */
function finishEarlier(state: State): void {
  if (!existsSync(oldKeyFileOf(state.path))) return;
  state.transaction(() => sealAllWith(state, requireKey(state.path)));
  dropOldKey(state);
}

/** In a transaction of its own: not before that of the seals is on the disk, and not while another process rotates. */
function dropOldKey(state: State): void {
  const path = oldKeyFileOf(state.path);
  state.transaction(() => {
    const old = readKeyFile(path);
    if (!old) return;
    const id = keyIdOf(old);
    const inUse = (['credentials', 'nodes'] as const).some((table) =>
      state.first(state.query.selectFrom(table).select('id').where('key_id', '=', id)),
    );
    if (!inUse) removeKeyFile(path);
  });
}
