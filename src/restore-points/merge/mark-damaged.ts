import { join } from 'node:path';
import { diskName, manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import { judgedAgainst } from '../../repository/marks-of-vm.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { changeMarks } from '../hold/change-marks.ts';
import { storedMarks } from '../hold/follow-marks.ts';
import type { MergeWork } from './merge-work.ts';

/** A merge found a disk of a restore point damaged, as a verification would: it is marked broken, and somebody hears of it. */
export async function markDamaged(
  { state, vm, root, log }: MergeWork,
  backupId: string,
  number: number,
  what: string,
): Promise<void> {
  const { repository, context } = vm;
  const before = (await storedMarks(state, root, vm)).get(marksKey(context, backupId))?.broken;
  const reason = `${diskName(number)} ${what}`;
  // An empty list stands for all disks.
  const disks =
    before?.disks.length === 0 ? [] : [...new Set([...(before?.disks ?? []), number])].toSorted((a, b) => a - b);
  const since = before?.since ?? Date.now();
  const manifest = await readManifest(join(root, manifestPath(context, backupId))).catch(() => null);
  const judged = judgedAgainst(manifest, disks);
  await changeMarks(state, root, { ...vm, backupId }, { broken: { since, disks, reason, run_id: null, judged } });
  const message = `Restore point ${backupId} of ${context} is broken: ${reason}`;
  log(message);
  raiseNotice(state, {
    event: 'verification-failure',
    vm: context,
    repository,
    message,
    details: { backup_id: backupId, disks, reason },
  });
}
