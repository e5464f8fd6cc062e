import { lookup } from 'node:dns/promises';
import { lstat, realpath } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, isAbsolute } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { parseNbdUri, type NbdAddress } from '../host/nbd-uri.ts';

/** Who asks: the address of a TCP peer, or a caller over a Unix socket, who is this user. */
export type Caller = { readonly peer: string } | 'this user';

/**
 * What a caller may name as targets of disks: the loopback address, where tunnels end; its own address; any other with a key (`nbds:`), for then a
 * disk goes to nobody else. Unix sockets: only a caller over a Unix socket, in folders of this user alone.
 * @throws SendenseError `request.invalid` with the field
 */
export async function assertTargets(nbdTargets: string, caller: Caller): Promise<void> {
  for (const target of nbdTargets.split(',')) {
    const uri = target.slice(target.indexOf(':') + 1);
    const address = parseNbdUri(uri);
    if (address === null)
      throw refused(target, 'is not key:nbd://host:port/export, key:nbds://… or key:nbd+unix:///export?socket=PATH');
    const why = await problem(address, caller);
    if (why !== null) throw refused(target, why);
  }
}

async function problem(address: NbdAddress, caller: Caller): Promise<string | null> {
  if (address.kind === 'unix') {
    if (caller !== 'this user') return 'is a Unix socket, which only a hub of the same user may name';
    return (await isPrivateSocket(address.socket))
      ? null
      : 'is not a socket of this user in a folder that it alone can open';
  }
  if (isLoopback(address.host) || address.kind === 'tls') return null;
  if (caller !== 'this user' && (await isAt(address.host, caller.peer))) return null;
  const itself = caller === 'this user' ? '' : ` nor that of the caller (${caller.peer}),`;
  return `is not at the loopback address, where the tunnel to the hub ends,${itself} and has no key (nbds://)`;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host);

/** As the peer's address is told where both families are listened to. */
const plain = (address: string): string => address.replace(/^::ffff:/, '');

async function isAt(host: string, peer: string): Promise<boolean> {
  if (isIP(host) !== 0) return plain(host) === plain(peer);
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.some(({ address }) => plain(address) === plain(peer));
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

const refused = (target: string, why: string): SendenseError =>
  new SendenseError('request.invalid', `nbd_targets: ${JSON.stringify(target)} ${why}`, {
    details: { field: '/nbd_targets' },
  });
