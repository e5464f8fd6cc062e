import { takeHostSlot } from '../host-slots.ts';
import { serveHttps } from './https.ts';
import { serveSsh } from './ssh.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext, TransportName } from './transport.ts';
import { serveVddk } from './vddk.ts';

const servers = { vddk: serveVddk, https: serveHttps, ssh: serveSsh } as const;

/**
 * Serves a disk of a snapshot, read-only, once the ESXi host has room for one more (`disks_per_host`, over all jobs of this
 * node). Whoever waits for a second disk while holding a first may wait for itself: open a disk when it is to be copied.
 * @throws SendenseError `transport.*`, `vsphere.*`, `source.missing`, `source.busy`; on abort the signal's reason
 */
export async function serveSnapshotDisk(
  context: TransportContext,
  transport: TransportName,
  disk: SnapshotDiskRef,
): Promise<ServedDisk> {
  const host = disk.host ?? context.spec.host;
  const limit = context.spec.disks_per_host;
  await using opened = new AsyncDisposableStack();
  opened.use(
    await takeHostSlot({
      host,
      limit,
      signal: context.signal,
      onWait: () => context.waiting?.(`${disk.label} waits: ${limit} disks of ${host} are being read already`),
    }),
  );
  context.waiting?.(null);
  const served = opened.use(await servers[transport](context, disk));
  const owned = opened.move();
  return { ...served, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
