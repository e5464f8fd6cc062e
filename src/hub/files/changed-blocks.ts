import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { changedIn } from '../../blocks/changed-between.ts';
import type { Extent } from '../../blocks/extents.ts';
import type { IndexReader } from '../../blocks/index-reader.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { diskName } from '../../repository/layout.ts';
import { verifyChain } from '../../repository/verify-chain.ts';
import type { RepositoryAccess } from '../../restore-points/repository-access.ts';
import { storedChain } from '../../restore-points/stored-chain.ts';
import { marksKey, marksOf } from '../../state/points/point-marks.ts';
import { findPoint, type PointKey, type RestorePoint } from '../../state/points/restore-points.ts';

/** What the block indexes of two restore points say of their disks. */
export interface ChangedBlocks {
  /** Of disks that both have, by number, in bytes: blocks that differ. A disk that is not in it may differ anywhere. */
  readonly disks: ReadonlyMap<number, readonly Extent[]>;
  /** Both have the same disks, and each block of them is the same. */
  readonly isSame: boolean;
  /** Block indexes that are not used, and why. */
  readonly remarks: readonly string[];
}

/**
 * Compares two restore points by their block indexes: no disk is read. An index counts only where it is as it was committed, the files
 * of its chain too, and nobody has marked one of them as broken.
 * @throws SendenseError `point.unknown`; on abort the signal's reason
 */
export async function changedBlocks(
  services: RepositoryAccess,
  before: PointKey,
  after: PointKey,
  signal?: AbortSignal,
): Promise<ChangedBlocks> {
  const [a, b] = [known(services, before), known(services, after)];
  const numbers = new Set([...a.disks, ...b.disks].map(({ number }) => number));
  const disks = new Map<number, readonly Extent[]>();
  const remarks: string[] = [];
  for (const number of numbers) {
    try {
      const changed = await changedOn(services, [a, b], number, signal);
      if (changed !== null) disks.set(number, changed);
    } catch (error) {
      signal?.throwIfAborted();
      remarks.push(`${diskName(number)}: ${toSendenseError(error).message}`);
    }
  }
  const isSame = [...numbers].every((number) => disks.get(number)?.length === 0);
  return { disks, isSame, remarks };
}

function known({ state }: RepositoryAccess, key: PointKey): RestorePoint {
  const point = findPoint(state, key);
  if (!point) throw new SendenseError('point.unknown', `there is no restore point ${key.backupId} of ${key.context}`);
  return point;
}

/** Null: it is another disk, whose blocks are not compared. */
async function changedOn(
  services: RepositoryAccess,
  pair: readonly [RestorePoint, RestorePoint],
  number: number,
  signal: AbortSignal | undefined,
): Promise<readonly Extent[] | null> {
  const sizes = pair.map(({ disks }) => disks.find((disk) => disk.number === number)?.capacity_bytes);
  if (sizes[0] === undefined || sizes[0] !== sizes[1]) return null;
  await using before = await trusted(services, pair[0], number, signal);
  await using after = await trusted(services, pair[1], number, signal);
  return await changedIn(before, after, signal);
}

/** The block index of a disk. @throws SendenseError where it does not count */
async function trusted(
  services: RepositoryAccess,
  point: RestorePoint,
  number: number,
  signal: AbortSignal | undefined,
): Promise<IndexReader> {
  const { repository, vm, backup_id: id } = point;
  const doubt = (why: string): SendenseError => new SendenseError('repository.damaged', `${id}: ${why}`);
  const chain = storedChain(services.state, point, number);
  if (typeof chain === 'string') throw doubt(chain);
  const marks = marksOf(services.state, { repository, context: vm.context });
  const broken = chain.find(({ backupId }) => marks.get(marksKey(vm.context, backupId))?.broken);
  if (broken) throw doubt(`restore point ${broken.backupId} is marked as broken`);
  const root = services.repositoryPath(repository);
  const verdict = await verifyChain(root, chain, { index: false, signal });
  if (verdict.verdict === 'broken') throw doubt(verdict.reason);
  if (verdict.verdict === 'touched') throw doubt(`the time of ${verdict.paths[0]} is not that of its backup`);
  const [newest] = chain;
  if (!newest) throw doubt('it has no such disk');
  const key = (await services.imageKeys(repository)).of(newest);
  const index = await openIndex(join(root, newest.indexPath), { key, signal });
  // Every page that is read is checked against this root.
  if (index.root === newest.digest && index.capacity === newest.capacity) return index;
  await index[Symbol.asyncDispose]();
  throw doubt(`block index ${newest.indexPath} is not the one of its backup`);
}
