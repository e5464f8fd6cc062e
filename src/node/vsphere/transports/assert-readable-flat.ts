import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SnapshotDiskRef, TransportName } from './transport.ts';

/** Kinds of datastore where a disk is an object, not a file. */
export const withoutFiles = /^(vsan|vsand|vvol|pmem)$/i;

/**
 * Whether the bytes of a disk's flat file are the disk's content at its snapshot. Everything else can be read by VMware's
 * library only.
 * @throws SendenseError `transport.unsafe` with the disk and the reason
 */
export function assertReadableFlat(transport: TransportName, disk: SnapshotDiskRef): void {
  const why = obstacle(disk);
  if (why === null) return;
  throw new SendenseError('transport.unsafe', `${disk.label} (${disk.file}) cannot be read over ${transport}: ${why}`, {
    details: { key: disk.key, transport },
  });
}

function obstacle(disk: SnapshotDiskRef): string | null {
  if (disk.hasParent) return 'it is a difference to another disk file (an older snapshot, or a linked clone)';
  if (disk.backing !== 'flat') return `its format is ${disk.backing}, not flat`;
  if (disk.encrypted === true) return 'it is encrypted';
  if (disk.datastoreType !== null && withoutFiles.test(disk.datastoreType))
    return `its datastore is of the type ${disk.datastoreType}, which holds no disk files`;
  if (disk.capacity <= 0 || !Number.isSafeInteger(disk.capacity)) return `its capacity is ${disk.capacity}`;
  return null;
}
