import type { AttachEndRequest } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { TargetKind } from '../target-kind.ts';
import {
  onlyDisks,
  outlineOf,
  publishedByNode,
  type AskedNode,
  type PublishedVm,
  type VmClaim,
} from '../vsphere/published-by-node.ts';
import { compareDisk, noMachine, undoVm, writeVm } from '../vsphere/write-vm.ts';
import { claimOf, type AttachClaim } from './attach-claim.ts';
import { attachedNotes, disksAttached } from './attached-notes.ts';
import { checkAttach, effectsOf } from './check-attach.ts';

/**
 * Additional disks of a VM in vSphere that may run. A node makes them with a VM of their own that is never started, as those of a new VM,
 * and compares them there. They are published when the other VM has them: whole, with a mark, outside of its snapshots.
 */
export const attachTarget = (hub: TargetHub): TargetKind<'attach', AttachClaim, VmClaim> => ({
  type: 'attach',
  claim: (to, _disks, facts) => claimOf(to, facts),

  assertFree: async (request, claim) => void (await checkAttach(hub, request, claim)),
  effects: async (request, claim) => effectsOf(await checkAttach(hub, request, claim)),
  outline: (request) => outlineOf(request, request.to.vm ?? request.from.point().vm, request.to.attach),

  async write(request, claim, run) {
    const found = await checkAttach(hub, request, claim);
    const { vm, name } = found.receiver;
    const { directory, files, machine } = await writeVm(hub, request, claim, found, run);
    const of = request.from.point().vm;
    return { directory, files, machine: { ...machine, attach_to: { vm, name, of }, notes: [...notes] } };
  },

  undoWrite: (claim, remembered) => undoVm(hub, claim, remembered),

  compare: (written, comparing) => compareDisk(hub, written, comparing),

  ...publishedByNode(hub, {
    effects: disksAttached,
    finish: async (node, machine) => (await end(node, machine, 'finish')).warnings,
    finished: async (node, machine) => ((await end(node, machine, 'look')).attached ? { powered_on: false } : null),
    undo: (node, machine) => end(node, machine, 'undo'),
  }),

  // Nothing is overwritten, and no VM is made that stays.
  safeguarding: null,
  ...onlyDisks,
});

const notes = ['backups of the VM leave it out: it is independent of snapshots', attachedNotes.twice];

async function end(
  { client, source, login, signal }: AskedNode,
  { run, point, attach_to: receiver, disks: [first, ...rest] }: PublishedVm,
  action: AttachEndRequest['action'],
) {
  if (!receiver || !first) throw noMachine();
  const { vm, of } = receiver;
  return client.endAttach({ source, ...login, run, point, of, vm, disks: [first, ...rest], action }, signal);
}
