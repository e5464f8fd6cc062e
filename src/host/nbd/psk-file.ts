import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whose key it is: qemu-nbd looks it up by this name. */
export const pskIdentity = 'sendense';

/** A fresh pre-shared key, 32 random bytes, hex. A secret. */
export const makePsk = (): string => randomBytes(32).toString('hex');

/** The key file of a folder, by the name under which qemu-nbd looks for it. */
export const pskFileIn = (folder: string): string => join(folder, 'keys.psk');

/** Puts a key into a folder of its own, for this user alone, in the form of GnuTLS' psktool. */
export async function writePsk(folder: string, psk: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(pskFileIn(folder), `${pskIdentity}:${psk}\n`, { mode: 0o600 });
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
