import { basename, dirname } from 'node:path';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import { overlayTarget, plainTarget, targetOf, type ImageTarget } from '../../host/images/image-options.ts';
import { readQcow2Header } from '../../host/images/qcow2-header.ts';
import { serveToRead } from '../../restore-points/serve-chain.ts';
import type { ReadBack, Reading, RestoredDisk, WrittenDisk } from '../target-kind.ts';
import { openParts } from './part-folder.ts';

/**
 * Serves what `write` has written. Not by the names of the folders above it, as it was written: others may put something else in their
 * place, and would see of any file of this user where it differs from the disk.
 * @throws SendenseError `file.unreadable` where the folder is gone, or somebody else has put something in its place
 */
export async function readBack(written: WrittenDisk, disk: RestoredDisk, reading: Reading): Promise<ReadBack> {
  const { temporary, format } = written;
  await using opened = new AsyncDisposableStack();
  const parts = opened.use(await openParts(dirname(temporary)));
  const file = `${parts.path}/${basename(temporary)}`;
  const image = await targetIn(parts, written, disk, reading);
  const server = await serveToRead(
    { file: temporary, format, image, cwd: parts.path, signal: reading.signal },
    reading.folderId,
  );
  opened.use(server);
  const held = opened.move();
  return {
    uri: server.uri,
    rawFile: format === 'raw' ? file : null,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** How to open it from the folder that it is in. What its header names is opened only where that is the disk itself. */
async function targetIn(
  parts: PinnedFolder,
  { temporary, format }: WrittenDisk,
  disk: RestoredDisk,
  { key }: Reading,
): Promise<ImageTarget> {
  const name = `./${basename(temporary)}`;
  if (format !== 'qcow2') return plainTarget(name, format);
  const header = await readQcow2Header(`${parts.path}/${name}`);
  const isThin = header?.backing === disk.file;
  return isThin
    ? overlayTarget(name, disk.file, { key, encrypted: false })
    : targetOf([{ file: name, encrypted: false }]);
}
