import { alignTo, totalLength, type Extent } from '../../../blocks/extents.ts';
import { walkAllocation } from '../../../host/images/qemu-map-lines.ts';
import { describeLayers } from './describe-layers.ts';
import type { JudgedLayer } from './judge-layers.ts';

/** As the restore points keep a disk. */
const blockSize = 65_536;
/** So little is not worth a look at where the holes are. */
const littleBytes = 1024 ** 3;

/**
 * How much of these areas can hold data, in whole blocks: the rest are holes, of which a restore point stores nothing.
 * @param areas bytes, in any form
 */
export async function changedDataBytes(
  layer: JudgedLayer,
  areas: readonly Extent[],
  { capacity, ...options }: { capacity: number; forceShare: boolean; signal?: AbortSignal | undefined },
): Promise<number> {
  const blocks = alignTo(areas, blockSize, capacity);
  const most = totalLength(blocks);
  // What the file takes is no bound: one that is compressed holds more.
  if (most <= littleBytes || layer.block) return most;
  let [next, counted, bytes] = [0, 0, 0];
  await walkAllocation(describeLayers(layer, options), options, ({ start, length, data, zero }) => {
    if (!data || zero) return;
    const from = Math.max(counted, Math.floor(start / blockSize) * blockSize);
    const until = Math.min(capacity, Math.ceil((start + length) / blockSize) * blockSize);
    counted = Math.max(counted, until);
    for (let block = blocks[next]; block && block.offset < until; block = blocks[next]) {
      const end = block.offset + block.length;
      bytes += Math.max(0, Math.min(end, until) - Math.max(block.offset, from));
      if (end > until) return;
      next++;
    }
  });
  return bytes;
}
