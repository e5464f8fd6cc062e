import { join } from 'node:path';
import { isRefusal } from '../refused-logins.ts';
import type { DatastoreClient } from './datastore-client.ts';
import { forwardFile } from './forward-file.ts';
import { serveDisk } from './serve-disk.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';

/** nbdkit-curl 1.32 reads one piece after the other: the size of a piece is the throughput (docs/performance.md). */
const requestBytes = 2 * 1024 * 1024;

export interface RelayedFile {
  readonly client: DatastoreClient;
  readonly path: string;
  /** Holds the client; taken over. */
  readonly opened: AsyncDisposableStack;
}

/** nbdkit-curl that talks with a relay in this process, which judges certificate and answers itself. */
export async function serveRelayed(
  context: TransportContext,
  disk: SnapshotDiskRef,
  { client, path, opened: given }: RelayedFile,
): Promise<ServedDisk> {
  await using opened = given;
  const socket = join(context.socketFolder, `https-${disk.key}.sock`);
  const file = opened.use(await forwardFile({ client, path, size: disk.capacity, socket }));
  const served = await serveDisk(context, disk, {
    transport: 'https',
    // A proxy in the environment has no business on a Unix socket; an empty name takes it away.
    args: ['curl', `url=${file.url}`, `unix-socket-path=${socket}`, 'protocols=http', 'followlocation=false', 'proxy='],
    requestBytes,
    // One thread reads from the relay's, another hashes and writes.
    connections: 2,
    lastError: () => file.lastError()?.message ?? null,
  });
  const owned = opened.move();
  return {
    ...served,
    lastFault: () => {
      const error = file.lastError();
      return error && isRefusal(error) ? error : null;
    },
    // nbdkit waits for requests under way, which end when the forwarder does.
    [Symbol.asyncDispose]: async () => {
      try {
        await owned.disposeAsync();
      } finally {
        await served[Symbol.asyncDispose]();
      }
    },
  };
}
