import { SendenseError } from '../../errors/sendense-error.ts';
import { makeKeyFile } from '../../host/images/key-file.ts';
import { currentKey, findKey, keyFileOf, requireKey, type CredentialKey } from './credential-keys.ts';
import type { State } from '../database/open-state.ts';

/** Of this database; what is sealed for one does not open in another. @throws SendenseError `state.unusable` */
export const databaseId = (state: State): string => {
  const row = state.first(state.query.selectFrom('identity').select('id'));
  if (row) return row.id;
  throw new SendenseError('state.unusable', `the state database ${state.path} has no identity`);
};

/**
 * The current key; made where nothing is sealed yet. To be called in the transaction that stores what it seals: nothing
 * is sealed then with a key that `rotateKey` is about to remove.
 * @throws SendenseError `credential.key` where the key is gone that sealed what there is
 */
export function keyForSealing(state: State): CredentialKey {
  const key = currentKey(state.path);
  if (key) return key;
  const path = keyFileOf(state.path);
  const first = firstSealed(state);
  if (first)
    throw new SendenseError(
      'credential.key',
      `the key file ${path} is gone; ${first.what} was sealed with key ${first.keyId}`,
      {
        remedy:
          'Bring the file back; where it is lost, remove each credential that it sealed and each node that was enrolled, and add them anew.',
      },
    );
  makeKeyFile(path);
  return requireKey(state.path);
}

/** The key that sealed something. @param what `credential NAME` @throws SendenseError `credential.sealed`, `credential.key` */
export function keyThatSealed(state: State, keyId: string, what: string): CredentialKey {
  const key = findKey(state.path, keyId);
  if (key) return key;
  const found = currentKey(state.path);
  throw new SendenseError(
    'credential.sealed',
    `${what} was sealed with key ${keyId}; ${found ? `${found.path} is key ${found.id}` : `there is no key file ${keyFileOf(state.path)}`}`,
  );
}

function firstSealed(state: State): { what: string; keyId: string } | undefined {
  const credential = state.first(state.query.selectFrom('credentials').select(['name', 'key_id']).orderBy('name'));
  if (credential) return { what: `credential ${credential.name}`, keyId: credential.key_id };
  const node = state.first(
    state.query.selectFrom('nodes').select(['name', 'key_id']).where('key_id', 'is not', null).orderBy('name'),
  );
  return node && { what: `the API token of node ${node.name}`, keyId: node.key_id ?? '' };
}
