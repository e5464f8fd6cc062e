/** One disk of a backup that is about to begin. Bytes. */
export interface DiskEstimate {
  readonly capacity: number;
  /** What will be written; null: only known when the disk has been read. */
  readonly changed: number | null;
  /** The largest of the last increments of this disk, for where it is not known; null: there was none. */
  readonly usual: number | null;
}

const cluster = 64 * 1024;
/** Of qcow2 for each cluster: 8 bytes in an L2 table, 2 of reference count, and their tables rounded up to clusters. */
const perCluster = 10;
const tables = 8 * cluster;
/** The block index has up to 32 bytes a block; that of an increment may have to stand alone. */
const perBlock = 32;

/**
 * Bytes that a backup of these disks will take at most: changed blocks, tables of the qcow2, block index. Changes are
 * counted in whole clusters. Compression is not counted on: data that does not compress takes as much as without.
 */
export function estimateBytes(disks: readonly DiskEstimate[]): number {
  return disks.reduce((sum, { capacity, changed, usual }) => {
    const data = Math.min(changed ?? usual ?? 0, capacity);
    const clusters = Math.ceil(data / cluster);
    const metadata = clusters * perCluster + tables + Math.ceil(capacity / cluster) * perBlock;
    return sum + clusters * cluster + metadata;
  }, 0);
}
