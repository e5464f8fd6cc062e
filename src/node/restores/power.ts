import type { RestorePowered, RestorePowerRequest } from '../../schemas/types.ts';
import { restoredState } from '../vsphere/new-vm/finish-vm.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { lookAtPower, powerOn, untilTold, type VmPower } from '../vsphere/vm-power.ts';
import type { Vsphere } from '../vsphere/vsphere.ts';
import type { Moref } from '../vsphere/xml.ts';
import { otherOf } from './start-blindly.ts';
import { openSession } from './vsphere-session.ts';

/**
 * Starts a VM that a run has restored to its end, waits until it is up, or stops it. May be asked twice.
 * @throws SendenseError `vsphere.*`
 */
export async function powerRestored(
  request: RestorePowerRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<RestorePowered> {
  const { run, action } = request;
  const vm: Moref = { type: 'VirtualMachine', value: request.vm };
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const state = await restoredState(vsphere, vm, signal);
  if (state === null) return nothing('gone');
  // Another run may write to its disks by now, or have left them torn: the note of this one stays until that has ended.
  if (otherOf(state, run) !== null) return nothing('other');
  const question = action === 'start' && !state.isOn ? await powerOn(vsphere, vm, signal) : null;
  if (action === 'stop' && state.isOn) await powerOff(vsphere, vm, signal);
  const waitMs = action === 'wait' ? request.wait_seconds * 1000 : 0;
  const told = await untilTold(vsphere, vm, { waitMs, signal });
  if (told === null) return nothing('gone');
  return { ...told, was_on: state.isOn, question: question ?? told.question };
}

const nothing = (state: 'gone' | 'other'): RestorePowered => ({
  state,
  was_on: false,
  tools: false,
  address: null,
  question: null,
});

/** That it goes off by itself meanwhile is as good. */
async function powerOff(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<void> {
  const isOff = (seen: VmPower | null): boolean => seen === null || seen.state === 'off';
  try {
    await vsphere.task('PowerOffVM_Task', vm, [], { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!isOff(await lookAtPower(vsphere, vm, signal))) throw error;
  }
}
