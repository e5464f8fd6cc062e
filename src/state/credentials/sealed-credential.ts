import { sealJson, unsealJson, type SealedPlace } from './seal.ts';

/** What a credential holds. */
export interface Secrets {
  readonly user: string;
  readonly password: string;
}

type CredentialPlace = Omit<SealedPlace, 'kind'>;

/** See {@link sealJson}. */
export const seal = (key: Uint8Array, place: CredentialPlace, { user, password }: Secrets): Buffer =>
  sealJson(key, { kind: 'sendense-credential', ...place }, { user, password });

/** Null where the key is another one, or the text was sealed for another place or changed since. */
export const unseal = (key: Uint8Array, place: CredentialPlace, sealed: Uint8Array): Secrets | null =>
  unsealJson(key, { kind: 'sendense-credential', ...place }, sealed) as Secrets | null;
