import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import type { IndexReader } from '../../blocks/index-reader.ts';
import { compareExport } from '../../blocks/compare-export.ts';
import { totalLength } from '../../blocks/extents.ts';
import { writtenAreas } from '../../blocks/written-areas.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { toBackground } from '../../host/programs/background.ts';
import { diskName, indexPath } from '../../repository/layout.ts';
import { serveReadOnly } from '../serve-chain.ts';
import { keyOf, type DiskToExamine, type Problem } from './disk-work.ts';

/** What was found of a disk's content; the path is that of its image. */
export interface Compared {
  readonly problem: Omit<Problem, 'path'> | null;
  readonly bytesRead: number;
}

/** Reads the guest's disk through the chain and compares it with the block index. */
export async function compareGuest(work: DiskToExamine): Promise<Compared> {
  const { root, context, disk, signal } = work;
  const file = join(root, context, disk.path);
  const index = join(root, context, disk.index.path);
  const key = keyOf(work);
  {
    await using reader = await openIndex(index, { key });
    assertRoot(reader, disk.digest);
  }
  const areas =
    disk.parent === null || work.content === 'whole'
      ? undefined
      : await writtenAreas({
          file,
          index,
          parentIndex: join(root, indexPath(context, disk.number, disk.parent)),
          capacity: disk.capacity_bytes,
          key,
          signal,
        });
  if (areas && totalLength(areas) === 0) return { problem: null, bytesRead: 0 };
  await using server = await serveReadOnly(file, 'qcow2', work.folderId, signal, key);
  if (work.background) toBackground(server.process.pid);
  let told = 0;
  const { comparedBytes, mismatches } = await compareExport({
    uri: server.uri,
    indexPath: index,
    indexKey: key,
    ...(areas ? { areas } : {}),
    background: work.background,
    pace: work.pace,
    paceBytes: work.paceBytes,
    signal,
    onProgress: (done) => {
      work.onRead?.(done - told);
      told = done;
    },
  });
  const [first] = mismatches;
  return { problem: first ? differs(disk.number, first) : null, bytesRead: comparedBytes };
}

/** @throws SendenseError `repository.damaged` */
export function assertRoot({ root }: Pick<IndexReader, 'root'>, digest: string): void {
  if (root !== digest)
    throw new SendenseError('repository.damaged', `its block index has digest ${root}, ${digest} was committed`);
}

export const differs = (number: number, first: { offset: number; length: number }): Omit<Problem, 'path'> => ({
  code: 'content.mismatch',
  message: `does not hold what was backed up: first difference at offset ${first.offset} of ${diskName(number)} (${first.length} bytes)`,
});
