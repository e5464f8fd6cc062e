import { SendenseError } from '../errors/sendense-error.ts';
import { waitUntilGone, terminate } from '../host/programs/process-identity.ts';
import { stopServersIn } from '../host/programs/stop-servers-in.ts';
import type { State } from '../state/database/open-state.ts';
import { changeBoot, type BootRow } from '../state/boots/boots.ts';
import { withBoot } from './claim.ts';
import { atMonitor, guestProcess, runState } from './monitor.ts';
import { stopMs } from './remove-boot.ts';

interface Switching {
  readonly state: State;
  readonly id: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Switches a VM off, and stops what serves its disks. What the guest wrote stays, and so does all else. While the guest shuts down others
 * may pull its plug, or end the VM.
 * @param graceMs for how long the guest may shut down; 0: its plug is pulled
 * @throws SendenseError `boot.failed` where the guest does not shut down, as `withBoot`
 */
export async function switchOff({ state, id, signal }: Switching, graceMs: number): Promise<void> {
  if (graceMs > 0) {
    const guest = await withBoot(state, id, async ({ folder }) => askGuest(folder), { signal });
    if (guest !== null && !(await waitUntilGone(guest, graceMs, signal)))
      throw new SendenseError('boot.failed', `the guest of ${id} has not shut down within ${graceMs / 1000} s`, {
        remedy: 'Look at it with `boot status --screenshot FILE`, then again; `--force` pulls its plug.',
      });
  }
  await withBoot(state, id, (row) => settleOff(state, row, graceMs > 0, signal), { signal });
}

/** @param isKept a guest that runs has been started again since, by somebody else */
async function settleOff(
  state: State,
  { id, folder }: BootRow,
  isKept: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const guest = await guestProcess(folder);
  if (guest !== null && isKept) return;
  if (guest !== null) await terminate(guest, { againMs: 500 });
  changeBoot(state, id, { wanted: 'off', paused: null });
  // They only read.
  await stopServersIn(folder, { graceMs: stopMs, signal });
}

/** As its power button would. One that is paused has to go on for it. @returns its process; null: it is off */
async function askGuest(folder: string): Promise<Awaited<ReturnType<typeof guestProcess>>> {
  const guest = await guestProcess(folder);
  if (guest !== null)
    await atMonitor(folder, async (ask) => {
      if ((await runState(ask)) !== 'running') await ask('cont');
      await ask('system_powerdown');
    });
  return guest;
}
