import { toSendenseError } from '../../errors/sendense-error.ts';
import { powerOn } from '../vsphere/vm-power.ts';
import type { Vsphere } from '../vsphere/vsphere.ts';
import type { Moref } from '../vsphere/xml.ts';

/**
 * Starts a VM that is restored, and does not wait until it is up. It is restored whatever becomes of that; what became of it is told.
 * vSphere waits as long as the VM asks something: then the start is given up.
 * @returns whether it is on
 */
export async function startBlindly(
  vsphere: Vsphere,
  { object, name, isOn }: { readonly object: Moref; readonly name: string; readonly isOn: boolean },
  warnings: string[],
  signal: AbortSignal,
): Promise<boolean> {
  if (isOn) return true;
  const said = (why: string): number =>
    warnings.push(`the VM ${name} is restored, but vSphere did not start it: ${why}`);
  try {
    const question = await powerOn(vsphere, object, signal);
    if (question !== null) said(`it asks: ${question}`);
    return question === null;
  } catch (error) {
    signal.throwIfAborted();
    said(toSendenseError(error).message);
    return false;
  }
}
