import type { Vsphere } from '../vsphere.ts';
import { list } from '../xml.ts';
import { disksOf } from '../vm-disks.ts';
import { destroyJudged } from './destroy-judged.ts';
import { noDiskNotes } from './disk-notes.ts';
import { changeVm, lookAtVm, type MarkedVm } from './marked-vm.ts';
import { markedVm } from './marked-vms.ts';
import { endCarriers, wholeIn } from './give-disk.ts';
import { withoutMark } from './restore-mark.ts';
import { touchedBy, type Touched } from './untouched.ts';

/** A VM with disks that are copied whole: the next run goes on with it. */
export interface KeptVm {
  readonly name: string;
  /** Disks that are copied whole. */
  readonly copied: number;
  readonly disks: number;
}

/** A VM that somebody has used: it is theirs. */
export interface LeftVm {
  readonly name: string;
  /** Managed object id. */
  readonly vm: string;
  readonly why: string;
}

/** What became of the unfinished VM of a run. All null: there is none. */
export interface Removal {
  readonly removed: string | null;
  readonly kept: KeptVm | null;
  readonly left: LeftVm | null;
  /** What else is there still, in sentences. Default: nothing. */
  readonly warnings?: string[];
}

export interface Removing {
  readonly keepCopied?: boolean;
  readonly vm?: string;
  readonly signal?: AbortSignal;
}

/**
 * Removes the VM that a run has made and not finished, with its disks. "Nothing there" is success. What somebody has used since, or
 * whose mark somebody has removed, is theirs: it loses its mark and stays.
 * @param vm managed object id of the VM, if it is known: it is told of if somebody has removed its mark
 * @param keepCopied a VM with a disk that is copied whole stays, with its mark
 * @throws SendenseError `vsphere.*`, `vsphere.busy` with what stays, and why
 */
export async function removeUnfinished(
  vsphere: Vsphere,
  run: string,
  { keepCopied = false, vm, signal }: Removing = {},
): Promise<Removal> {
  const nothing: Removal = { removed: null, kept: null, left: null };
  const found = await markedVm(vsphere, run, signal);
  if (found === null) return { ...nothing, left: vm === undefined ? null : await unmarked(vsphere, vm, signal) };
  const touched = await touchedBy(vsphere, found, signal);
  const copied = wholeIn(found);
  const isKept = keepCopied && copied > 0;
  // A copy has notes of the carriers of another VM.
  const isOurs = touched === null || touched.isMade;
  const all = touched !== null || !isKept;
  const stays = isOurs ? await endCarriers(vsphere, found, { all, signal }) : [];
  const warnings = stays.length > 0 ? { warnings: stays } : {};
  if (touched) return { ...nothing, left: await leave(vsphere, found, touched, signal), ...warnings };
  const { name } = found;
  if (isKept) return { ...nothing, kept: { name, copied, disks: disksIn(found).length }, ...warnings };
  const stayed = await destroyJudged<{ readonly found: MarkedVm; readonly touched: Touched } | 'theirs'>(
    vsphere,
    found.object,
    async (seen) => {
      // Somebody may have used it meanwhile, or another run have taken it over.
      if (seen.mark?.run !== run) return 'theirs';
      const now = { ...seen, mark: seen.mark };
      const use = await touchedBy(vsphere, now, signal);
      return use && { found: now, touched: use };
    },
    signal,
  );
  if (stayed === null) return { ...nothing, removed: name, ...warnings };
  if (stayed === 'theirs')
    return { ...nothing, left: await unmarked(vsphere, found.object.value, signal), ...warnings };
  const { found: at, touched: by } = stayed;
  return { ...nothing, left: await leave(vsphere, at, by, signal), ...warnings };
}

/** It is theirs, and is not touched. @returns null: it is gone, finished, or taken over by another run */
async function unmarked(vsphere: Vsphere, vm: string, signal: AbortSignal | undefined): Promise<LeftVm | null> {
  const seen = await lookAtVm(vsphere, { type: 'VirtualMachine', value: vm }, signal);
  if (!seen?.notes || seen.mark !== null) return null;
  return { name: seen.name, vm, why: 'somebody has changed the first line of its notes' };
}

const disksIn = ({ values }: MarkedVm) => disksOf(list(values.get('config.hardware'), 'device'));

/** Its notes say from now on what it is. A copy keeps the notes that its owner gave it. */
async function leave(
  vsphere: Vsphere,
  vm: MarkedVm,
  { why, isMade }: Touched,
  signal: AbortSignal | undefined,
): Promise<LeftVm> {
  const { mark, notes, name, object } = vm;
  if (isMade)
    await changeVm(
      vsphere,
      object,
      ({ annotation, mark: now }) => {
        // Another run may have taken over since it was looked at, or somebody have removed the mark.
        if (now?.run !== mark.run) return [];
        const story =
          `Sendense began to make this VM of the restore point ${mark.point} (run ${mark.run}) and did not finish it: ` +
          `${notes?.copied.size ?? 0} of ${disksIn(vm).length} disks are copied whole. ` +
          `Sendense leaves it alone, because ${why}.`;
        return [
          ['annotation', `${story}\n\n${withoutMark(annotation)}`.trimEnd()],
          ['extraConfig', [noDiskNotes()]],
        ];
      },
      signal,
    );
  return { name, vm: object.value, why };
}
