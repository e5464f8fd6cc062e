import { imageTarget, type ImageKey } from '../host/images/image-options.ts';
import { mapImage } from '../host/images/qemu-img.ts';
import { changedBetween } from './changed-between.ts';
import { alignTo, normalise, type Extent } from './extents.ts';

const blockSize = 65536;

export interface WrittenAreasOptions {
  /** Absolute paths. */
  readonly file: string;
  readonly index: string;
  readonly parentIndex: string;
  /** Bytes. */
  readonly capacity: number;
  /** Of all three, where they are encrypted. */
  readonly key?: ImageKey | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What has to be read of an overlay to prove it, given that its parent is proven: what the overlay holds, and what the two
 * block indexes say changed. A block that was never written is found by the second.
 */
export async function writtenAreas(options: WrittenAreasOptions): Promise<Extent[]> {
  const held = (await mapImage(await imageTarget(options.file, { key: options.key, alone: true }), options.signal))
    .filter((area) => area.depth === 0 && area.present)
    .map((area) => ({ offset: area.start, length: area.length }));
  const differing = await changedBetween(options.parentIndex, options.index, options.signal, options.key ?? null);
  return alignTo(normalise([...held, ...differing]), blockSize, options.capacity);
}
