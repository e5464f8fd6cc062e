import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, publishFile, writeNewFile } from '../../host/files/files.ts';
import { readNamedFile } from '../../host/files/named-file.ts';
import { makeCertificate } from './make-certificate.ts';

/** Where certificate and key of the hub's API are; one file may have both. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** The hub makes them where there are none. */
  readonly made: boolean;
}

/** What the API speaks TLS with. */
export interface HubCertificate {
  /** PEM; the whole chain, its own first. */
  readonly cert: string;
  /** PEM. A secret. */
  readonly key: string;
  /** SHA-256, `AB:CD:…`. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/**
 * Reads certificate and key, and makes them first where the hub has to.
 * @param hosts names that the settings give the hub
 * @throws SendenseError `hub.certificate`
 */
export async function hubCertificate(files: CertificateFiles, hosts: readonly string[]): Promise<HubCertificate> {
  if (files.made && !existsSync(files.certificate)) await make(files.certificate, namesOf(hosts));
  return await readCertificate(files);
}

/** @throws SendenseError `hub.certificate` for what cannot be read, does not fit together, or others could read */
export async function readCertificate({ certificate, key: keyFile }: CertificateFiles): Promise<HubCertificate> {
  const cert = await read(certificate);
  const key = keyFile === certificate ? cert : await read(keyFile);
  await assertPrivate(keyFile);
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(cert);
  } catch (cause) {
    throw unusable(certificate, 'holds no certificate in PEM form', cause);
  }
  let fits: boolean;
  try {
    fits = parsed.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw unusable(keyFile, 'holds no private key in PEM form without a passphrase', cause);
  }
  if (!fits) throw unusable(keyFile, `holds a key that is not that of the certificate in ${certificate}`);
  return { cert, key, fingerprint: parsed.fingerprint256, expires: Date.parse(parsed.validTo) };
}

/** Links are followed: tools that renew certificates change where they lead. A group may read it, as Debian's `ssl-cert`. */
async function assertPrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o027) === 0) return;
  throw unusable(file, `has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others can read or change the key`);
}

async function make(file: string, names: readonly string[]): Promise<void> {
  const folder = dirname(file);
  const temporary = `${file}.${randomUUID()}.sendense-part`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { certificate, key } = makeCertificate(names);
    await writeNewFile(temporary, `${key}${certificate}`, 0o600);
    await publishFile(temporary, file);
    await fsyncFolder(folder);
  } catch (error) {
    // Another process was first: its certificate is the one.
    if (error instanceof SendenseError && error.code === 'file.exists') return;
    throw unusable(file, `cannot be made (${(error as Error).message})`, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Under which the hub may be reached: what the settings say, its host name, and its addresses. */
function namesOf(hosts: readonly string[]): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const own = hostname().toLowerCase();
  const usual = /^[a-z0-9.-]{1,253}$/.test(own) ? [own] : [];
  const routed = addresses.filter((address) => !address.toLowerCase().startsWith('fe80:'));
  return [...new Set([...hosts, ...usual, 'localhost', '127.0.0.1', '::1', ...routed])];
}

async function read(file: string): Promise<string> {
  try {
    return (await readNamedFile(file)).toString('utf8');
  } catch (cause) {
    throw unusable(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

const unusable = (file: string, why: string, cause?: unknown): SendenseError =>
  new SendenseError('hub.certificate', `${file} ${why}`, cause === undefined ? {} : { cause });
