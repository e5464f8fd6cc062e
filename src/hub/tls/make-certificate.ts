import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { bits, explicit, implicit, integer, octets, oid, sequence, set, time, utf8, yes } from './der.ts';

export interface MadeCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

const day = 86_400_000;
const lifeMs = 3650 * day;

const ids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/**
 * A certificate that signs itself (RFC 5280), with a new key on P-256, for ten years. It signs nothing else.
 * @param names names and addresses under which the server is known; the first one is its own
 */
export function makeCertificate(names: readonly string[], now = Date.now()): MadeCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(ids.ecdsaWithSha256));
  // At most 64 characters (RFC 5280, appendix A.1).
  const name = sequence(set(sequence(oid(ids.commonName), utf8((names[0] ?? 'sendense-hub').slice(0, 64)))));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certified = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name,
    sequence(time(now - day), time(now + lifeMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, extensionsFor(names)),
  );
  const signature = sign('sha256', certified, privateKey);
  return {
    certificate: pem('CERTIFICATE', sequence(certified, algorithm, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

const extensionsFor = (names: readonly string[]): Buffer =>
  sequence(
    sequence(oid(ids.basicConstraints), yes, octets(sequence())),
    // digitalSignature
    sequence(oid(ids.keyUsage), yes, octets(bits(Buffer.from([0x80]), 7))),
    sequence(oid(ids.extendedKeyUsage), octets(sequence(oid(ids.serverAuth)))),
    sequence(oid(ids.subjectAltName), octets(sequence(...names.map(altName)))),
  );

/** dNSName or iPAddress. */
const altName = (name: string): Buffer =>
  isIPv4(name) || isIPv6(name) ? implicit(7, addressBytes(name)) : implicit(2, Buffer.from(name, 'ascii'));

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The parser of URLs writes it out: no embedded IPv4 address.
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const all = [...before, ...(tail === undefined ? [] : zeros), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der
    .toString('base64')
    .replaceAll(/.{64}/g, '$&\n')
    .trimEnd()}\n-----END ${label}-----\n`;
