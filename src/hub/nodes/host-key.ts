import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, publishFile, writeNewFile } from '../../host/files/files.ts';
import { makeKeyPair, parsePublicKey } from '../../host/ssh/keys.ts';
import type { HubPlaces } from './hub-places.ts';
import { readNamedFile } from '../../host/files/named-file.ts';

export interface HostKey {
  /** OpenSSH format. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
}

/**
 * The host key of the built-in server; made on first use (Ed25519, mode 0600).
 * @throws SendenseError `hub.host-key` for a file that others can read or that is no key
 */
export async function builtinHostKey(file: string): Promise<HostKey> {
  if (!existsSync(file)) await makeHostKey(file);
  const facts = await lstat(file);
  if (!facts.isFile()) throw unusable(file, 'is not a plain file');
  if ((facts.mode & 0o077) !== 0)
    throw unusable(file, `has mode ${(facts.mode & 0o777).toString(8).padStart(4, '0')}: others may have read it`);
  const privateKey = await read(file);
  const { ssh2 } = await import('../../host/ssh/ssh2.ts');
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || Array.isArray(parsed) || !parsed.isPrivateKey())
    throw unusable(file, 'holds no private key in OpenSSH format without a passphrase');
  const publicKey = parsePublicKey(`${parsed.type} ${parsed.getPublicSSH().toString('base64')}`);
  if (publicKey === null) throw unusable(file, `holds a weak key (${parsed.type})`);
  return { privateKey, publicKey };
}

/** What nodes pin, of whichever server answers them. @throws SendenseError `hub.host-key` */
export async function hostKeyToPin(places: Pick<HubPlaces, 'ssh' | 'hostKeyFile'>): Promise<string> {
  const { ssh, hostKeyFile: file } = places;
  if (ssh === 'builtin') return (await builtinHostKey(file)).publicKey;
  return readPublicKey(file.endsWith('.pub') ? file : `${file}.pub`);
}

async function makeHostKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomUUID()}.sendense-part`;
  try {
    await writeNewFile(temporary, makeKeyPair('sendense-hub').privateKey, 0o600);
    await publishFile(temporary, file);
  } catch (error) {
    // Another process was first: its key is the one.
    if (!(error instanceof SendenseError && error.code === 'file.exists')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await fsyncFolder(dirname(file));
}

async function readPublicKey(file: string): Promise<string> {
  const key = parsePublicKey(await read(file));
  if (key === null) throw unusable(file, 'holds no public key');
  return key;
}

async function read(file: string): Promise<string> {
  try {
    return (await readNamedFile(file)).toString('utf8');
  } catch (cause) {
    throw unusable(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

const unusable = (file: string, why: string, cause?: unknown): SendenseError =>
  new SendenseError('hub.host-key', `${file} ${why}`, cause === undefined ? {} : { cause });
