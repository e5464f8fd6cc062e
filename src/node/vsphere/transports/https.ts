import { join } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { assertReadableFlat } from './assert-readable-flat.ts';
import { datastoreClient, type DatastoreClient } from './datastore-client.ts';
import { flatFileOf, folderPath } from './datastore-file.ts';
import { forwardFile } from './forward-file.ts';
import { serveDisk } from './serve-disk.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';

/** nbdkit-curl 1.32 reads one piece after the other: the size of a piece is the throughput (docs/performance.md). */
const requestBytes = 2 * 1024 * 1024;

/** @throws SendenseError why the disks cannot be read this way */
export async function checkHttps(context: TransportContext, disks: readonly SnapshotDiskRef[]): Promise<string> {
  for (const disk of disks) assertReadableFlat('https', disk);
  using client = datastoreClient(context);
  await Promise.all(disks.map((disk) => findFile(client, context, disk)));
  return `the datastore access of ${context.spec.host} has the file of each disk, whole`;
}

export async function serveHttps(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  assertReadableFlat('https', disk);
  await using opened = new AsyncDisposableStack();
  const client = opened.use(datastoreClient(context));
  const path = await findFile(client, context, disk);
  const socket = join(context.socketFolder, `https-${disk.key}.sock`);
  const file = opened.use(await forwardFile({ client, path, size: disk.capacity, socket }));
  const served = await serveDisk(context, disk, {
    transport: 'https',
    args: ['curl', `url=${file.url}`, `unix-socket-path=${socket}`, 'protocols=http', 'followlocation=false'],
    // A proxy in the environment has no business on a Unix socket.
    env: { http_proxy: undefined, HTTP_PROXY: undefined, all_proxy: undefined, ALL_PROXY: undefined },
    requestBytes,
    // One thread reads from the relay's, another hashes and writes.
    connections: 2,
    lastError: () => file.lastError()?.message ?? null,
  });
  const owned = opened.move();
  return {
    ...served,
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

/**
 * Path and query of a disk's flat file, in the spelling that this server takes.
 * @throws SendenseError `transport.unsafe` where the file is not as long as the disk, `source.missing`, …
 */
async function findFile(client: DatastoreClient, context: TransportContext, disk: SnapshotDiskRef): Promise<string> {
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
