import { packExport } from '../blocks/pack-export.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import type { VmdkStreamFacts } from '../host/images/vmdk-stream.ts';
import { connectNbd } from '../host/nbd/nbd-client.ts';
import { serveReadOnly } from '../restore-points/serve-chain.ts';
import { copyProgress } from './copy-progress.ts';
import type { RestoredDisk, RestoreRun } from './target-kind.ts';

export interface Packing {
  readonly disk: RestoredDisk;
  /** Name of the file, for the descriptor in it. */
  readonly name: string;
  readonly adapter: VmdkStreamFacts['adapter'];
  readonly key: ImageKey | null;
  /** Run folder of the server that reads it. */
  readonly folderId: string;
  readonly run: Pick<RestoreRun, 'signal' | 'progress'>;
}

const sectorBytes = 512;

/** Bytes of the disk in a VMDK, which has whole sectors. */
export const vmdkCapacity = ({ capacity_bytes: bytes }: Pick<RestoredDisk, 'capacity_bytes'>): number =>
  sectorBytes * Math.ceil(bytes / sectorBytes);

/**
 * Writes a disk as a streamOptimized VMDK. Grains are compressed by all processors.
 * @param write appends to the file
 * @returns bytes of the grains that are not zeros
 */
export async function packDisk(packing: Packing, write: (bytes: Buffer) => Promise<void>): Promise<number> {
  const { disk, key, folderId, name, adapter, run } = packing;
  const { signal } = run;
  const capacity = vmdkCapacity(disk);
  await using server = await serveReadOnly(disk.file, 'qcow2', folderId, signal, key);
  await using client = await connectNbd(server.uri, { signal });
  if (client.size < disk.capacity_bytes || client.size > capacity)
    throw new SendenseError(
      'content.mismatch',
      `${disk.disk} has ${client.size} bytes, the restore point says ${disk.capacity_bytes}`,
    );
  const report = copyProgress(run, disk.disk, disk.capacity_bytes);
  const populated = await packExport(
    client,
    {
      capacity,
      name,
      contentId: contentIdOf(disk.digest),
      adapter,
      signal,
      onProgress: (done) => report(Math.min(1, done / disk.capacity_bytes)),
    },
    write,
  );
  report(1);
  return populated;
}

/** The end of the digest; all ones would say that there is none. */
function contentIdOf(digest: string): string {
  const id = /[0-9a-f]{8}$/.exec(digest)?.[0] ?? 'fffffffe';
  return id === 'ffffffff' ? 'fffffffe' : id;
}
