import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { manifestPath } from '../repository/layout.ts';
import { readMarks } from '../repository/marks.ts';
import { changeMarks } from '../restore-points/hold/change-marks.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import type { PointUse } from '../schemas/types.ts';
import { listBoots, type BootRow } from '../state/boots/boots.ts';
import type { State } from '../state/database/open-state.ts';
import { marksKey, marksOf } from '../state/points/point-marks.ts';
import { databaseId } from '../state/credentials/sealing-key.ts';
import { printable } from '../view/text.ts';
import { endedUses } from '../state/points/used-marks.ts';

type Access = Pick<RepositoryAccess, 'state' | 'repositoryPath' | 'rescuing'>;
type Used = Pick<BootRow, 'id' | 'repository' | 'context' | 'backup_id'>;

/**
 * Writes beside a restore point that a VM runs from it: from here no hub of the repository removes or merges anything of it, also while the
 * VM is off.
 * @returns why that could not be written, in words; null: it is there
 * @throws SendenseError `point.unknown` where another hub was faster, `run.locked`
 */
export async function markUsed(
  { state, repositoryPath, rescuing }: Access,
  { id, repository, context, backup_id: backupId, folder, started, started_by: by }: BootRow,
): Promise<string | null> {
  const root = repositoryPath(repository);
  const alone = (why: string): string =>
    `other hubs do not know that ${id} needs the restore point, and may remove it: ${why}`;
  if (rescuing) return alone('nothing is written to a repository that is being rescued');
  const use = {
    boot: id,
    hub: databaseId(state),
    host: hostname(),
    folder,
    since: started,
    by: plain(by),
  };
  const manifest = join(root, manifestPath(context, backupId));
  try {
    await changeMarks(
      state,
      root,
      { repository, context, backupId },
      { used: (uses) => [...uses.filter((one) => one.boot !== id || one.hub !== use.hub), use] },
      () => {
        if (existsSync(manifest)) return;
        throw new SendenseError('point.unknown', `another hub has just removed restore point ${backupId}`);
      },
    );
    return null;
  } catch (error) {
    if (error instanceof SendenseError && ['point.unknown', 'run.locked'].includes(error.code)) throw error;
    return alone((error as Error).message);
  }
}

/** Other hubs show it: control characters stay out of the file. */
const plain = (text: string): string => printable(text).slice(0, 300);

/** The VM needs its restore point no more. What cannot be written now is written later. Again is fine. */
export async function unmarkUsed(access: Access, row: Used): Promise<void> {
  const { state, repositoryPath } = access;
  const { repository, context, backup_id: backupId } = row;
  await dropUses(access, repositoryPath(repository), { repository, context, backupId }, [row.id], databaseId(state));
}

/**
 * Takes away the marks of VMs of this hub that are gone, and makes those that VMs of an older version do not have. A repository that is
 * not there now is asked the next time.
 */
export async function settleUsedMarks(access: Access): Promise<void> {
  if (access.rescuing) return;
  for (const { boots, ...key } of endedUses(access.state))
    await dropUses(access, access.repositoryPath(key.repository), key, boots, databaseId(access.state));
  const rows = listBoots(access.state).filter(({ state, folder }) => state === 'up' && existsSync(folder));
  for (const row of rows) if (!isMarked(access.state, row)) await markUsed(access, row).catch(() => null);
}

function isMarked(state: State, { id, repository, context, backup_id: backupId }: BootRow): boolean {
  const mark = marksOf(state, { repository, context }).get(marksKey(context, backupId));
  return mark?.used?.some(({ boot, hub }) => boot === id && hub === databaseId(state)) ?? false;
}

async function dropUses(
  { state, rescuing }: Access,
  root: string,
  key: { readonly repository: string; readonly context: string; readonly backupId: string },
  boots: readonly string[],
  hub: string,
): Promise<void> {
  if (rescuing) return;
  const isOver = (use: PointUse): boolean => use.hub === hub && boots.includes(use.boot);
  const marks = await readMarks(root, key.context, key.backupId).catch(() => null);
  if (!marks?.used?.some(isOver)) return;
  await changeMarks(state, root, key, {
    used: (uses) => uses.filter((use) => !isOver(use)),
  }).catch(() => undefined);
}
