import type { Vsphere } from './vsphere.ts';
import { list, moref, optionalText, type Moref } from './xml.ts';

export interface RunningTask {
  readonly task: Moref;
  /** vSphere's name for what it does: `VirtualMachine.powerOn`. */
  readonly name: string;
}

/** A task that runs, or is to run, on a VM. @param wanted its name @returns null: there is none */
export async function runningTask(
  vsphere: Vsphere,
  vm: Moref,
  wanted: RegExp,
  signal?: AbortSignal,
): Promise<RunningTask | null> {
  const options = signal ? { signal } : {};
  const [found] = await vsphere.properties([vm], ['recentTask'], options);
  const tasks = list(found?.values.get('recentTask'), 'ManagedObjectReference').map((task) => moref(task));
  if (tasks.length === 0) return null;
  const infos = await vsphere.properties(tasks, ['info.state', 'info.descriptionId', 'info.name'], options);
  for (const { object, values } of infos) {
    const state = optionalText(values.get('info.state'));
    const name = optionalText(values.get('info.descriptionId')) ?? optionalText(values.get('info.name')) ?? 'a task';
    if ((state === 'running' || state === 'queued') && wanted.test(name)) return { task: object, name };
  }
  return null;
}
