import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { PointMarks, PointUse, ProtectOutput } from '../../schemas/types.ts';
import { listBoots, type BootRow } from '../boots/boots.ts';
import { databaseId } from '../credentials/sealing-key.ts';
import type { State } from '../database/open-state.ts';
import type { VmContext } from './vm-disks.ts';
import { marksOf, type Marks } from './point-marks.ts';

/** What a file of marks says of a VM that runs from a restore point, and whether that is still so. */
export interface JudgedUse extends PointUse {
  /**
   * `here`: this database knows the VM. `elsewhere`: it is of another hub, or of this one after its database was put back to an older
   * state. `over`: it was of this hub, and nothing of it is left.
   */
  readonly standing: 'here' | 'elsewhere' | 'over';
}

/** Judges what files of marks say. The database is asked once. */
export function judgeUses(state: State): (uses: Pick<PointMarks, 'used'>['used']) => JudgedUse[] {
  let boots: ReadonlyMap<string, BootRow> | undefined;
  let own: string | undefined;
  return (uses = []) =>
    uses.map((use) => {
      own ??= databaseId(state);
      if (use.hub !== own) return { ...use, standing: 'elsewhere' };
      boots ??= new Map(listBoots(state).map((row) => [row.id, row]));
      const row = boots.get(use.boot);
      if (row) return { ...use, standing: row.state === 'moved' ? 'over' : 'here' };
      // A database that is older than the VM does not know it; the VM has its folder all the same.
      const isLeft = use.host !== hostname() || existsSync(use.folder);
      return { ...use, standing: isLeft ? 'elsewhere' : 'over' };
    });
}

/** Marks without the VMs of this hub that are gone. */
export function currentUses(state: State): (marks: Marks) => Marks {
  const judge = judgeUses(state);
  return (marks) => {
    if (!marks.used) return marks;
    const { used, ...others } = marks;
    const over = judge(used).map(({ standing }) => standing === 'over');
    return { ...others, used: used.filter((_, at) => over[at] !== true) };
  };
}

/** As programs get it: who uses a restore point; nothing where nobody does. */
export const usedByOf = (marks: Pick<Marks, 'used'> | undefined): Pick<ProtectOutput, 'used_by'> =>
  marks?.used && marks.used.length > 0
    ? { used_by: marks.used.map(({ boot, host, since, by }) => ({ boot, host, since, by })) }
    : {};

/** Restore points whose marks say that a VM of this hub runs from them which is gone. */
export function endedUses(state: State): (VmContext & { readonly backupId: string; readonly boots: string[] })[] {
  const rows = state.all(
    state.query
      .selectFrom('point_marks')
      .select(['repository', 'context', 'backup_id', 'used'])
      .where('used', 'is not', null),
  );
  const judge = judgeUses(state);
  return rows.flatMap(({ repository, context, backup_id: backupId, used }) => {
    const over = judge(JSON.parse(used ?? '[]') as PointUse[]).filter(({ standing }) => standing === 'over');
    return over.length === 0 ? [] : [{ repository, context, backupId, boots: over.map(({ boot }) => boot) }];
  });
}

/** Which VMs of other hubs run from restore points of a VM, in words, by backup id; as the database knows the files of marks. */
export function usersElsewhere(
  state: State,
  vm: VmContext,
  marks: ReadonlyMap<string, Marks> = marksOf(state, vm),
): Map<string, string> {
  const judge = judgeUses(state);
  const found = new Map<string, string>();
  for (const [key, { used }] of marks) {
    const use = judge(used).find(({ standing }) => standing === 'elsewhere');
    if (use) found.set(key.slice(vm.context.length + 1), `${use.boot} of host ${use.host} runs from`);
  }
  return found;
}
