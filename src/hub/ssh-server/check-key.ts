import type { AuthContext, PublicKeyAuthContext } from 'ssh2';
import { ssh2 } from '../../host/ssh/ssh2.ts';
import { fingerprintOf, parsePublicKey, typeOfBlob } from '../../host/ssh/keys.ts';
import { findNodeByKey, type NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';

/** Who has logged in: a node with its own key, or the holder of an enrolment token. */
export interface Identity {
  readonly node: NodeRecord;
  /** `type base64`, as stored. */
  readonly publicKey: string;
  readonly role: 'own' | 'one-time';
}

export type Verdict =
  | { readonly verdict: 'accept'; readonly identity: Identity }
  /** The key would do; now it has to be proven. */
  | { readonly verdict: 'prove' }
  /** Not yet a failed attempt: how clients ask which methods there are. */
  | { readonly verdict: 'ask' }
  | {
      readonly verdict: 'refuse';
      readonly reason: 'method' | 'user' | 'unknown key' | 'revoked key' | 'signature';
      readonly fingerprint: string | null;
      readonly node: string | null;
    };

/** Bytes of the longest key that is looked at: RSA with 8192 bits. */
const longestKey = 1100;

/**
 * Judges one attempt to log in. The same work is done for a key that is known and one that is not: look it up, and check
 * the signature against what was presented.
 */
export function checkKey(state: State, user: string, context: AuthContext): Verdict {
  if (context.method === 'none') return { verdict: 'ask' };
  if (context.method !== 'publickey') return { verdict: 'refuse', reason: 'method', fingerprint: null, node: null };
  const presented = keyOf(context);
  const found = presented === null ? undefined : findNodeByKey(state, presented);
  const proven = context.signature === undefined ? null : verify(context);
  const facts = { fingerprint: presented === null ? null : fingerprintOf(presented), node: found?.node.name ?? null };
  if (presented === null || !found) return { verdict: 'refuse', reason: 'unknown key', ...facts };
  if (context.username !== user) return { verdict: 'refuse', reason: 'user', ...facts };
  if (found.key === 'own' && found.node.revoked !== null) return { verdict: 'refuse', reason: 'revoked key', ...facts };
  if (proven === null) return { verdict: 'prove' };
  if (!proven) return { verdict: 'refuse', reason: 'signature', ...facts };
  return { verdict: 'accept', identity: { node: found.node, publicKey: presented, role: found.key } };
}

function keyOf({ key }: PublicKeyAuthContext): string | null {
  if (key.data.length > longestKey) return null;
  return parsePublicKey(`${typeOfBlob(key.data)} ${key.data.toString('base64')}`);
}

/** Whether the signature is of the key that was presented, with a hash that is not SHA-1. */
function verify({ key, signature, blob, hashAlgo }: PublicKeyAuthContext): boolean {
  if (signature === undefined || blob === undefined || key.data.length > longestKey) return false;
  const parsed = ssh2.utils.parseKey(key.data);
  if (parsed instanceof Error || Array.isArray(parsed)) return false;
  if (parsed.type === 'ssh-rsa' && hashAlgo !== 'sha256' && hashAlgo !== 'sha512') return false;
  return parsed.verify(blob, signature, hashAlgo) === true;
}
