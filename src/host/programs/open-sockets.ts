import { readdirSync, readlinkSync } from 'node:fs';

/** How many sockets a process has open: what it listens at, and its connections; 0 where it has ended. Source: proc(5). */
export function openSockets(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).filter((name) =>
      readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:'),
    ).length;
  } catch {
    return 0;
  }
}
