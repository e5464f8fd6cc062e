import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { asKey, readKeyFile } from '../../host/images/key-file.ts';
import { keyIdOf } from './seal.ts';
import { readNamedFileNow } from '../../host/files/named-file.ts';

export interface CredentialKey {
  readonly kind: 'file' | 'systemd';
  readonly path: string;
  /** See {@link keyIdOf}. */
  readonly id: string;
  readonly bytes: Buffer;
}

export const keyFileOf = (statePath: string): string => `${statePath}.key`;
/** The key before the current one, while `rotateKey` is under way or after a crash in the middle of it. */
export const oldKeyFileOf = (statePath: string): string => `${statePath}.key.old`;

/** What credentials are sealed with: systemd's `sendense.key` where the service has one, else the file beside the database. */
export function currentKey(statePath: string): CredentialKey | undefined {
  return systemdKey() ?? fileKey(keyFileOf(statePath));
}

/** @throws SendenseError `credential.key` where there is none */
export function requireKey(statePath: string): CredentialKey {
  const key = currentKey(statePath);
  if (key) return key;
  throw new SendenseError('credential.key', `there is no key file ${keyFileOf(statePath)}`);
}

/** The key of that id, wherever it is. */
export function findKey(statePath: string, id: string): CredentialKey | undefined {
  for (const read of [systemdKey, () => fileKey(keyFileOf(statePath)), () => fileKey(oldKeyFileOf(statePath))]) {
    const key = read();
    if (key?.id === id) return key;
  }
  return undefined;
}

const fileKey = (path: string): CredentialKey | undefined => {
  const bytes = readKeyFile(path);
  return bytes && { kind: 'file', path, id: keyIdOf(bytes), bytes };
};

/** systemd itself sees to it that only this service can read it (systemd.exec(5), LoadCredential=). */
function systemdKey(): CredentialKey | undefined {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') return undefined;
  const path = join(folder, 'sendense.key');
  try {
    const bytes = asKey(readNamedFileNow(path), `the systemd credential ${path}`);
    return { kind: 'systemd', path, id: keyIdOf(bytes), bytes };
  } catch (cause) {
    if (cause instanceof SendenseError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new SendenseError('credential.key', `the systemd credential ${path} cannot be read (${code})`, { cause });
  }
}
