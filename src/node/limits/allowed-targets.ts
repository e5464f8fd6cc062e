import { lstat, realpath } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, isAbsolute } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseNbdUri, tcpUri, tlsUri, type NbdAddress } from '../../host/nbd/nbd-uri.ts';
import { allowedAddress, type HostRule } from './allowed-hosts.ts';

/**
 * What a caller may name as targets of disks: hosts by the rule of `allowed-hosts.ts`, with or without a key. Unix sockets: only a caller over a
 * Unix socket, who is this user, in folders of this user alone.
 * @param field that has them
 * @returns the same targets with addresses in the place of names: who connects later connects to what was looked at here
 * @throws SendenseError `request.invalid` with the field
 */
export async function allowedTargets(nbdTargets: string, rule: HostRule, field = 'nbd_targets'): Promise<string> {
  const refused: Refuse = (target, why, remedy) =>
    new SendenseError('request.invalid', `${field}: ${JSON.stringify(target)} ${why}`, {
      details: { field: `/${field}` },
      ...(remedy === undefined ? {} : { remedy }),
    });
  const allowed: string[] = [];
  for (const target of nbdTargets.split(',')) {
    const key = target.slice(0, target.indexOf(':'));
    const uri = target.slice(key.length + 1);
    const address = parseNbdUri(uri);
    if (address === null)
      throw refused(target, 'is not key:nbd://host:port/export, key:nbds://… or key:nbd+unix:///export?socket=PATH');
    allowed.push(`${key}:${await allowedUri(target, uri, { address, rule, refused })}`);
  }
  return allowed.join(',');
}

type Refuse = (target: string, why: string, remedy?: string) => SendenseError;

async function allowedUri(
  target: string,
  uri: string,
  { address, rule, refused }: { readonly address: NbdAddress; readonly rule: HostRule; readonly refused: Refuse },
): Promise<string> {
  if (address.kind === 'unix') {
    if (rule.peer !== null) throw refused(target, 'is a Unix socket, which only a hub of the same user may name');
    if (await isPrivateSocket(address.socket)) return uri;
    throw refused(target, 'is not a socket of this user in a folder that it alone can open');
  }
  const { host, port, exportName } = address;
  const allowed = await allowedAddress(host, rule);
  if ('problem' in allowed) throw refused(target, `is not allowed: ${allowed.problem}`, allowed.remedy);
  if (isIP(host) !== 0) return uri;
  const to = allowed.address;
  return address.kind === 'tls' ? tlsUri(to, port, exportName, address.identity) : tcpUri(to, port, exportName);
}

async function isPrivateSocket(path: string): Promise<boolean> {
  if (!isAbsolute(path)) return false;
  try {
    const folder = await lstat(await realpath(dirname(path)));
    const own = process.getuid?.() ?? 0;
    if (folder.uid !== own || (folder.mode & 0o077) !== 0) return false;
    // One that is not there yet, or not any more: in this folder nobody else makes it.
    const socket = await lstat(path).catch(() => null);
    return socket === null || (socket.isSocket() && socket.uid === own);
  } catch {
    return false;
  }
}
