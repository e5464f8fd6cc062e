import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename } from 'node:path';
import { argvOf } from '../programs/process-identity.ts';
import { accountName } from '../trust/accounts.ts';

/** Who listens on ports of this host. */
export interface PortUser {
  readonly ports: readonly number[];
  /** For messages: `qemu-nbd (process 4711)`, of others `python3 (process 4711) of user bob`, or `a program of user bob` where it cannot be seen. */
  readonly text: string;
  /** Whether it is this very user. */
  readonly isOurs: boolean;
}

/**
 * The process that listens on a TCP port of this host, as `qemu-nbd (process 4711)`, for messages; null where none does or
 * it cannot be seen (another user's, without root). From /proc/net/tcp and /proc/<pid>/fd, proc(5).
 * @param host who listens at this IPv4 address, or at all; default: at any
 */
export function portHolder(port: number, host?: string): string | null {
  const sockets = listenersOn([port], host).map(({ socket }) => socket);
  return sockets.length === 0 ? null : programWith(new Set(sockets));
}

/** The same, and whose it is where that is another user: that can be told of all, only not always which program. Null where none listens there. */
export const portUser = (port: number, host?: string): string | null => portUsers([port], host)[0]?.text ?? null;

/** Who listens on some of these ports, one entry for each user; nobody listens on those that are in no entry. */
export function portUsers(ports: readonly number[], host?: string): PortUser[] {
  const found = Map.groupBy(listenersOn(ports, host), ({ uid }) => uid);
  return [...found].map(([uid, listeners]) => {
    const isOurs = uid === process.geteuid?.();
    const program = programWith(new Set(listeners.map(({ socket }) => socket))) ?? 'a program';
    return {
      ports: [...new Set(listeners.map(({ port }) => port))].toSorted((a, b) => a - b),
      text: isOurs ? program : `${program} of user ${nameOf(uid)}`,
      isOurs,
    };
  });
}

interface Listener {
  readonly port: number;
  readonly uid: number;
  /** As the links of /proc/<pid>/fd name it. */
  readonly socket: string;
}

function listenersOn(ports: readonly number[], host?: string): Listener[] {
  const wanted = new Set(ports);
  const at = host !== undefined && isIPv4(host) ? inTable(host) : null;
  return ['tcp', 'tcp6'].flatMap((table) => listenersIn(table, wanted, at));
}

const listening = '0A';
/** ::ffff:0:0/96, as it stands before an IPv4 address there. */
const mapped = '0000000000000000FFFF0000';

function listenersIn(table: string, ports: ReadonlySet<number>, at: string | null): Listener[] {
  return readOr('', () => readFileSync(`/proc/net/${table}`, 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter((fields) => fields[3] === listening)
    .flatMap(([, local = '', , , , , , uid, , inode]) => {
      const [address = '', port = ''] = local.split(':');
      const isThere = at === null || address === at || address === `${mapped}${at}` || /^0+$/.test(address);
      const found = Number.parseInt(port, 16);
      return isThere && ports.has(found) ? [{ port: found, uid: Number(uid), socket: `socket:[${inode}]` }] : [];
    });
}

/** 127.0.0.1 is 0100007F there, where bytes are stored as on x86 and ARM. */
const inTable = (host: string): string =>
  host
    .split('.')
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .toReversed()
    .join('');

function programWith(sockets: ReadonlySet<string>): string | null {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)))
    if (socketsOf(pid).some((socket) => sockets.has(socket)))
      return `${basename(argvOf(Number(pid))[0] ?? '') || 'a program'} (process ${pid})`;
  return null;
}

function socketsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return readOr([], () => readdirSync(folder)).map((name) => readOr('', () => readlinkSync(`${folder}/${name}`)));
}

/** Where /etc/passwd does not have it, by its number: a user of a directory service. */
const nameOf = (uid: number): string => accountName('/etc/passwd', uid) ?? `with uid ${uid}`;

function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
