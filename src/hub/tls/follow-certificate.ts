import type { Server } from 'node:tls';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { HubLog } from '../hub-log.ts';
import { readCertificate, type CertificateFiles, type HubCertificate } from './hub-certificate.ts';

/** How often the files are looked at, ms. Tools that renew certificates replace them in many ways; reading finds all of them. */
const lookMs = 10_000;

/** Older than what TLS 1.2 and 1.3 have is refused; 1.3 alone would keep out tools that are still about. */
export const tlsRules = { minVersion: 'TLSv1.2', honorCipherOrder: true } as const;

export interface FollowOptions {
  readonly files: CertificateFiles;
  readonly first: HubCertificate;
  readonly server: Pick<Server, 'setSecureContext'>;
  readonly log: Pick<HubLog, 'info' | 'warn'>;
  readonly everyMs?: number;
}

/** Takes a new certificate for new connections as soon as its files have one. One that is no good changes nothing. */
export function followCertificate({ files, first, server, log, everyMs = lookMs }: FollowOptions): Disposable {
  let known = first;
  let told = '';
  let looking = false;
  const look = async (): Promise<void> => {
    try {
      const found = await readCertificate(files);
      told = '';
      if (found.cert === known.cert && found.key === known.key) return;
      known = found;
      server.setSecureContext({ ...tlsRules, cert: found.cert, key: found.key });
      log.info({ fingerprint: found.fingerprint }, 'a new certificate');
    } catch (error) {
      const { message } = toSendenseError(error);
      if (message !== told) log.warn(`the certificate stays as it was: ${message}`);
      told = message;
    }
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => (looking = false));
  }, everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
