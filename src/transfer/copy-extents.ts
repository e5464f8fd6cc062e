import { totalLength, type Extent } from '../blocks/extents.ts';
import { nbdCopy } from '../host/nbd/nbdcopy.ts';
import { serveExtentList } from '../host/nbd/nbdkit.ts';
import { startCopyMeter } from '../host/nbd/copy-meter.ts';
import { toolTarget } from '../host/nbd/tool-target.ts';
import type { DiskContext } from './disk-context.ts';

/** Block of the index and cluster of the target: requests of this size keep an overlay as small as the change. */
export const blockBytes = 65_536;

/** Writes these areas to the target, zeros too: a block that became zeros must hide the parent's data. */
export async function copyExtents(
  context: DiskContext,
  extents: readonly Extent[],
  signal: AbortSignal,
): Promise<void> {
  if (extents.length === 0) return;
  const { disk, job, tuning, capacity, link, report, socketFolder } = context;
  await using narrowed = await serveExtentList({
    source: disk.uri,
    extents,
    directory: socketFolder,
    name: `areas-${job.key}`,
    signal,
  });
  await using to = await toolTarget(job.target, link.psk, `${socketFolder}/key-${job.key}`);
  const bytesBefore = progressOver(extents);
  using meter = startCopyMeter({
    bytesRead: () => disk.bytesRead(),
    total: totalLength(extents),
    report: (bytes) => report({ bytes_done: bytes }),
  });
  await nbdCopy({
    from: narrowed.uri,
    to: to.uri,
    ...tuning,
    requestSize: blockBytes,
    writeZeroesExplicitly: true,
    signal,
    onProgress: (fraction) => meter.copied(bytesBefore(fraction * capacity)),
  });
}

/** nbdcopy counts the whole disk; the answer is how many bytes of the extents lie before a place. Called with rising places. */
function progressOver(extents: readonly Extent[]): (place: number) => number {
  let next = 0;
  let sum = 0;
  return (place) => {
    let extent = extents[next];
    for (; extent && extent.offset + extent.length <= place; extent = extents[++next]) sum += extent.length;
    return sum + (extent ? Math.max(0, Math.trunc(place) - extent.offset) : 0);
  };
}
