import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { notesOption, type DiskNotes } from './disk-notes.ts';
import { changeVm, type MarkedVm, type SeenVm } from './marked-vm.ts';
import { markedVm } from './marked-vms.ts';
import { markedAnnotation, withoutMark, type RestoreMark } from './restore-mark.ts';
import { assertUntouched } from './untouched.ts';

/**
 * Makes the unfinished VM of a run that has ended one of this run. Nothing happens where it is not there any more. Of two runs that try
 * it at the same time one succeeds.
 * @throws SendenseError `target.unfit` where it is being made otherwise, or somebody has used it
 */
export async function takeOver(
  vsphere: Vsphere,
  from: string,
  mark: RestoreMark,
  asked: string,
  signal?: AbortSignal,
): Promise<void> {
  const found = await markedVm(vsphere, from, signal);
  if (found === null) return;
  const decide = async (vm: SeenVm) => {
    const marked = assertMarked(vm, from);
    await assertUntouched(vsphere, marked, signal);
    if (marked.mark.point !== mark.point || marked.notes?.asked !== asked)
      throw new SendenseError(
        'target.unfit',
        `the unfinished VM ${vm.name} (${vm.object.value}) is being made otherwise`,
      );
    return [['annotation', markedAnnotation(mark, withoutMark(vm.annotation))]] as const;
  };
  await changeVm(vsphere, found.object, decide, signal);
}

/**
 * Notes down what becomes of the disks of the VM that a run makes.
 * @throws SendenseError `target.unfit` where it is another run's meanwhile, or somebody has used it
 */
export async function noteDisks(
  vsphere: Vsphere,
  object: Moref,
  run: string,
  change: (notes: DiskNotes) => Partial<DiskNotes>,
  signal?: AbortSignal,
): Promise<void> {
  const decide = async (vm: SeenVm) => {
    const marked = assertMarked(vm, run);
    await assertUntouched(vsphere, marked, signal);
    return marked.notes
      ? ([['extraConfig', [notesOption({ ...marked.notes, ...change(marked.notes) })]]] as const)
      : [];
  };
  await changeVm(vsphere, object, decide, signal);
}

function assertMarked(vm: SeenVm, run: string): MarkedVm {
  if (vm.mark?.run === run) return { ...vm, mark: vm.mark };
  throw new SendenseError(
    'target.unfit',
    `the VM ${vm.name} (${vm.object.value}) does not bear the mark of the run ${run} any more`,
    { remedy: 'Another run goes on with it, or somebody has changed its notes. Look at it in vSphere.' },
  );
}
