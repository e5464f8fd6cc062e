import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreFinished, RestoreFinishRequest, RestoreUndone, RestoreUndoRequest } from '../../schemas/types.ts';
import { finishVm, reopenVm, restoredState } from '../vsphere/new-vm/finish-vm.ts';
import { removeUnfinished } from '../vsphere/new-vm/remove-unfinished.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import type { Moref } from '../vsphere/xml.ts';
import { openSession } from './vsphere-session.ts';

/**
 * Takes the mark of a VM away that a run has made, puts it back, or only looks. Starts nothing: see `finish-and-start.ts`. May be asked twice.
 * @throws SendenseError `target.unfit` where the VM is not one of this run, `vsphere.*`
 */
export async function finishRestore(
  request: RestoreFinishRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<RestoreFinished> {
  const { run, point, action } = request;
  const object: Moref = { type: 'VirtualMachine', value: request.vm };
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const state = await restoredState(vsphere, object, signal);
  const isOurs = state?.mark?.run === run;
  const isFinished = state?.mark == null && state?.finishedBy?.run === run;
  const warnings: string[] = [];
  if (action === 'reopen' && isFinished && state) {
    await reopenVm(vsphere, object, { run, point }, signal);
    return { finished: false, name: state.name, powered_on: false, warnings };
  }
  if (action !== 'finish' || !state)
    return { finished: isFinished, name: state?.name ?? null, powered_on: state?.isOn ?? false, warnings };
  const unmarked = (): SendenseError =>
    new SendenseError('target.unfit', `the VM ${state.name} (${request.vm}) is not marked by this restore`, {
      remedy: 'Somebody has changed the first line of its notes. Its disks are whole.',
    });
  if (!isOurs && !isFinished) throw unmarked();
  if (isOurs) {
    await finishVm(vsphere, object, { run, point }, signal);
    if ((await restoredState(vsphere, object, signal))?.finishedBy?.run !== run) throw unmarked();
  }
  return { finished: true, name: state.name, powered_on: state.isOn, warnings };
}

/**
 * Removes the VM that a run has made and not finished. "Nothing there" is success. What somebody has used loses its mark, and stays.
 * @throws SendenseError `vsphere.busy` with what stays and why, `vsphere.*`
 */
export async function undoRestore(
  request: RestoreUndoRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<RestoreUndone> {
  const { run, keep_copied: keepCopied, vm } = request;
  await using session = await openSession(request, refused, signal);
  // Awaited: the session lasts until then.
  return await removeUnfinished(session.vsphere, run, { keepCopied, signal, ...(vm === undefined ? {} : { vm }) });
}
