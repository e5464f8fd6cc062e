import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereDisk } from '../../../schemas/types.ts';
import { allocatedAreas, queryChangedAreas } from '../../vsphere/changed-areas.ts';
import type { Moref } from '../../vsphere/connect.ts';
import type { Vsphere } from '../../vsphere/vsphere.ts';
import type { Snapshot } from '../../vsphere/take-snapshot.ts';
import { serveSnapshotDisk } from '../../vsphere/transports/serve-snapshot-disk.ts';
import type { SnapshotDiskRef, TransportContext, TransportName } from '../../vsphere/transports/transport.ts';
import { lookAtVm } from '../../vsphere/vm-state.ts';
import type { OpenDisk } from '../../../sources/open-source.ts';
import type { EarlyDisk } from './early-disk.ts';

export interface SnapshotDiskOptions {
  readonly vsphere: Vsphere;
  readonly vm: Moref;
  readonly snapshot: Snapshot;
  readonly disk: VsphereDisk;
  readonly ref: SnapshotDiskRef;
  readonly transport: TransportName;
  readonly context: TransportContext;
  /** This disk where it is served already. */
  readonly early: EarlyDisk;
  /** Why the hypervisor's list of changes is not to be trusted; null: it is. */
  readonly distrust: string | null;
  activity(what: string | null): void;
}

/** One disk of a snapshot, served by its transport, with what the hypervisor says of its changes. */
export async function openSnapshotDisk(options: SnapshotDiskOptions): Promise<OpenDisk> {
  const { vsphere, vm, snapshot, disk, ref, context } = options;
  const { signal } = context;
  await using stack = new AsyncDisposableStack();
  const served = stack.use(
    (await options.early.take(ref.key)) ?? (await serveSnapshotDisk(context, options.transport, ref)),
  );
  const changeId = snapshot.changeTracking ? disk.change_id : null;
  const tracked = { vm, snapshot: snapshot.moref, disk };
  const asking = { signal };
  const held = stack.move();
  return {
    uri: served.uri,
    warnings: [],
    readOnce: true,
    requestBytes: served.requestBytes,
    connections: served.connections,
    lastError: () => served.lastError(),
    lastFault: () => served.lastFault?.() ?? null,
    bytesRead: () => null,
    allocated: async (capacity) => {
      if (changeId === null) return null;
      assertSameSize(disk, capacity);
      return allocatedAreas(vsphere, tracked, asking);
    },
    changes: async (capacity, since) => {
      if (changeId === null) return null;
      assertSameSize(disk, capacity);
      if (since === null) return { changeId, since: null, areas: [] };
      if (options.distrust !== null) return { changeId, since: null, areas: [], reason: options.distrust };
      options.activity(`asking what changed on ${disk.label}`);
      const found = await queryChangedAreas(vsphere, tracked, since, asking).finally(() => options.activity(null));
      return 'areas' in found
        ? { changeId, since, areas: found.areas }
        : { changeId, since: null, areas: [], reason: found.reset };
    },
    // It does not change as long as it is there; once it is removed, what was read of it may be later than it.
    assertUnchanged: async (bytesRead = 0) => {
      await served.assertSound?.(bytesRead);
      const gone = await snapshotGone(options, signal);
      if (gone) throw gone;
    },
    lost: (inner) => snapshotGone(options, inner).catch(() => null),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function snapshotGone(
  { vsphere, vm, snapshot, disk }: SnapshotDiskOptions,
  signal: AbortSignal | undefined,
): Promise<SendenseError | null> {
  const { snapshots } = await lookAtVm(vsphere, vm, signal);
  if (snapshots.some((one) => one.moref.value === snapshot.moref.value)) return null;
  return new SendenseError(
    'source.changed',
    `somebody removed the snapshot ${snapshot.name} while ${disk.label} was read from it`,
    { remedy: 'Find out who removed it, then run the plan again.' },
  );
}

/** Areas count on the disk that vSphere means; what is served must be that disk to the byte. */
function assertSameSize(disk: VsphereDisk, served: number): void {
  if (disk.capacity_bytes === served) return;
  throw new SendenseError(
    'transport.unsafe',
    `${disk.label} has ${disk.capacity_bytes} bytes for vSphere, and what is read has ${served}`,
  );
}
