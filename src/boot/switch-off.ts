import { SendenseError } from '../errors/sendense-error.ts';
import { waitUntilGone, terminate } from '../host/programs/process-identity.ts';
import { stopServersIn } from '../host/programs/stop-servers-in.ts';
import type { State } from '../state/database/open-state.ts';
import { changeBoot, type BootRow } from '../state/boots/boots.ts';
import { atMonitor, guestProcess, runState } from './monitor.ts';
import { stopMs } from './remove-boot.ts';

/**
 * Switches a VM off, and stops what serves its disks. What the guest wrote stays, and so does all else.
 * @param graceMs for how long the guest may shut down; 0: its plug is pulled
 * @throws SendenseError `boot.failed` where the guest does not shut down
 */
export async function switchOff(state: State, row: BootRow, graceMs: number, signal?: AbortSignal): Promise<void> {
  const guest = await guestProcess(row.folder);
  if (guest !== null) {
    if (graceMs > 0) {
      await askGuest(row.folder);
      if (!(await waitUntilGone(guest, graceMs, signal)))
        throw new SendenseError('boot.failed', `the guest of ${row.id} has not shut down within ${graceMs / 1000} s`, {
          remedy: 'Look at it with `boot status --screenshot FILE`, then again; `--force` pulls its plug.',
        });
    } else await terminate(guest, { againMs: 500 });
  }
  changeBoot(state, row.id, { wanted: 'off', paused: null });
  // They only read.
  await stopServersIn(row.folder, { graceMs: stopMs, signal });
}

/** As its power button would. One that is paused has to go on for it. */
const askGuest = (folder: string): Promise<void> =>
  atMonitor(folder, async (ask) => {
    if ((await runState(ask)) !== 'running') await ask('cont');
    await ask('system_powerdown');
  });
