import type { RestorePowered, RestorePowerRequest } from '../../schemas/types.ts';
import { restoredState } from '../vsphere/new-vm/finish-vm.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { isStarting, lookAtPower, powerOn, startInDoubt, untilTold, type VmPower } from '../vsphere/vm-power.ts';
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
  const started = action === 'start' && !state.isOn ? await powerOn(vsphere, vm, signal) : null;
  if (started?.is === 'unknown') throw startInDoubt();
  if (action === 'stop' && state.isOn) await powerOff(vsphere, vm, signal);
  const waitMs = action === 'wait' ? request.wait_seconds * 1000 : 0;
  const told = await untilTold(vsphere, vm, { waitMs, signal });
  if (told === null) return nothing('gone');
  // Told by a node that has ended meanwhile: else the VM would come on when this has said that it is off.
  if (action === 'wait' && told.state === 'off' && (await isStarting(vsphere, vm, signal))) throw startInDoubt();
  return { ...told, was_on: state.isOn, question: started?.is === 'asking' ? started.question : told.question };
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
