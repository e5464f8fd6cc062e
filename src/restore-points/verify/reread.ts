import { createHash } from 'node:crypto';
import { ageMs } from '../../schemas/age-ms.ts';
import { byPoint, type LastRead } from '../../state/points/last-reads.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';

/** Within what time the files of all restore points are read again, where `rereadWithin` of the repository does not say. */
const defaultWithin = '30d';
const dayMs = 86_400_000;

/** In milliseconds; null: never. */
export const rereadWithinMs = (setting: string | undefined): number | null =>
  setting === 'never' ? null : ageMs(setting ?? defaultWithin);

/**
 * The restore points whose files a run reads besides those that it was asked for, so that each is read within `withinMs`, the one
 * that was read longest ago first. Each has its turn in the second half of that time, at a moment that its id decides: restore points
 * that were made in one night are not read again in one night, and none has its turn so late that it waits for a run that may come a little later
 * than the last ones did. A run that finds many of them late reads three times its share of all, at least one restore point, and leaves the
 * others to the next run.
 */
export function dueForReading(
  points: readonly RestorePoint[],
  reads: readonly LastRead[],
  { withinMs, now }: { readonly withinMs: number; readonly now: number },
): RestorePoint[] {
  const known = byPoint(reads);
  const lastRun = reads.reduce<number | null>(
    (last, { verified }) => ((verified ?? 0) > (last ?? 0) ? verified : last),
    null,
  );
  const sinceLastRun = lastRun === null ? dayMs : now - lastRun;
  const due = points
    .map((point) => ({ point, read: known.get(marksKey(point.vm.context, point.backup_id))?.read ?? 0 }))
    .filter(({ point, read }) => {
      const age = now - read;
      return age > withinMs * (0.5 + 0.5 * share(point, read)) || age + 2 * sinceLastRun > withinMs;
    })
    .toSorted((a, b) => a.read - b.read);
  const total = points.reduce((sum, point) => sum + storedBytes(point), 0);
  const most = (3 * total * sinceLastRun) / withinMs;
  const chosen: RestorePoint[] = [];
  let bytes = 0;
  for (const { point } of due) {
    bytes += storedBytes(point);
    if (chosen.length > 0 && bytes > most) break;
    chosen.push(point);
  }
  return chosen;
}

/** Between 0 and 1, another one after each reading. */
const share = ({ backup_id: id }: RestorePoint, read: number): number =>
  createHash('sha256').update(`${id} ${read}`).digest().readUInt32BE(0) / 2 ** 32;

const storedBytes = ({ disks }: RestorePoint): number => disks.reduce((sum, { file_bytes: bytes }) => sum + bytes, 0);
