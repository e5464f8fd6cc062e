import { join } from 'node:path';
import { readManifestExactly } from '../../repository/manifest.ts';
import { manifestPath } from '../../repository/layout.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { findPoint, type PointKey } from '../../state/points/restore-points.ts';
import { storedChain } from '../stored-chain.ts';
import type { Problem } from './disk-work.ts';
import { examineStanding } from './standing-disk.ts';
import type { PointProblem, Reading } from './examine-point.ts';

export interface Culprit extends Problem {
  readonly backupId: string;
  readonly disk: number;
}

/**
 * What a disk read through its chain shows wrong need not be wrong in its own file: reads the file of each restore point that it is
 * built on, and its own, and names those that are damaged. None: it cannot be told, so it is the point's own.
 */
export async function findCulprits(
  state: State,
  key: PointKey,
  problem: PointProblem & { readonly disk: number },
  reading: Reading,
): Promise<Culprit[]> {
  const point = findPoint(state, key);
  const chain = point ? storedChain(state, point, problem.disk) : 'gone';
  if (typeof chain === 'string') return [];
  const culprits: Culprit[] = [];
  for (const { backupId } of chain.toReversed()) {
    const found = await examineOwn(state, { ...key, backupId }, problem.disk, reading);
    if (found) culprits.push({ ...found, backupId, disk: problem.disk });
  }
  return culprits;
}

async function examineOwn(state: State, key: PointKey, number: number, reading: Reading): Promise<Problem | null> {
  const path = manifestPath(key.context, key.backupId);
  let manifest: Manifest;
  try {
    manifest = await readManifestExactly(join(reading.root, path));
  } catch (error) {
    if (!findPoint(state, key)) return null;
    return { code: 'manifest.damaged', path, message: `is damaged: ${(error as Error).message}` };
  }
  if (!manifest.disks.some((disk) => disk.number === number)) return null;
  const { problem } = await examineStanding(manifest, number, { ...reading, content: 'stored' });
  return problem;
}
