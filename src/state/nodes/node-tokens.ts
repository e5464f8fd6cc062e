import { SendenseError } from '../../errors/sendense-error.ts';
import type { CredentialKey } from '../credentials/credential-keys.ts';
import type { State } from '../database/open-state.ts';
import { sealJson, unsealJson, type SealedPlace } from '../credentials/seal.ts';
import { databaseId, keyForSealing, keyThatSealed } from '../credentials/sealing-key.ts';
import type { NodesTable } from '../database/tables.ts';

/** Stores the token of the node's API, encrypted. Part of the caller's transaction. @throws SendenseError `credential.key` */
export function storeNodeToken(state: State, nodeId: string, token: string): void {
  sealWith(state, nodeId, token, keyForSealing(state));
}

/** The token of the node's API; null where it has none (not enrolled, or revoked). @throws SendenseError `credential.sealed`, `credential.key` */
export function openNodeToken(state: State, nodeId: string): string | null {
  const row = state.first(state.query.selectFrom('nodes').selectAll().where('id', '=', nodeId));
  return row ? open(state, row) : null;
}

/** Seals every token with `key`, which takes effect with the transaction of the caller. @throws SendenseError `credential.sealed` */
export function sealNodeTokensWith(state: State, key: CredentialKey): void {
  for (const row of state.all(state.query.selectFrom('nodes').selectAll().orderBy('name'))) {
    const token = open(state, row);
    if (token !== null) sealWith(state, row.id, token, key);
  }
}

function sealWith(state: State, nodeId: string, token: string, key: CredentialKey): void {
  const change = { api_token: sealJson(key.bytes, placeOf(state, nodeId), { token }), key_id: key.id };
  state.run(state.query.updateTable('nodes').set(change).where('id', '=', nodeId));
}

function open(state: State, { id, name, api_token: sealed, key_id: keyId }: NodesTable): string | null {
  if (sealed === null || keyId === null) return null;
  const key = keyThatSealed(state, keyId, `the API token of node ${name}`);
  const opened = unsealJson(key.bytes, placeOf(state, id), sealed) as { token: string } | null;
  if (opened) return opened.token;
  throw new SendenseError(
    'credential.sealed',
    `the API token of node ${name} was changed, or was made for another node or another state database`,
    { remedy: `Enrol the node again: \`sendense-run node add ${name} --again\`.` },
  );
}

/** Bound to the row, not to the name: a node can be renamed without a key. */
const placeOf = (state: State, id: string): SealedPlace => ({
  kind: 'sendense-node-token',
  database: databaseId(state),
  id,
  name: '',
});
