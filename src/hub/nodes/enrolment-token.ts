import { randomBytes } from 'node:crypto';
import { keyPairFromSeed, parsePublicKey } from '../../host/ssh/keys.ts';
import type { EnrollToken } from '../../schemas/types.ts';

export interface NewToken {
  /** `sendense1.…`; whoever has it can enrol as this node, once. It is kept nowhere. */
  readonly token: string;
  /** `ssh-ed25519 AAAA…` of the one-time key. */
  readonly publicKey: string;
}

/** @param facts.expires milliseconds since the epoch */
export function makeEnrolmentToken(facts: {
  readonly name: string;
  readonly hostKey: string;
  readonly user: string;
  readonly expires: number;
}): NewToken {
  const seed = randomBytes(32);
  const content: EnrollToken = {
    v: 1,
    name: facts.name,
    host_key: facts.hostKey,
    user: facts.user,
    seed: seed.toString('base64url'),
    expires: facts.expires,
  };
  return {
    token: `sendense1.${Buffer.from(JSON.stringify(content)).toString('base64url')}`,
    publicKey: parsePublicKey(keyPairFromSeed(seed, '').publicKey) ?? '',
  };
}
