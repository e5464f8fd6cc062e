import { hash, pbkdf2Sync } from 'node:crypto';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';

/** How one disk of a restore point is encrypted, as its manifest says. */
export interface DiskEncryption {
  readonly format: 'luks';
  readonly key_id: string;
}

/** The keys of one repository. */
export interface ImageKeys {
  /** What new chains are encrypted with; null: they are not. */
  readonly current: ImageKey | null;
  /** Whether the key of that id is among them. */
  has(id: string): boolean;
  /**
   * The key of a disk or of another file, as the manifest says; null for one that is not encrypted.
   * @throws SendenseError `repository.key` where it is not among them
   */
  of(file: { readonly encryption?: { readonly key_id: string } | null | undefined }): ImageKey | null;
}

/** Characters; 32 random bytes in base64 have 44. */
export const shortestKey = 20;

const salt = 'sendense-key-id/1';
const rounds = 100_000;

/** Tells keys apart without telling anything of them: 16 hex digits, the same for the same key everywhere. */
export function keyIdOf(passphrase: string): string {
  const digest = hash('sha256', passphrase);
  const id = knownIds.get(digest) ?? pbkdf2Sync(passphrase, salt, rounds, 8, 'sha256').toString('hex');
  knownIds.set(digest, id);
  return id;
}

/** By the digest of the key: a run asks several times, and each costs some 40 ms. */
const knownIds = new Map<string, string>();

/** @throws SendenseError `repository.key` for a key that is too short or not one line of printable ASCII */
export function imageKey(passphrase: string, where: string): ImageKey {
  const remedy = 'Make one with `sendense-run repo new-key FILE`.';
  if (passphrase.length < shortestKey)
    throw new SendenseError('repository.key', `${where} has ${passphrase.length} characters, a key has at least 20`, {
      remedy,
    });
  if (!/^[\x21-\x7e]+$/.test(passphrase))
    throw new SendenseError('repository.key', `${where} is not one line of ASCII without spaces`, { remedy });
  return { id: keyIdOf(passphrase), passphrase };
}

/**
 * @param current key for new chains; null where encryption is off
 * @param older keys that only read
 */
export function imageKeys(repository: string, current: ImageKey | null, older: readonly ImageKey[] = []): ImageKeys {
  const all = [...(current ? [current] : []), ...older];
  return {
    current,
    has: (wanted) => all.some(({ id }) => id === wanted),
    of({ encryption }) {
      if (!encryption) return null;
      const key = all.find(({ id }) => id === encryption.key_id);
      if (key) return key;
      const known = all.length === 0 ? 'no key is set' : `${all.map(({ id }) => id).join(', ')} is not the one`;
      throw new SendenseError(
        'repository.key',
        `repository ${repository}: the image is encrypted with key ${encryption.key_id}; ${known}`,
      );
    },
  };
}

/** How a new chain is encrypted. */
export const encryptionOf = ({ current }: ImageKeys): DiskEncryption | null =>
  current && { format: 'luks', key_id: current.id };

interface StoredEncryption {
  readonly encryption?: DiskEncryption | null | undefined;
}

/** Why nothing is built on a disk of that restore point; null: it is encrypted as new ones are. A chain has one key. */
export function encryptionChange({ current }: ImageKeys, point: string, disk: StoredEncryption): string | null {
  const before = disk.encryption?.key_id ?? null;
  const now = current?.id ?? null;
  if (before === now) return null;
  if (before === null) return `encryption is on now, and ${point} is not encrypted`;
  if (now === null) return `encryption is off now, and ${point} is encrypted`;
  return `the key is ${now} now, and ${point} is encrypted with key ${before}`;
}

/** What to warn of where a restore point cannot be read with the keys that are set. */
export function lostKeys(
  keys: ImageKeys,
  point: { readonly backup_id: string; readonly disks: readonly StoredEncryption[] },
): string[] {
  const ids = new Set(point.disks.flatMap(({ encryption }) => (encryption ? [encryption.key_id] : [])));
  return [...ids]
    .filter((id) => !keys.has(id))
    .map(
      (id) =>
        `restore point ${point.backup_id} is encrypted with key ${id}, which is not set: to restore it, add that key under \`encryption.keys\``,
    );
}

/** Of a repository that never had a key. */
export const noKeys = imageKeys('', null);
