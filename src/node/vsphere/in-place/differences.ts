import { changedBetween } from '../../../blocks/changed-between.ts';
import { compareExport } from '../../../blocks/compare-export.ts';
import { blockSize } from '../../../blocks/block-index-format.ts';
import { alignTo, normalise, subtract, type Extent } from '../../../blocks/extents.ts';
import type { TransportContext } from '../transports/transport.ts';
import type { Moref } from '../xml.ts';
import { reading } from './disk-access.ts';
import type { OwnDisk } from './in-place-vm.ts';

/** A restore point of the present state of a disk. */
export interface KnownState {
  /** Block index, a file. */
  readonly index: string;
  /** What may have changed since, bytes. */
  readonly changed: readonly Extent[];
}

export interface Looking {
  readonly disk: OwnDisk;
  /** Block index of what is to be on it, a file. */
  readonly index: string;
  /** null: nothing is known of what is on it. */
  readonly known: KnownState | null;
  /** Bytes that were read and compared, of so many. */
  onRead?(done: number, total: number): void;
}

/**
 * Where a disk of a VM that is off is not what it is to be, in whole blocks: ascending, merged. What two block indexes tell is not read.
 * @throws SendenseError `transport.*`, `vsphere.*`, `repository.damaged`
 */
export async function differences(context: TransportContext, vm: Moref, looking: Looking): Promise<Extent[]> {
  const { disk, index, known } = looking;
  const { signal } = context;
  const capacity = disk.capacity_bytes;
  if (known === null) return read(context, vm, looking, undefined);
  const unsure = alignTo(known.changed, blockSize, capacity);
  const told = subtract(await changedBetween(known.index, index, signal), unsure);
  return unsure.length === 0 ? told : normalise([...told, ...(await read(context, vm, looking, unsure))]);
}

/**
 * Whether a disk that was read is still as a restore point of it. Reads no more than where that differs from what is to be on the disk.
 * @param found where the disk is not what it is to be
 * @param base block index of the restore point, a file
 * @throws SendenseError `transport.*`, `vsphere.*`, `repository.damaged`
 */
export async function isStillAs(
  context: TransportContext,
  vm: Moref,
  { disk, index, found, base }: Pick<Looking, 'disk' | 'index'> & { readonly found: Extent[]; readonly base: string },
): Promise<boolean> {
  const told = await changedBetween(base, index, context.signal);
  const isSame = subtract(told, found).length === 0 && subtract(found, told).length === 0;
  return isSame && (told.length === 0 || (await read(context, vm, { disk, index: base }, told)).length === 0);
}

/** @param areas all of the disk where there are none */
const read = (
  context: TransportContext,
  vm: Moref,
  { disk, index, onRead }: Omit<Looking, 'known'>,
  areas: readonly Extent[] | undefined,
): Promise<Extent[]> =>
  reading(context, vm, disk, async ({ uri }) => {
    const { mismatches } = await compareExport({
      uri,
      indexPath: index,
      most: Infinity,
      // Each is a connection to the host, beside the one that asks what is allocated.
      workers: 1,
      signal: context.signal,
      ...(areas ? { areas } : {}),
      ...(onRead ? { onProgress: onRead } : {}),
    });
    return mismatches;
  });
