import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { readContext } from '../../repository/stored-files/read-context.ts';
import { diskName, manifestPath } from '../../repository/layout.ts';
import { readManifestExactly } from '../../repository/manifest.ts';
import { intentPath, wayOut, type MergeChild } from '../../repository/merge/intent.ts';
import { withMerge } from '../../repository/merge/merge-files.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { checksumOf, hasDisk, hasPoint } from '../../state/points/point-links.ts';
import { findPoint, type PointKey, type RestorePoint } from '../../state/points/restore-points.ts';
import { followMerges } from '../hold/follow-merges.ts';
import type { DiskToExamine, Problem } from './disk-work.ts';
import { examineSideFiles } from './side-files.ts';
import { examineStanding, mergeInto } from './standing-disk.ts';

export type ContentLevel = 'quick' | 'digests' | 'deep';

export interface PointProblem extends Problem {
  /** Number of the disk; null: of the point as a whole. */
  readonly disk: number | null;
  /** Whether the restore point is broken by it. */
  readonly breaks: boolean;
}

export interface PointVerdict {
  readonly problems: readonly PointProblem[];
  /** Not wrong, but to be known. */
  readonly remarks: readonly string[];
  readonly bytesRead: number;
}

/** How the disks of a point are read. */
export type Reading = Pick<
  DiskToExamine,
  'root' | 'keys' | 'lookedAt' | 'folderId' | 'background' | 'pace' | 'paceBytes' | 'signal' | 'onRead'
>;

const contents = { quick: 'none', digests: 'stored', deep: 'whole' } as const;

/**
 * All files of one restore point, its disks as far as the level says. Changes nothing.
 * @returns null where the restore point is gone: it was removed meanwhile
 */
export async function examinePoint(
  state: State,
  key: PointKey,
  level: ContentLevel,
  reading: Reading,
): Promise<PointVerdict | null> {
  const { root } = reading;
  const { context, backupId } = key;
  const problems: PointProblem[] = [];
  const remarks: string[] = [];
  let bytesRead = 0;
  let merge: MergeChild | null;
  try {
    merge = await mergeInto(root, context, backupId);
  } catch (error) {
    // The disks may well be sound; what they are at this moment cannot be told.
    const path = intentPath(context, backupId);
    const message = `is damaged: ${(error as Error).message}; see ${wayOut}`;
    return { problems: [{ disk: null, breaks: false, code: 'manifest.damaged', path, message }], remarks, bytesRead };
  }
  const manifest = await manifestOf(state, key, root, merge);
  if (manifest === 'gone') return null;
  if (!('disks' in manifest)) return { problems: [manifest], remarks, bytesRead };
  const side = await examineSideFiles(root, manifest, reading.signal);
  problems.push(...side.problems.map((problem) => ({ ...problem, disk: null, breaks: false })));
  // What a removal under way takes away, nothing is built on any more.
  for (const disk of withMerge(manifest, merge).disks) {
    reading.signal?.throwIfAborted();
    if (disk.parent !== null && !hasDisk(state, { ...key, backupId: disk.parent }, disk.number)) {
      if (!hasPoint(state, key)) return null;
      problems.push({
        disk: disk.number,
        breaks: true,
        code: 'chain.broken',
        path: join(context, disk.path),
        message: `is built on ${disk.parent}, which is not known`,
      });
      continue;
    }
    const verdict = await examineStanding(manifest, disk.number, { ...reading, content: contents[level] }).catch(
      withoutKey,
    );
    if ('missing' in verdict) {
      const message = `was not looked at: ${verdict.missing}`;
      problems.push({ disk: disk.number, breaks: false, code: 'key.missing', path: join(context, disk.path), message });
      continue;
    }
    bytesRead += verdict.bytesRead;
    if (verdict.problem) problems.push({ ...verdict.problem, disk: disk.number, breaks: true });
    else if (verdict.touched && level === 'quick')
      remarks.push(`${diskName(disk.number)} has another modification time than at the commit`);
    if (level === 'digests' && disk.envelope === undefined)
      remarks.push(`${diskName(disk.number)} has no digest of its qcow2 tables; a newer version made none`);
  }
  // Files that vanish under our hands were removed by somebody who may.
  if (problems.length > 0 && !hasPoint(state, key)) return null;
  return { problems, remarks, bytesRead };
}

/** A missing key is no fault of the disk, and no reason to leave out the others. */
function withoutKey(error: unknown): { readonly missing: string } {
  if (error instanceof SendenseError && error.code === 'repository.key') return { missing: error.message };
  throw error;
}

async function manifestOf(
  state: State,
  key: PointKey,
  root: string,
  merge: MergeChild | null,
): Promise<Manifest | PointProblem | 'gone'> {
  const path = manifestPath(key.context, key.backupId);
  const wrong = (code: Problem['code'], message: string): PointProblem | 'gone' =>
    hasPoint(state, key) ? { disk: null, breaks: true, code, path, message } : 'gone';
  for (let tries = 1; ; tries++) {
    const checksum = checksumOf(state, key);
    if (checksum === null) return 'gone';
    try {
      const manifest = await readManifestExactly(join(root, path));
      if (manifest.checksum === checksum) return manifest;
      // A merge replaces the manifest and then its row, and may have been cut off in between.
      if (manifest.checksum === merge?.manifest?.checksum) return manifest;
      // Another hub merged it: what is there counts, and the database learns it.
      if (merge === null && (await followMerges(state, root, [key]))) continue;
      if (tries === 5) return wrong('database.differs', 'is not the manifest that was committed');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) {
        const gone = wrong('manifest.missing', 'is missing');
        const row = findPoint(state, key);
        return gone !== 'gone' && row && (await isRemoved(root, row)) ? removedElsewhere(gone, key) : gone;
      }
      if (!(error instanceof SendenseError)) return wrong('manifest.damaged', (error as Error).message);
      return wrong('manifest.damaged', `is damaged: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Damage takes a file; a removal takes all of a restore point, and leaves nothing that is built on it.
 * @param known the manifests of the VM, where they were read
 */
export async function isRemoved(
  root: string,
  { vm: { context }, backup_id: id, disks }: Pick<RestorePoint, 'vm' | 'backup_id' | 'disks'>,
  known?: Iterable<Manifest>,
): Promise<boolean> {
  for (const disk of disks)
    for (const file of [disk.path, disk.index.path]) if (await exists(join(root, context, file))) return false;
  const manifests = known ?? (await readContext(root, context).catch(() => null))?.manifests.values();
  return manifests !== undefined && ![...manifests].some((one) => one.disks.some(({ parent }) => parent === id));
}

export const removedText = 'is gone with all its files: another hub has removed the restore point, or somebody has';
export const forgetRemoved = (repository: string): string =>
  `\`sendense-run repo import ${repository} --forget-missing\` forgets it`;

/** It is told, and no damage: a mark would lie where there is nothing that it is about. */
const removedElsewhere = (problem: PointProblem, { repository }: PointKey): PointProblem => ({
  ...problem,
  breaks: false,
  message: `${removedText}; ${forgetRemoved(repository)}`,
});
