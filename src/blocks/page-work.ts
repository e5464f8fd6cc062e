import { blockSize, pageSpan } from './block-index-format.ts';
import { alignTo, assertWithin, type Extent } from './extents.ts';

/** What of a disk is to be looked at, grown to whole blocks. Default: all. */
export function wantedAreas(areas: readonly Extent[] | undefined, capacity: number): Extent[] {
  if (areas === undefined) return capacity === 0 ? [] : [{ offset: 0, length: capacity }];
  assertWithin(areas, capacity);
  return alignTo(areas, blockSize, capacity);
}

interface PageWork {
  readonly page: number;
  /** What of the page is wanted. */
  readonly wanted: readonly Extent[];
  /** Where that ends. */
  readonly end: number;
}

/** The pages that the areas touch. */
export function* pagesOf(areas: readonly Extent[]): Generator<PageWork> {
  let [page, end] = [0, 0];
  let wanted: Extent[] = [];
  for (const area of areas) {
    const areaEnd = area.offset + area.length;
    for (let offset = area.offset; offset < areaEnd; offset = end) {
      const its = Math.floor(offset / pageSpan);
      if (its !== page && wanted.length > 0) {
        yield { page, wanted, end };
        wanted = [];
      }
      page = its;
      end = Math.min((page + 1) * pageSpan, areaEnd);
      wanted.push({ offset, length: end - offset });
    }
  }
  if (wanted.length > 0) yield { page, wanted, end };
}

/** Bounds the message to a thread. */
const taskExtents = 256;

/** Extents cut and bundled into shares of work of at most `taskBytes`, a multiple of the block size. */
export function* tasksOf(extents: readonly Extent[], taskBytes: number): Generator<Extent[]> {
  let task: Extent[] = [];
  let bytes = 0;
  for (const extent of extents) {
    for (let done = 0; done < extent.length;) {
      const length = Math.min(extent.length - done, taskBytes - bytes);
      task.push({ offset: extent.offset + done, length });
      done += length;
      bytes += length;
      if (bytes < taskBytes && task.length < taskExtents) continue;
      yield task;
      [task, bytes] = [[], 0];
    }
  }
  if (task.length > 0) yield task;
}
