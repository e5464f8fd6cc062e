import { join } from 'node:path';
import { errorToJson } from '../../../errors/sendense-error.ts';
import type { VsphereSourceSpec } from '../../../schemas/types.ts';
import { mayBeInUse } from '../../vsphere/clear-left-overs.ts';
import { connectVsphere } from '../../vsphere/connect.ts';
import { findVm } from '../../vsphere/inventory.ts';
import { removeOurs } from '../../vsphere/remove-snapshot.ts';
import { lookAtVm } from '../../vsphere/vm-state.ts';
import type { LeftOverOptions, LeftOvers } from '../source.ts';
import { isJobHeld } from './job-hold.ts';
import { nodeIdOf } from './node-id.ts';
import { addressOf } from './vsphere-address.ts';

/**
 * Removes snapshots of ours that jobs left on a VM: those of this node whose job is dead, and those of other nodes that are
 * days old. Never one that is not ours.
 * @throws SendenseError `source.missing`, `vsphere.*`; a snapshot that cannot be removed is a warning
 */
export async function removeLeftOvers(spec: VsphereSourceSpec, options: LeftOverOptions): Promise<LeftOvers> {
  const { login, vmName, signal, stateDir, dryRun } = options;
  await using vsphere = await connectVsphere(addressOf(spec, login), { signal });
  const vm = await findVm(vsphere, { path: spec.path, moref: spec.moref, name: vmName }, signal);
  const anyJob = join(stateDir, 'jobs', 'any');
  const node = await nodeIdOf(anyJob);
  const state = await lookAtVm(vsphere, vm, signal);
  const now = Date.now() + (await vsphere.clockOffset(signal));
  const found: LeftOvers = { snapshots: [], kept_snapshots: [], warnings: [] };
  const warn = (message: string): void => void found.warnings.push(message);
  for (const { moref, name, mark, created } of state.snapshots) {
    if (mark === null) continue;
    const facts = { vm_name: state.name, moref: moref.value, name, job_id: mark.job, created };
    if (await mayBeInUse({ mark, created }, node, now, () => isJobHeld(anyJob, node, mark.job))) {
      const reason =
        mark.node === node ? 'its job lives' : `another node (${mark.node}) made it less than 72 hours ago`;
      found.kept_snapshots.push({ ...facts, reason });
      continue;
    }
    try {
      if (!dryRun) await removeOurs({ vsphere, vm, signal, log: () => undefined, warn }, () => false, [moref.value]);
      found.snapshots.push(facts);
    } catch (error) {
      signal?.throwIfAborted();
      const { code, message } = errorToJson(error);
      warn(`${code}: ${message}`);
    }
  }
  return found;
}
