import { stopServersIn } from '../host/programs/stop-servers-in.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { guestProcess } from './monitor.ts';
import { stopMs } from './remove-boot.ts';

/** Stops what serves the disks of a VM, unless its guest is on. It only reads. */
export async function endIdleServers({ folder }: Pick<BootRow, 'folder'>): Promise<void> {
  if ((await guestProcess(folder)) === null) await stopServersIn(folder, { graceMs: stopMs });
}
