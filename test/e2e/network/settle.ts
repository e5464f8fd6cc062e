import { expect, vi } from 'vitest';
import type { RunEvent } from '../../../src/schemas/types.ts';
import type { RunOutcome } from '../workspace.ts';
import { patience, type Site } from './site.ts';
import type { TestVm } from './vm.ts';
import { printedRandom } from '../../support/random.ts';

/** Calls `act` once: as soon as that part of the bytes of the run has moved. */
export function whenMoved(part: number, act: () => void): (event: RunEvent) => void {
  let done = false;
  return (event) => {
    if (done || event.type !== 'step.progress') return;
    const sum = (key: 'bytes_done' | 'bytes_total'): number =>
      event.disks.reduce((all, disk) => all + (disk[key] ?? 0), 0);
    if (sum('bytes_done') === 0 || sum('bytes_done') < part * sum('bytes_total')) return;
    done = true;
    act();
  };
}

/** A moment of a run, as a part of its bytes, so long before the end that what begins then happens before it on a busy machine too. */
export const someMoment = (): number =>
  0.02 + 0.6 * printedRandom(`moment of ${expect.getState().currentTestName}`).part();

/**
 * After something broke in a run: where it succeeded the disks are as the VM's. Where not, `recover` cleans up. Either
 * way nothing is left, and the next run works.
 */
export async function settle(site: Site, vm: TestVm, outcome: RunOutcome | null): Promise<void> {
  if (outcome?.exitCode === 0 || outcome?.exitCode === 3) await vm.expectRestored();
  else {
    await site.connected();
    // A node that was away is back now, but who kept trying to reach it need not know that yet.
    await vi.waitFor(async () => expect(await site.work.call(['recover'])).toMatchObject({ exitCode: 0 }), patience);
  }
  await site.expectNothingLeft();
  await vm.change(1);
  await site.connected();
  const next = await vm.back();
  expect(next.exitCode, JSON.stringify(next.finished) + next.stderr).toBe(0);
  await vm.expectRestored();
  await site.expectNothingLeft();
}
