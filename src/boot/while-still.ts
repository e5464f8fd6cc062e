import { SendenseError } from '../errors/sendense-error.ts';
import type { State } from '../state/database/open-state.ts';
import { changeBoot, findBoot, type BootRow } from '../state/boots/boots.ts';
import { atMonitor, guestProcess, runState } from './monitor.ts';

/** How the guest was while something was done to its disks. */
export type Stillness = 'paused' | 'off';

const why = '`boot keep` copies what it wrote';

/**
 * Does something while the guest writes nothing, and all that it has flushed is in its files: as after a power cut, or as it shut down. A
 * guest that runs is paused for it, and goes on afterwards; where this process dies, who looks after the VM lets it go on. The caller has
 * claimed the VM.
 * @throws SendenseError `boot.failed`, also where the guest went on meanwhile: what was done may have seen two times at once
 */
export async function whileStill<T>(state: State, row: BootRow, act: (guest: Stillness) => Promise<T>): Promise<T> {
  if ((await guestProcess(row.folder)) === null) return act('off');
  const isOurs = await atMonitor(row.folder, async (ask) => {
    const ran = (await runState(ask)) === 'running';
    // By these words a pause of ours is known again.
    if (ran) changeBoot(state, row.id, { paused: why });
    // QEMU flushes all disks when it pauses the guest, what it has of them in its own memory too; also of one that is paused already.
    await ask('stop');
    return ran;
  });
  try {
    const done = await act('paused');
    await assertStill(state, row, isOurs);
    return done;
  } finally {
    if (isOurs) await letGoOn(state, row).catch(() => undefined);
  }
}

/** Where that fails, who looks after the VM does it. */
async function letGoOn(state: State, { id, folder }: BootRow): Promise<void> {
  await atMonitor(folder, (ask) => ask('cont'));
  changeBoot(state, id, { paused: null });
}

async function assertStill(state: State, { id, folder }: BootRow, isOurs: boolean): Promise<void> {
  const now = await atMonitor(folder, runState);
  if (now !== 'running' && (!isOurs || findBoot(state, id)?.paused === why)) return;
  throw new SendenseError('boot.failed', 'somebody let the guest go on while it was copied; nothing was kept', {
    remedy: `Say \`sendense-run boot keep ${id}\` again, and leave its guest alone until it has ended.`,
  });
}
