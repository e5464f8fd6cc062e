import { toSendenseError } from '../../errors/sendense-error.ts';
import { inPlaceMarkIn, inPlaceNoteIn, otherInPlace } from '../vsphere/in-place/in-place-mark.ts';
import { restoredState, type RestoredState } from '../vsphere/new-vm/finish-vm.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { powerOn } from '../vsphere/vm-power.ts';
import type { Moref } from '../vsphere/xml.ts';
import { openSession, type RestoreRequest } from './vsphere-session.ts';

export interface BlindStart extends RestoreRequest {
  readonly run: string;
  /** Managed object id. */
  readonly vm: string;
}

/** What became of it. */
export interface BlindlyStarted {
  readonly isOn: boolean;
  readonly warnings: readonly string[];
}

/**
 * Starts a VM that is restored, and does not wait until it is up. It is restored whatever becomes of that; what became of it is told.
 * vSphere waits as long as the VM asks something: then the start is given up.
 * @param name of the VM
 */
export async function startBlindly(
  request: BlindStart,
  name: string,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<BlindlyStarted> {
  const off = (warning: string): BlindlyStarted => ({
    isOn: false,
    warnings: [`the VM ${name} is restored${warning}`],
  });
  const failed = (why: string): BlindlyStarted => off(`, but vSphere did not start it: ${why}`);
  const object: Moref = { type: 'VirtualMachine', value: request.vm };
  try {
    await using session = await openSession(request, refused, signal);
    const { vsphere } = session;
    // Its mark went a while ago: it may be somebody else's by now.
    const state = await restoredState(vsphere, object, signal);
    if (state === null) return failed('it is not there any more');
    const other = otherOf(state, request.run);
    if (other !== null) return off(`, and is not started: ${other}`);
    if (state.isOn) return { isOn: true, warnings: [] };
    const started = await powerOn(vsphere, object, signal);
    if (started.is === 'unknown') return { isOn: false, warnings: [inDoubt(name)] };
    return started.is === 'on' ? { isOn: true, warnings: [] } : failed(`it asks: ${started.question}`);
  } catch (error) {
    signal.throwIfAborted();
    return failed(toSendenseError(error).message);
  }
}

export const inDoubt = (name: string): string =>
  `the VM ${name} is restored, and vSphere was told to start it, but has not answered yet. Nobody knows whether it started: look at the VM in vSphere`;

/** Whose it is, if not the run's; null: it is the run's. */
export function otherOf({ mark, finishedBy, values }: RestoredState, run: string): string | null {
  const extra = values.get('config.extraConfig');
  const other = otherInPlace(extra, run);
  if (other !== null) return `run ${other} restores it in place, or has done so`;
  // Who restored it in place has restored it last.
  const last = inPlaceNoteIn(extra) ?? finishedBy;
  return mark === null && inPlaceMarkIn(extra) === null && last?.run === run
    ? null
    : 'it is not marked as one that this run has restored';
}
