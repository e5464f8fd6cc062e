import { join } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { connectNbd } from '../../../host/nbd/nbd-client.ts';
import { nbdCopy } from '../../../host/nbd/nbdcopy.ts';
import { toolTarget } from '../../../host/nbd/tool-target.ts';
import { watchServer } from '../../../host/nbd/watch-server.ts';
import { startCopyMeter } from '../../../host/nbd/copy-meter.ts';
import { heldElsewhere } from '../transports/explain-nbdkit.ts';
import { whileHeld } from '../transports/while-held.ts';
import { serveSshForWriting } from '../transports/ssh.ts';
import { serveVddkForWriting } from '../transports/vddk.ts';
import type { SnapshotDiskRef, TransportContext } from '../transports/transport.ts';

export interface DiskFill {
  /** Of a VM that is off and has no snapshot. */
  readonly disk: SnapshotDiskRef;
  readonly by: 'vddk' | 'ssh';
  /** NBD URI of what is to be on the disk. */
  readonly from: string;
  /** Its pre-shared key; null: it has none. */
  readonly psk: string | null;
  /** Nothing was ever written to it: what reads as zeros is not written. */
  readonly isEmpty: boolean;
  /** Hears that the disk is open for writing: from now on bytes move, or it hangs. */
  onOpen?(): void;
  onProgress?(fraction: number): void;
}

const servers = {
  vddk: { name: 'VDDK', serve: serveVddkForWriting },
  ssh: { name: 'SSH', serve: serveSshForWriting },
} as const;

/** Requests in flight; VMware's library works on them one after the other. */
const requests = 16;

/** @throws SendenseError `target.unfit` where what goes to a disk has another size, `nbd.*` */
export async function assertSize(
  {
    from,
    psk,
    bytes,
    label,
  }: { readonly from: string; readonly psk: string | null; readonly bytes: number; readonly label: string },
  signal?: AbortSignal,
): Promise<void> {
  await using source = await connectNbd(from, { psk, signal });
  if (source.size !== bytes)
    throw new SendenseError('target.unfit', `${label} has ${bytes} bytes, what goes to it has ${source.size}`);
}

/**
 * Writes all of a disk of a VM that is off. The sizes are equal, see {@link assertSize}.
 * @throws SendenseError `transport.*`, `vsphere.*`, `nbd.lost`
 */
export async function fillDisk(context: TransportContext, fill: DiskFill): Promise<void> {
  const { disk, by, from, psk, isEmpty } = fill;
  const { key, label } = disk;
  const { signal } = context;
  const { name, serve } = servers[by];
  await using source = await toolTarget(from, psk, join(context.jobFolder, `key-${key}`));
  await using served = await serve(context, disk);
  fill.onOpen?.();
  const bytesWritten = (): number => served.bytesWritten?.() ?? 0;
  let copied = 0;
  await using watched = await watchServer(from, { psk, signal, moved: () => bytesWritten() + copied });
  // nbdcopy tells only whole percents, which may be hours of a large disk.
  using meter = startCopyMeter({
    bytesRead: bytesWritten,
    total: disk.capacity,
    report: (bytes) => fill.onProgress?.(bytes / disk.capacity),
  });
  const copy = (): Promise<void> =>
    nbdCopy({
      from: source.uri,
      to: served.uri,
      connections: 1,
      requests,
      requestSize: served.requestBytes,
      writeZeroesExplicitly: false,
      targetHoldsData: !isEmpty,
      signal: AbortSignal.any([watched.lost, ...(signal ? [signal] : [])]),
      onProgress: (fraction) => meter.copied((copied = Math.trunc(fraction * disk.capacity))),
    });
  let before = 0;
  const isHeldStill = (): boolean => {
    const askedNothing = bytesWritten() === before;
    before = bytesWritten();
    return askedNothing && (served.lastError()?.includes(heldElsewhere) ?? false);
  };
  try {
    await whileHeld(copy, isHeldStill, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    watched.lost.throwIfAborted();
    // First: it hears what nbdkit has said until now, which may be what `lastFault` knows.
    const why = served.lastError();
    const fault = served.lastFault?.() ?? null;
    if (fault) throw fault;
    if (why === null) throw cause;
    throw new SendenseError('transport.failed', `${label} (${disk.file}) could not be written with ${name}: ${why}`, {
      cause,
    });
  }
}
