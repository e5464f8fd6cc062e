import { SendenseError } from '../../../errors/sendense-error.ts';
import type { DatastoreClient } from './datastore-client.ts';
import { flatFileOf, folderPath } from './datastore-file.ts';
import type { SnapshotDiskRef, TransportContext } from './transport.ts';

/**
 * Path and query of a disk's flat file, in the spelling that this server takes.
 * @throws SendenseError `transport.unsafe` where the file is not as long as the disk, `source.missing`, …
 */
export async function findFlatFile(
  client: DatastoreClient,
  context: TransportContext,
  disk: SnapshotDiskRef,
): Promise<string> {
  const file = flatFileOf(disk.file);
  // A bare ESXi host calls its one datacenter so.
  const datacenter = disk.datacenter ?? 'ha-datacenter';
  const spellings = [...new Set([folderPath(file, datacenter, 2), folderPath(file, datacenter, 1)])];
  for (const [number, path] of spellings.entries()) {
    try {
      const { size, ranges } = await client.head(path, context.signal);
      assertWhole(disk, size, ranges);
      return path;
    } catch (error) {
      const missing = error instanceof SendenseError && error.code === 'source.missing';
      if (!missing || number + 1 === spellings.length) throw error;
    }
  }
  throw new SendenseError('run.internal', `no spelling of ${disk.file} was tried`);
}

function assertWhole(disk: SnapshotDiskRef, size: number | null, ranges: boolean): void {
  const why =
    size !== disk.capacity
      ? `its file holds ${size ?? 'an unknown number of'} bytes, the disk ${disk.capacity}`
      : ranges
        ? null
        : 'the server sends whole files only';
  if (why !== null)
    throw new SendenseError('transport.unsafe', `${disk.label} (${disk.file}) cannot be read over https: ${why}`, {
      details: { key: disk.key, transport: 'https' },
    });
}
