import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreChecked } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { TargetKind } from '../target-kind.ts';
import { checkVm, effectsOf } from './check-vm.ts';
import {
  markGoes,
  onlyDisks,
  outlineOf,
  publishedByNode,
  seenAs,
  type AskedNode,
  type PublishedVm,
  type VmClaim,
} from './published-by-node.ts';
import { isStartedBlindly } from './start-check.ts';
import { vmStarting } from './start-vm.ts';
import { compareDisk, undoVm, writeVm } from './write-vm.ts';
import { claimOf, type VsphereClaim } from './vsphere-claim.ts';

/**
 * A new VM in vSphere. A node makes it with a mark, writes its disks, and reads them again. It is published
 * when the mark is taken away.
 */
export const vsphereTarget = (hub: TargetHub): TargetKind<'vsphere', VsphereClaim, VmClaim> => ({
  type: 'vsphere',
  claim: (to, _disks, facts) => claimOf(to, facts),

  assertFree: async (request, claim) => void (await checkVm(hub, request, claim)),
  effects: async (request, claim) => effectsOf(await checkVm(hub, request, claim), request.to),
  outline: (request, { name }) => outlineOf(request, name ?? request.from.point().vm, request.to.vsphere),

  async write(request, claim, run) {
    const vm = await checkVm(hub, request, claim);
    const { made, ...written } = await writeVm(hub, request, claim, vm, run);
    const notes = [macNote(vm.checked), ...made.left_out.map((what) => `without ${what}`)];
    for (const note of notes) run.log(note);
    return { ...written, machine: { ...written.machine, power_on: isStartedBlindly(request.to), notes } };
  },

  // A VM without its mark is none that could be removed, and vSphere need not be asked.
  undoWrite: (claim, remembered, isPublished) => (isPublished ? hub.clearServed() : undoVm(hub, claim, remembered)),

  compare: (written, comparing) => compareDisk(hub, written, comparing),

  ...publishedByNode(hub, {
    effects: markGoes('the VM is no longer marked as unfinished'),
    async finish(node, machine, start) {
      const { finished, warnings } = await end(node, { ...machine, power_on: start }, 'finish');
      if (finished) return warnings;
      throw new SendenseError('target.unfit', `the VM ${machine.name} (${machine.vm}) is not there any more`, {
        remedy: 'Somebody has deleted it. Run the restore again: it makes the VM anew.',
      });
    },
    finished: (node, machine) => seenAs(end(node, machine, 'look'), ({ finished }) => finished),
    undo: (node, machine) => end(node, machine, 'reopen'),
  }),

  safeguarding: null,
  ...onlyDisks,
  // Where nobody judges it, it is started as the last thing that publishing does.
  starting: vmStarting(hub),
});

/** What vSphere did not keep is among what was left out. */
const macNote = ({ mac, original }: RestoreChecked): string =>
  mac === 'new'
    ? 'its MAC addresses are new'
    : original === null
      ? 'its MAC addresses are those of before'
      : `its MAC addresses are those of before where vSphere kept them, and ${original} has the same: never connect both to one network`;

const end = (
  { client, source, login, signal }: AskedNode,
  { run, point, vm, power_on }: PublishedVm,
  action: 'finish' | 'look' | 'reopen',
) => client.finishRestore({ source, ...login, run, point, vm, action, power_on }, signal);
