import { SendenseError } from '../../errors/sendense-error.ts';
import { parseDatastorePath } from './datastore-path.ts';
import { datastoreClient } from './transports/datastore-client.ts';
import { folderPath } from './transports/datastore-file.ts';
import type { TransportContext } from './transports/transport.ts';

/** Reads a small file of a datastore. @throws SendenseError */
export type DownloadFile = (path: string, limit: number, signal?: AbortSignal) => Promise<Buffer>;

/**
 * Reads `[datastore] folder/file` over HTTPS (`/folder`), on a connection pinned like every other.
 * @param datacenter inventory path of the datacenter without the first slash; null on a bare ESXi host
 * @param limit the most bytes that the file may have
 * @throws SendenseError `source.missing`, `file.unreadable` where it is longer, `vsphere.*`, `transport.failed`
 */
export async function downloadDatastoreFile(
  context: Pick<TransportContext, 'spec' | 'cookie'>,
  datacenter: string | null,
  path: string,
  limit: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const file = parseDatastorePath(path);
  using client = datastoreClient(context, { pausesMs: [200, 1000] });
  const dcPath = datacenter ?? 'ha-datacenter';
  // vCenter wants the names encoded twice, others once.
  const spellings = [...new Set([folderPath(file, dcPath, 2), folderPath(file, dcPath, 1)])];
  for (const [number, spelling] of spellings.entries()) {
    try {
      const { size } = await client.head(spelling, signal);
      if (size === null || size > limit)
        throw new SendenseError('file.unreadable', `${path} has ${size ?? 'unknown'} bytes; up to ${limit} are read`);
      const chunks: Buffer[] = [];
      if (size > 0)
        await client.stream(spelling, { first: 0, last: size - 1 }, (chunk) => void chunks.push(chunk), signal);
      return Buffer.concat(chunks);
    } catch (error) {
      const missing = error instanceof SendenseError && error.code === 'source.missing';
      if (!missing || number + 1 === spellings.length) throw error;
    }
  }
  throw new SendenseError('run.internal', `no spelling of ${path} was tried`);
}
