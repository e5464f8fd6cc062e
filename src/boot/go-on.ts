import { openSockets } from '../host/programs/open-sockets.ts';
import { findByPidFile } from '../host/nbd/qemu-nbd.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { serverPidFile } from './boot-files.ts';
import { bootMachineOf } from './boot-machine.ts';
import { diskFiles } from './disk-files.ts';
import { nodeNames } from './guest-args.ts';
import type { Ask } from './monitor.ts';

/** When a guest that an error of a disk has paused was let go on, ms; by the id of its VM. */
const tried = new Map<string, number>();
const betweenMs = 3_000;

interface Device {
  readonly 'io-status'?: 'ok' | 'failed' | 'nospace';
  readonly 'inserted'?: { readonly 'node-name': string };
}

/**
 * Lets a guest go on that an error of a disk has paused: it asks its disk once more. Without its connection to the server, which QEMU looks
 * for by itself every 16 seconds or sooner, that would fail at once; so the connection is waited for.
 * @returns whether it was let go on
 */
export async function goOn(ask: Ask, row: BootRow): Promise<boolean> {
  if (performance.now() - (tried.get(row.id) ?? -Infinity) < betweenMs) return false;
  const devices = (await ask('query-block')) as readonly Device[];
  const { disks, machine } = bootMachineOf(row);
  for (const [index, { number }] of machine.disks.entries()) {
    const { top, moved } = nodeNames(index);
    const device = devices.find(
      ({ inserted }) => inserted !== undefined && (inserted['node-name'] === top || inserted['node-name'] === moved),
    );
    const disk = disks.find((one) => one.number === number);
    if (!disk || (device?.['io-status'] ?? 'ok') === 'ok' || !diskFiles(row, disk).onChain) continue;
    const server = await findByPidFile(serverPidFile(row.folder, number));
    // What it listens at is one of them.
    if (server === null || openSockets(server.pid) < 2) return false;
  }
  tried.set(row.id, performance.now());
  await ask('cont');
  return true;
}
