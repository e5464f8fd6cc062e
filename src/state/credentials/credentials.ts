import { randomUUID } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { CredentialKey } from './credential-keys.ts';
import type { State } from '../database/open-state.ts';
import { seal, unseal, type Secrets } from './sealed-credential.ts';
import { databaseId, keyForSealing, keyThatSealed } from './sealing-key.ts';
import type { CredentialsTable } from '../database/tables.ts';

/** A stored credential as it may be shown. */
export interface Credential {
  readonly name: string;
  /** Null where it cannot be opened. */
  readonly user: string | null;
  readonly created: number;
  readonly updated: number;
  readonly keyId: string;
  /** Why it cannot be opened. */
  readonly problem: string | null;
}

/** All, by name; one that cannot be opened is told with its problem. */
export const listCredentials = (state: State): Credential[] =>
  state.all(state.query.selectFrom('credentials').selectAll().orderBy('name')).map((row) => {
    const facts = { name: row.name, created: row.created, updated: row.updated, keyId: row.key_id };
    try {
      return { ...facts, user: open(state, row).user, problem: null };
    } catch (error) {
      if (!(error instanceof SendenseError)) throw error;
      return { ...facts, user: null, problem: error.message };
    }
  });

/** Needs no key. */
export const listCredentialNames = (state: State): string[] =>
  state.all(state.query.selectFrom('credentials').select('name').orderBy('name')).map(({ name }) => name);

/** @throws SendenseError `credential.unknown`, `credential.sealed`, `credential.key` */
export const openCredential = (state: State, name: string): Secrets => open(state, rowOf(state, name));

/** @throws SendenseError `credential.exists` */
export function requireNew(state: State, name: string): void {
  if (find(state, name)) throw new SendenseError('credential.exists', `there is a credential ${name} already`);
}

/** @throws SendenseError `credential.unknown` */
export const requireKnown = (state: State, name: string): void => void rowOf(state, name);

/** Makes the key on first use. @throws SendenseError `credential.exists`, `credential.key` */
export function addCredential(state: State, name: string, secrets: Secrets): void {
  // The key is read inside the transaction: none is sealed with a key that `rotateKey` is about to remove.
  state.transaction(() => {
    requireNew(state, name);
    const id = randomUUID();
    const key = keyForSealing(state);
    const time = Date.now();
    const row = { id, name, key_id: key.id, created: time, updated: time };
    const sealed = seal(key.bytes, { database: databaseId(state), id, name }, secrets);
    state.run(state.query.insertInto('credentials').values({ ...row, sealed }));
  });
}

/** @throws SendenseError `credential.unknown`, `credential.sealed`, `credential.key` */
export function changePassword(state: State, name: string, password: string): void {
  state.transaction(() => {
    const row = rowOf(state, name);
    sealAgain(state, row, { ...open(state, row), password }, keyForSealing(state), Date.now());
  });
}

/** Needs no key, so that one that cannot be opened any more can go. @throws SendenseError `credential.unknown` */
export function removeCredential(state: State, name: string): void {
  state.transaction(() => {
    const { id } = rowOf(state, name);
    state.run(state.query.deleteFrom('credentials').where('id', '=', id));
  });
}

/** Seals every credential with `key`, which takes effect with the transaction of the caller. @throws `credential.sealed` */
export function sealCredentialsWith(state: State, key: CredentialKey): void {
  for (const row of state.all(state.query.selectFrom('credentials').selectAll().orderBy('name')))
    sealAgain(state, row, open(state, row), key, row.updated);
}

function sealAgain(state: State, row: CredentialsTable, secrets: Secrets, key: CredentialKey, updated: number): void {
  const sealed = seal(key.bytes, { database: databaseId(state), id: row.id, name: row.name }, secrets);
  const change = { sealed, key_id: key.id, updated };
  state.run(state.query.updateTable('credentials').set(change).where('id', '=', row.id));
}

function open(state: State, row: CredentialsTable): Secrets {
  const key = keyThatSealed(state, row.key_id, `credential ${row.name}`);
  const secrets = unseal(key.bytes, { database: databaseId(state), id: row.id, name: row.name }, row.sealed);
  if (secrets) return secrets;
  throw new SendenseError(
    'credential.sealed',
    `credential ${row.name} was changed, or was made for another name or another state database`,
    { remedy: 'Remove it with `sendense-run credentials remove`, and add it again.' },
  );
}

function rowOf(state: State, name: string): CredentialsTable {
  const row = find(state, name);
  if (row) return row;
  const names = state.all(state.query.selectFrom('credentials').select('name').orderBy('name')).map((one) => one.name);
  throw new SendenseError(
    'credential.unknown',
    `there is no credential ${name}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`,
  );
}

const find = (state: State, name: string): CredentialsTable | undefined =>
  state.first(state.query.selectFrom('credentials').selectAll().where('name', '=', name));
