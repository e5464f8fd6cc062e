import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename } from 'node:path';
import { argvOf } from '../programs/process-identity.ts';

/**
 * The process that listens on a TCP port of this host, as `qemu-nbd (process 4711)`, for messages; null where none does or
 * it cannot be seen (another user's, without root). From /proc/net/tcp and /proc/<pid>/fd, proc(5).
 * @param host who listens at this IPv4 address, or at all; default: at any
 */
export function portHolder(port: number, host?: string): string | null {
  const at = host !== undefined && isIPv4(host) ? inTable(host) : null;
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listenersIn(table, port, at)));
  if (sockets.size === 0) return null;
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)))
    if (socketsOf(pid).some((socket) => sockets.has(socket)))
      return `${basename(argvOf(Number(pid))[0] ?? '') || 'a program'} (process ${pid})`;
  return null;
}

/** Sockets, as the links of /proc/<pid>/fd name them. */
function listenersIn(table: string, port: number, at: string | null): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  return readOr('', () => readFileSync(`/proc/net/${table}`, 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter((fields) => fields[1]?.endsWith(wanted) && fields[3] === listening)
    .filter(([, local = '']) => at === null || local.startsWith(at) || /^0+:/.test(local))
    .map((fields) => `socket:[${fields[9]}]`);
}

/** 127.0.0.1 is 0100007F there, where bytes are stored as on x86 and ARM. */
const inTable = (host: string): string =>
  host
    .split('.')
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .toReversed()
    .join('');

function socketsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return readOr([], () => readdirSync(folder)).map((name) => readOr('', () => readlinkSync(`${folder}/${name}`)));
}

function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
