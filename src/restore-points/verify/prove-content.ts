import { stat } from 'node:fs/promises';
import { blockSize } from '../../blocks/block-index-format.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { compareExport } from '../../blocks/compare-export.ts';
import { compareStored } from '../../blocks/compare-stored.ts';
import { alignTo, normalise, subtract, totalLength, type Extent } from '../../blocks/extents.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { serveReadOnly } from '../serve-chain.ts';
import { settleAll } from '../settle-all.ts';

export interface ToProve {
  /** Absolute paths. */
  readonly file: string;
  readonly indexPath: string;
  /** Of the disk, bytes. */
  readonly capacity: number;
  readonly key: ImageKey | null;
  /** What the file itself holds as the guest has it. */
  readonly blocks: GuestBlocks;
  /** Whole blocks to compare, all of `blocks` among them. */
  readonly areas: readonly Extent[];
  /** Of a run folder, for the socket of a server. */
  readonly folderId: string;
  readonly signal: AbortSignal;
  /** Told of bytes that were compared since the last time. */
  onCompared(bytes: number): void;
}

/**
 * Compares what a qcow2 shows with a block index. Blocks that the file holds as they are are read from it where `qemu-img map` says
 * that they lie, which is much faster than through a server. All else, what is nowhere allocated included, is read as qemu shows it.
 * @returns the first block that differs, bytes of the guest's disk; null: none does
 * @throws SendenseError `repository.damaged` (the index), `content.mismatch` (sizes), `source.changed` where the file ends too early
 */
export async function proveContent(what: ToProve): Promise<Extent | null> {
  const { file, indexPath, capacity, key, blocks, signal } = what;
  const { size } = await stat(file);
  const plain = blocks.extents.filter(({ host, length }) => host + length <= size);
  const rest = subtract(
    what.areas,
    normalise(plain.map(({ guest, length }) => ({ offset: guest, length: Math.min(length, capacity - guest) }))),
  );
  await using index = await openIndex(indexPath, { key });
  const [stored, shown] = await settleAll([
    compareStored({ file, blocks: { ...blocks, extents: plain }, index, signal, onRead: what.onCompared }),
    compareShown(what, alignTo(rest, blockSize, capacity)),
  ]);
  if (stored === null || shown === null) return stored ?? shown;
  return stored.offset <= shown.offset ? stored : shown;
}

async function compareShown(what: ToProve, areas: readonly Extent[]): Promise<Extent | null> {
  const { file, indexPath, key, folderId, signal, onCompared } = what;
  if (totalLength(areas) === 0) return null;
  await using server = await serveReadOnly(file, 'qcow2', folderId, signal, key);
  let told = 0;
  const { mismatches } = await compareExport({
    uri: server.uri,
    indexPath,
    indexKey: key,
    areas,
    signal,
    onProgress: (done) => {
      onCompared(done - told);
      told = done;
    },
  });
  return mismatches[0] ?? null;
}
