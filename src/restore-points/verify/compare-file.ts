import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { compareStored } from '../../blocks/compare-stored.ts';
import type { DigestLanes } from '../../blocks/digest-lanes.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { digestOfEnvelope, guestBlocksOf } from '../../repository/envelope.ts';
import { settleAll } from '../settle-all.ts';
import { assertRoot, differs, type Compared } from './compare-guest.ts';
import { keyOf, type DiskToExamine } from './disk-work.ts';
import { notAsCommitted } from './image-structure.ts';

/** What is there already. */
export interface FileReading {
  /** What the file holds as the guest has it. */
  readonly blocks?: GuestBlocks;
  /** The same, of a file that was found just now to be as it was committed in all else. */
  readonly proven?: GuestBlocks | null;
  /** Threads. */
  readonly pool?: DigestLanes;
}

/**
 * Reads each byte of a disk's own file once: whole blocks of the guest's disk against the block index, all else against the
 * envelope digest of the manifest, which those of earlier versions do not have.
 */
export async function compareFile(work: DiskToExamine & FileReading): Promise<Compared> {
  const { root, context, disk, signal } = work;
  const file = join(root, context, disk.path);
  const indexFile = join(root, context, disk.index.path);
  const key = keyOf(work);
  await using index = await openIndex(indexFile, { key, shelf: work.lookedAt?.indexes });
  assertRoot(index, disk.digest);
  let bytesRead = 0;
  const onRead = (bytes: number): void => {
    bytesRead += bytes;
    work.onRead?.(bytes);
  };
  const found = (problem: Compared['problem']): Compared => ({ problem, bytesRead });
  const { proven } = work;
  const blocks = work.blocks ?? proven ?? (await guestBlocksOf(file, signal));
  const outside = blocks.extents.find(({ host, length }) => host + length > disk.file_bytes);
  if (outside) return found({ code: 'image.damaged', message: `names data at ${outside.host}, beyond its end` });
  const { pool, background = false, pace, paceBytes } = work;
  // The one reads and hashes in this thread, the other in threads of its own.
  const [envelope, first] = await settleAll([
    disk.envelope === undefined || proven ? disk.envelope : digestOfEnvelope(file, blocks, { signal, onRead }),
    compareStored({ file, blocks, index, pool, background, pace, paceBytes, signal, onRead }),
  ]);
  if (envelope !== disk.envelope) return found({ code: 'image.damaged', message: notAsCommitted });
  return found(first && differs(disk.number, first));
}
