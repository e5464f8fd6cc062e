import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { runningTask } from './running-task.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';

/** Tasks that change the disks of a VM or its snapshots: none of ours may begin while one of them runs. */
const touchesDisks = /snapshot|consolidat|relocate|migrat|vmotion|revert|clone|export/i;

/**
 * Waits until no task on the VM makes, removes, merges or moves disks, or none of those given by their names.
 * `idle`: how long, ms.
 * @throws SendenseError `vsphere.busy` with the task's name where that takes too long
 */
export async function waitUntilIdle(
  work: SnapshotWork,
  { tasks = touchesDisks, idle = timesOf(work).idle }: { readonly tasks?: RegExp; readonly idle?: number } = {},
): Promise<void> {
  const { look } = timesOf(work);
  const until = performance.now() + idle;
  let said: string | undefined;
  for (;;) {
    const running = await runningTask(work.vsphere, work.vm, tasks, work.signal);
    if (running === null) return;
    const task = running.name;
    if (performance.now() >= until)
      throw new SendenseError(
        'vsphere.busy',
        `vSphere still runs ${task} on this VM after ${Math.round(idle / 1000)} s`,
        {
          details: { task },
        },
      );
    if (task !== said) work.log(`waiting: vSphere runs ${task} on this VM`);
    said = task;
    await delay(look, undefined, { signal: work.signal });
  }
}
