import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whose key it is: qemu-nbd looks it up by this name. */
export const pskIdentity = 'sendense';

/** A fresh pre-shared key, 32 random bytes, hex. A secret. */
export const makePsk = (): string => randomBytes(32).toString('hex');

/** The key file of a folder, by the name under which qemu-nbd looks for it. */
export const pskFileIn = (folder: string): string => join(folder, 'keys.psk');

/**
 * The group ffdhe2048 of RFC 7919. qemu-nbd looks for this file beside the key. If it finds none, QEMU 7.2 computes a group at each start,
 * which takes up to two seconds of processor time (crypto/tlscreds.c: qcrypto_tls_creds_get_dh_params_file). TLS 1.3 does not use it.
 */
const dhParameters = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`;

/** Where qemu-nbd looks for the Diffie-Hellman group. */
export const dhFileIn = (folder: string): string => join(folder, 'dh-params.pem');

/** Puts a key into a folder of its own, for this user alone, in the form of GnuTLS' psktool. */
export async function writePsk(folder: string, psk: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(pskFileIn(folder), `${pskIdentity}:${psk}\n`, { mode: 0o600 });
  await writeFile(dhFileIn(folder), dhParameters, { mode: 0o600 });
}

/** The key of a folder; null where there is none. */
export async function readPsk(folder: string): Promise<string | null> {
  try {
    const line = await readFile(pskFileIn(folder), 'utf8');
    return line.trim().split(':')[1] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
