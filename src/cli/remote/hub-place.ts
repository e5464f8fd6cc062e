import { statSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shellWord } from '../../view/text.ts';

/** A hub that is asked over HTTP, and how to be sure that it is the one. */
export interface HubPlace {
  /** As it was written, without what stands after the host and port. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Secret. */
  readonly token: string;
  readonly trust: HubTrust;
  /** The words of the command line that name this hub, for commands that a report tells to type. */
  readonly words: string;
}

/** Which certificate counts: one of the system's authorities, of these authorities, or this one. */
export type HubTrust = { readonly ca: string } | { readonly sha256: string } | 'system';

interface HubWords {
  readonly hub?: string;
  readonly tokenFile?: string;
  readonly hubCertificate?: string;
  readonly plainHttp?: boolean;
}

/**
 * The hub that the options name; undefined: this machine is it.
 * @throws SendenseError `usage`, `remote.token`
 */
export function hubAsked(options: Readonly<Record<string, unknown>>): HubPlace | undefined {
  const { hub, tokenFile, hubCertificate, plainHttp = false } = options as HubWords;
  if (hub === undefined) {
    if (tokenFile !== undefined || hubCertificate !== undefined || plainHttp)
      throw usage('--token-file, --hub-certificate and --plain-http are for --hub', 'Name the hub: `--hub URL`.');
    return undefined;
  }
  if (options['config'] !== undefined)
    throw usage('you cannot use --config together with --hub', 'The hub has settings of its own. Leave out --config.');
  if (tokenFile === undefined)
    throw usage(
      '--hub needs a token',
      'Name its file: `--token-file FILE`. `sendense-run token create`, at the hub, makes one.',
    );
  const url = urlOf(hub);
  const tls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!tls && !plainHttp && !isLoopback(host))
    throw usage(
      `${hub} sends the token and all answers without encryption`,
      'Use https, reach the hub through SSH (`ssh -L 8082:127.0.0.1:8082 HUB`), or say --plain-http if the network is yours alone.',
    );
  if (!tls && hubCertificate !== undefined)
    throw usage(`${hub} has no certificate: it is not https`, 'Leave out --hub-certificate.');
  return {
    url: url.origin,
    host,
    port: Number(url.port) || (tls ? 443 : 80),
    tls,
    token: tokenIn(tokenFile),
    trust: trustIn(hubCertificate),
    words: [
      '',
      `--hub ${shellWord(hub)}`,
      `--token-file ${shellWord(tokenFile)}`,
      ...(hubCertificate === undefined ? [] : [`--hub-certificate ${shellWord(hubCertificate)}`]),
      ...(plainHttp ? ['--plain-http'] : []),
    ].join(' '),
  };
}

/** @throws SendenseError `usage` */
function urlOf(text: string): URL {
  const url = URL.parse(text);
  const plain = url && /^https?:$/.test(url.protocol) && /^\/?$/.test(url.pathname) && url.search + url.hash === '';
  if (url && plain && url.username + url.password === '') return url;
  throw usage(`--hub ${text} is not the address of a hub`, 'Write for example https://hub.example.com:8082.');
}

/** Names that lead to this machine, whatever somebody says of them. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** @throws SendenseError `remote.token` */
function tokenIn(file: string): string {
  const refuse = (why: string, remedy?: string): SendenseError =>
    new SendenseError('remote.token', `${file} ${why}`, remedy === undefined ? {} : { remedy });
  let text: string;
  try {
    const { uid, mode } = statSync(file);
    if (uid !== process.geteuid?.()) throw refuse('belongs to another user');
    if ((mode & 0o077) !== 0)
      throw refuse(
        'can be read by others',
        `Run \`chmod 600 ${shellWord(file)}\`. If others were on this machine, make a new token.`,
      );
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof SendenseError) throw error;
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (/^[\x21-\x7e]{1,200}$/.test(text)) return text;
  throw refuse(text === '' ? 'is empty' : 'holds no token: it must have one line');
}

/** A fingerprint, or a file of certificates. @throws SendenseError `usage` */
function trustIn(text: string | undefined): HubTrust {
  if (text === undefined) return 'system';
  const hex = text.replace(/^sha-?256:?/i, '').replaceAll(':', '');
  if (/^[0-9a-fA-F]{64}$/.test(hex)) return { sha256: hex.toUpperCase() };
  let ca: string;
  try {
    ca = readFileSync(text, 'utf8');
  } catch (error) {
    throw usage(
      `--hub-certificate ${text} is no fingerprint and no file that can be read (${(error as NodeJS.ErrnoException).code})`,
      'Name a file in PEM form, or the SHA-256 fingerprint, 64 hex digits.',
    );
  }
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ca };
  throw usage(`${text} holds no certificate in PEM form`, 'It begins with -----BEGIN CERTIFICATE-----.');
}

const usage = (message: string, remedy: string): SendenseError => new SendenseError('usage', message, { remedy });
