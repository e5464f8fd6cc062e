import { setTimeout as delay } from 'node:timers/promises';
import { faultOf } from '../fault.ts';
import { changeVm } from '../new-vm/marked-vm.ts';
import type { Vsphere } from '../vsphere.ts';
import { waitUntilIdle } from '../wait-until-idle.ts';
import type { Moref } from '../xml.ts';

export interface ChangeOptions {
  /** What it waits for. */
  log?(message: string): void;
  readonly signal?: AbortSignal | undefined;
}

/** Also a change of its own whose answer was lost. */
const works = /snapshot|consolidat|relocate|migrat|vmotion|revert|clone|export|reconfigure/i;

const mostTries = 20;
const pauseMs = 1000;

/**
 * Changes a VM when nobody works on its disks or its snapshots: a backup that begins or ends just now is waited for.
 * @throws SendenseError `vsphere.busy`, and what `changeVm` throws
 */
export async function changeIdle(
  vsphere: Vsphere,
  object: Moref,
  decide: Parameters<typeof changeVm>[2],
  { log = () => undefined, signal }: ChangeOptions,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    await waitUntilIdle({ vsphere, vm: object, signal, log, warn: log }, { tasks: works });
    try {
      return await changeVm(vsphere, object, decide, signal);
    } catch (error) {
      // It began between the look and the change.
      if (faultOf(error)?.name !== 'TaskInProgress' || tries === mostTries) throw error;
      await delay(pauseMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
