import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Addresses (as /proc/net/tcp has them) at which these processes listen by TCP. Source: proc_net(5). */
export function tcpListenersOf(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6']
    .flatMap((table) => lines(`/proc/net/${table}`).slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
    .map(([, local = '']) => local);
}

/** Processes that have this variable of this value in their environment. */
export const processesWith = (name: string, value: string): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .map(Number)
    .filter((pid) => text(`/proc/${pid}/environ`).split('\0').includes(`${name}=${value}`));

export const argvOf = (pid: number): string[] => text(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[([0-9]+)\]$/.exec(link(pid, fd))?.[1] ?? []);
  } catch {
    return [];
  }
}

const link = (pid: number, fd: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
};

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const lines = (path: string): string[] => text(path).split('\n').filter(Boolean);
