import { marksOfVm } from '../../repository/marks-of-vm.ts';
import type { Marks } from '../../repository/marks.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksKey, marksOf, setMarks } from '../../state/points/point-marks.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';

/**
 * The marks of a VM's restore points by `context/backupId`, as their files say: another hub may have made them. Of a file that cannot be
 * read, and where the folder cannot be listed, what the database has of it.
 */
export async function storedMarks(
  state: State,
  root: string,
  vm: VmContext,
  /** Told of files that cannot be read. */
  unreadable?: (backupId: string, reason: string) => void,
): Promise<Map<string, Marks>> {
  const rows = marksOf(state, vm);
  const found = await marksOfVm(root, vm.context).catch(() => null);
  if (!found) return rows;
  const marks = new Map<string, Marks>();
  for (const [id, mark] of found.marks) marks.set(marksKey(vm.context, id), mark);
  for (const [id, reason] of found.unreadable) {
    unreadable?.(id, reason);
    const row = rows.get(marksKey(vm.context, id));
    if (row) marks.set(marksKey(vm.context, id), row);
  }
  return marks;
}

/** As {@link storedMarks}, and the database has them, too. */
export async function followMarks(state: State, root: string, vm: VmContext): Promise<Map<string, Marks>> {
  const marks = await storedMarks(state, root, vm);
  const said = (mark: Marks | undefined): string =>
    JSON.stringify([mark?.protected ?? null, mark?.broken ?? null, mark?.adopted ?? null, mark?.used ?? null]);
  const differ = (rows: ReadonlyMap<string, Marks>): string[] =>
    [...new Set([...rows.keys(), ...marks.keys()])].filter((key) => said(rows.get(key)) !== said(marks.get(key)));
  const changed = differ(marksOf(state, vm));
  if (changed.length === 0) return marks;
  state.transaction(() => {
    for (const key of changed)
      setMarks(state, { ...vm, backupId: key.slice(vm.context.length + 1) }, marks.get(key) ?? null);
  });
  return marks;
}
