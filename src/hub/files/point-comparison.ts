import type { Services } from '../../steps/services.ts';
import { usePoint } from '../../state/points/point-uses.ts';
import type { PointKey } from '../../state/points/restore-points.ts';
import { maintenanceRun } from '../repositories/maintenance-run.ts';
import { changedBlocks, type ChangedBlocks } from './changed-blocks.ts';
import { unchangedVolumes, type ComparedFiles } from './unchanged-volumes.ts';

/** Two restore points compared by their block indexes, without a reader. */
export interface PointComparison {
  readonly before: string;
  readonly after: string;
  /** Both have the same disks with the same content. */
  readonly same: boolean;
  /** Volumes that both have, and of which no block differs. Null: not both are open. */
  readonly volumes: readonly string[] | null;
  readonly remarks: readonly string[];
}

/** A restore point, and its files where they are open. */
export interface ComparedPoint {
  readonly key: PointKey;
  readonly files: ComparedFiles | null;
}

/** What was found of so many pairs is kept for so long, ms: one command asks several times. */
const kept = 4;
const keptMs = 60_000;

/** Compares restore points. */
export function createComparer(
  services: Services,
): (before: ComparedPoint, after: ComparedPoint, signal: AbortSignal) => Promise<PointComparison> {
  const known = new Map<string, { readonly at: number; readonly changed: ChangedBlocks }>();
  const changedIn = async (before: PointKey, after: PointKey, signal: AbortSignal): Promise<ChangedBlocks> => {
    const key = JSON.stringify([before, after]);
    const found = known.get(key);
    if (found && performance.now() - found.at < keptMs) return found.changed;
    const changed = await inRun(services, before, after, signal);
    known.delete(key);
    known.set(key, { at: performance.now(), changed });
    for (const oldest of known.keys()) if (known.size > kept) known.delete(oldest);
    return changed;
  };
  return async (before, after, signal) => {
    const changed = await changedIn(before.key, after.key, signal);
    return {
      before: before.key.backupId,
      after: after.key.backupId,
      same: changed.isSame,
      volumes: before.files && after.files ? await unchangedVolumes(before.files, after.files, changed, signal) : null,
      remarks: changed.remarks,
    };
  };
}

/** The run holds both: nothing of them is removed or merged meanwhile. */
const inRun = (services: Services, before: PointKey, after: PointKey, signal: AbortSignal): Promise<ChangedBlocks> =>
  maintenanceRun(services.state, { name: 'files', vm: after.context, repository: after.repository }, async ({ id }) => {
    for (const key of [before, after]) usePoint(services.state, id, key);
    return await changedBlocks(services, before, after, signal);
  });
