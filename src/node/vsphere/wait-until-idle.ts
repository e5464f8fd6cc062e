import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';
import { list, moref, optionalText } from './xml.ts';

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
    const task = await runningTask(work, tasks);
    if (task === null) return;
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

async function runningTask({ vsphere, vm, signal }: SnapshotWork, wanted: RegExp): Promise<string | null> {
  const options = signal ? { signal } : {};
  const [found] = await vsphere.properties([vm], ['recentTask'], options);
  const tasks = list(found?.values.get('recentTask'), 'ManagedObjectReference').map((task) => moref(task));
  if (tasks.length === 0) return null;
  const infos = await vsphere.properties(tasks, ['info.state', 'info.descriptionId', 'info.name'], options);
  for (const { values } of infos) {
    const state = optionalText(values.get('info.state'));
    const name = optionalText(values.get('info.descriptionId')) ?? optionalText(values.get('info.name')) ?? 'a task';
    if ((state === 'running' || state === 'queued') && wanted.test(name)) return name;
  }
  return null;
}
