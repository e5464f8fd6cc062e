import { compareExport } from '../../../blocks/compare-export.ts';
import { totalLength, type Extent } from '../../../blocks/extents.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { connectNbd, type NbdClient } from '../../../host/nbd/nbd-client.ts';
import { connectNbdTarget, type NbdTarget } from '../../../host/nbd/nbd-target.ts';
import { heldElsewhere } from '../transports/explain-nbdkit.ts';
import type { TransportContext } from '../transports/transport.ts';
import { whileHeld } from '../transports/while-held.ts';
import type { Moref } from '../xml.ts';
import { reading, writing } from './disk-access.ts';
import type { OwnDisk } from './in-place-vm.ts';

export interface DiskWork {
  readonly disk: OwnDisk;
  /** NBD URI of what is to be on it. */
  readonly from: string;
  readonly psk: string | null;
  /** Block index of that, a file. */
  readonly index: string;
  /** What is written, in whole blocks. */
  readonly extents: readonly Extent[];
  onBytes?(done: number, total: number): void;
}

/** What is read ahead, bytes each; VMware's library takes one request after the other. */
const requestBytes = 1024 * 1024;
const requests = 8;
/** How long a break of the way to the hub may last, ms. */
const reconnectMs = 60_000;

/**
 * Writes these parts of a disk, and nothing else. All of it is on the disk when this returns.
 * @throws SendenseError `transport.*`, `vsphere.*`, `disk.full`, `nbd.lost`
 */
export async function writeDifferences(context: TransportContext, vm: Moref, work: DiskWork): Promise<void> {
  const { disk, from, psk, extents, onBytes } = work;
  const { signal } = context;
  if (extents.length === 0) return;
  await using source = await connectNbd(from, { psk, signal, reconnectMs });
  if (source.size !== disk.capacity_bytes)
    throw new SendenseError(
      'target.unfit',
      `${disk.label} has ${disk.capacity_bytes} bytes, what goes to it has ${source.size}`,
    );
  await writing(context, vm, disk, async (served) => {
    const isHeld = (): boolean => served.lastError()?.includes(heldElsewhere) ?? false;
    const connect = () => connectNbdTarget(served.uri, { signal, connectTimeoutMs: 120_000 });
    await using target = await whileHeld(connect, isHeld, signal);
    const total = totalLength(extents);
    let done = 0;
    await copy(source, target, extents, signal, (bytes) => onBytes?.((done += bytes), total));
    await target.flush();
  });
}

/** Each piece is read while others are written. */
async function copy(
  source: NbdClient,
  target: NbdTarget,
  extents: readonly Extent[],
  signal: AbortSignal | undefined,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const pieces = piecesOf(extents);
  const worker = async (): Promise<void> => {
    const buffer = Buffer.alloc(requestBytes);
    // One iterator: each worker takes the next piece.
    for (const { offset, length } of pieces) {
      signal?.throwIfAborted();
      const data = buffer.subarray(0, length);
      await source.read(offset, data);
      await target.write(offset, data);
      onWritten(length);
    }
  };
  await Promise.all(Array.from({ length: requests }, worker));
}

function* piecesOf(extents: readonly Extent[]): Generator<Extent> {
  for (const { offset, length } of extents)
    for (let done = 0; done < length; done += requestBytes)
      yield { offset: offset + done, length: Math.min(requestBytes, length - done) };
}

/**
 * Reads again what was written, or all of the disk, and compares it with the block index.
 * @throws SendenseError `content.mismatch`, `transport.*`, `vsphere.*`
 */
export async function readAgain(
  context: TransportContext,
  vm: Moref,
  { disk, index, extents, onBytes }: Omit<DiskWork, 'from' | 'psk'>,
  all: boolean,
): Promise<void> {
  if (extents.length === 0 && !all) return;
  const { mismatches } = await reading(context, vm, disk, ({ uri }) =>
    compareExport({
      uri,
      indexPath: index,
      workers: 1,
      signal: context.signal,
      ...(all ? {} : { areas: extents }),
      ...(onBytes ? { onProgress: onBytes } : {}),
    }),
  );
  const [first] = mismatches;
  if (!first) return;
  throw new SendenseError(
    'content.mismatch',
    `${disk.label} (${disk.file}): what is on it differs from the block index, first at offset ${first.offset} (${first.length} bytes)`,
    {
      remedy:
        'The VM stays marked. Run `sendense-run check` to see whether the restore point is damaged. If it is not, run the restore again: it compares the whole disk and writes what differs.',
    },
  );
}
