import { join } from 'node:path';
import { imageTarget, partOf, type ImageKey, type ImageTarget } from '../../host/images/image-options.ts';
import { convertImage, createOverlay } from '../../host/images/qemu-img.ts';
import { connectNbd } from '../../host/nbd/nbd-client.ts';
import { makeRunFolder } from '../../host/programs/run-folder.ts';
import { serveReadOnly, serveToRead } from '../../restore-points/serve-chain.ts';
import type { ReadBack, Reading, RestoredDisk, WrittenDisk } from '../target-kind.ts';
import { deviceNode } from './copy-disk.ts';
import { headBytes } from './head.ts';

/** Serves what was written to a device, as it will be when its beginning is there, too: that comes from the restore point. */
export async function readBack(written: WrittenDisk, disk: RestoredDisk, reading: Reading): Promise<ReadBack> {
  const overlay = join(await makeRunFolder(reading.folderId), `${disk.disk}.head`);
  await createOverlay(overlay, written.file, disk.capacity_bytes, reading.signal);
  const node = { driver: 'qcow2', file: { driver: 'file', filename: overlay }, backing: deviceNode(written.file) };
  const image: ImageTarget = { name: `json:${JSON.stringify(node)}`, format: [], objects: [], secret: undefined };
  const head = { offset: 0, length: headBytes(disk.capacity_bytes) };
  await convertImage({
    from: partOf(await imageTarget(disk.file, { key: reading.key }), head),
    to: partOf(image, head).name,
    toFormat: 'raw',
    isThere: true,
    signal: reading.signal,
  });
  const server = await serveToRead({ file: overlay, format: 'qcow2', image, signal: reading.signal }, reading.folderId);
  return { uri: server.uri, rawFile: null, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The beginning of a disk of a restore point. */
export async function headOf(
  disk: RestoredDisk,
  { key, folderId, signal }: { readonly key: ImageKey | null; readonly folderId: string; readonly signal: AbortSignal },
): Promise<Buffer> {
  await using server = await serveReadOnly(disk.file, 'qcow2', folderId, signal, key);
  await using client = await connectNbd(server.uri);
  const head = Buffer.alloc(headBytes(disk.capacity_bytes));
  await client.read(0, head);
  return head;
}
