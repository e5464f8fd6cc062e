import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  /** PEM; its own authority. */
  readonly cert: string;
  readonly certFile: string;
}

/** A certificate for 127.0.0.1 and localhost, made in a folder. */
export async function makeCertificate(folder: string, name = 'server'): Promise<Certificate> {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await execa('openssl', ['req', '-x509', ...curve, '-keyout', keyFile, '-out', certFile, ...subject]);
  return { key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8'), certFile };
}
