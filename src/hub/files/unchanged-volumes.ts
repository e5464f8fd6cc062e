import type { Extent } from '../../blocks/extents.ts';
import type { DiskRange } from '../../files/protocol.ts';
import type { Channel } from '../../files/reader/channel.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import type { ChangedBlocks } from './changed-blocks.ts';

type Volume = FilesOutput['volumes'][number];

/** A restore point that is open. */
export interface ComparedFiles {
  info(): FilesOutput;
  /** By slot of the reader. */
  readonly disks: readonly { readonly number: number; readonly capacity_bytes: number }[];
  readonly ask: Channel['ask'];
}

/** A volume with the parts of the disks that decide what it holds; null: that is not known. */
export interface PlacedVolume {
  readonly volume: Volume;
  readonly ranges: readonly DiskRange[] | null;
}

/**
 * Ids of volumes that two open restore points both have, and of which no block differs. A journal that is replayed is a part of the
 * volume, so it is replayed to the same.
 */
export async function unchangedVolumes(
  before: ComparedFiles,
  after: ComparedFiles,
  changed: ChangedBlocks,
  signal?: AbortSignal,
): Promise<string[]> {
  const [a, b] = [await placed(before, signal), await placed(after, signal)];
  return a
    .filter((one) => {
      const other = b.find(({ volume }) => volume.id === one.volume.id);
      return other !== undefined && isUnchanged(one, other, changed);
    })
    .map(({ volume }) => volume.id);
}

async function placed(files: ComparedFiles, signal: AbortSignal | undefined): Promise<PlacedVolume[]> {
  const { disks } = files;
  const found: PlacedVolume[] = [];
  for (const volume of files.info().volumes) {
    if (volume.state !== 'readable' && volume.state !== 'encrypted') continue;
    const { ranges } = await files.ask('ranges', { volume: volume.id }, { signal });
    const onDisks = ranges?.map(([slot, offset, bytes]): DiskRange | null => {
      const disk = disks[slot];
      // What counts is the number of the disk. A slot is larger than its disk, and zeros from there.
      return disk ? [disk.number, offset, Math.max(0, Math.min(bytes, disk.capacity_bytes - offset))] : null;
    });
    found.push({ volume, ranges: onDisks?.every((range) => range !== null) ? onDisks : null });
  }
  return found;
}

/** @param one its ranges name disks by their number */
export function isUnchanged(one: PlacedVolume, other: PlacedVolume, { disks }: Pick<ChangedBlocks, 'disks'>): boolean {
  if (one.volume.type !== other.volume.type || one.volume.bytes !== other.volume.bytes) return false;
  if (one.ranges === null || one.ranges.length === 0) return false;
  if (JSON.stringify(one.ranges) !== JSON.stringify(other.ranges)) return false;
  return one.ranges.every(([number, offset, bytes]) => {
    const changed = disks.get(number);
    return changed !== undefined && !touches(changed, offset, bytes);
  });
}

/** @param extents in their order */
export function touches(extents: readonly Extent[], offset: number, bytes: number): boolean {
  let [low, high] = [0, extents.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent && extent.offset + extent.length <= offset) low = middle + 1;
    else high = middle;
  }
  const next = extents[low];
  return next !== undefined && next.offset < offset + bytes;
}
