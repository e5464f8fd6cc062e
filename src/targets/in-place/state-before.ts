import { SendenseError } from '../../errors/sendense-error.ts';
import type { InPlaceChecked } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { RestoreRequest } from '../target-kind.ts';

type Request = RestoreRequest<'inPlace'>;

/** The restore point of the state that a restore overwrites; null: there is none. */
export interface SafetyPoint {
  readonly id: string | null;
  /** The same, if one can go back to it. */
  readonly fit: string | null;
}

/**
 * No backup was made of a VM that was torn. Where another run has completed it since, somebody may have used it.
 * @throws SendenseError `target.unfit`
 */
export function assertSaved({ to, safety }: Request, { name, unfinished }: InPlaceChecked): void {
  if (!to.safetyBackup || safety === null || safety === undefined || safety.backup_id !== null) return;
  if (unfinished?.torn) return;
  throw new SendenseError(
    'target.unfit',
    `the VM ${name} was restored in part when this run began, so no backup of it was made, and another restore has completed it meanwhile`,
    { remedy: 'Nothing was written. Run the restore again: it backs up the present state first.' },
  );
}

/**
 * The backup that this run has made first, or that of the run that has begun to write. One that has not begun counts for nothing: somebody
 * may have used the VM since.
 */
export async function safetyPoint(
  hub: Pick<TargetHub, 'warn'>,
  { safety, from }: Pick<Request, 'safety' | 'from'>,
  { unfinished }: Pick<InPlaceChecked, 'unfinished'>,
): Promise<SafetyPoint> {
  if (!unfinished?.torn) return known(safety?.backup_id ?? null);
  // The backup of this run is none of the state before: another run may have come in between, with one of its own.
  const { run, safety: id } = unfinished;
  const why = id === null ? null : await from.whyUnfit(id);
  if (why === null) return known(id);
  hub.warn(`the backup before run ${run}, ${id}, ${why}: nobody can go back to the state before`);
  // The mark of the VM names it all the same: who goes on later may be better off.
  return { id, fit: null };
}

const known = (id: string | null): SafetyPoint => ({ id, fit: id });

/** What the log says of the state before a restore that is gone on with. @param fit the restore point of it */
export function beforeThat({ torn }: NonNullable<InPlaceChecked['unfinished']>, fit: string | null): string {
  if (!torn) return 'it has written nothing';
  return fit === null ? 'no restore point has all of the state before that' : `the backup before that was ${fit}`;
}

/** @param isOverwritten whether something of it is, that a backup may lack */
export const stateBeforeNotes = (point: string | null, isOverwritten: boolean): string[] => {
  if (point !== null) return [`the state before is restore point ${point}`];
  return isOverwritten ? ['no restore point has all of the state before'] : [];
};
