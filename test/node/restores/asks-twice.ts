import { expect } from 'vitest';
import type { Vcenter } from '../../simulators/vcenter/start-vcenter.ts';
import { until } from '../support.ts';

/**
 * A caller asks, goes away once vSphere is at that task, which cannot be cancelled, and asks again at once.
 * @returns the second answer
 */
export async function asksTwice<T>(
  vcenter: Vcenter,
  method: string,
  ask: (signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  await vcenter.fault('slow-task', { method, ms: 1000, count: 1 });
  await vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
  await vcenter.clearCalls();
  const gone = new AbortController();
  const first = ask(gone.signal);
  await until(async () => (await timesAsked(vcenter, method)) > 0, `${method} is asked for`);
  gone.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  return ask();
}

/** Since the last `clearCalls`. */
export const timesAsked = async (vcenter: Vcenter, method: string): Promise<number> =>
  (await vcenter.calls()).filter((call) => call.method === method).length;
