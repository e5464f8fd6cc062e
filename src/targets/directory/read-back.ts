import { basename, dirname } from 'node:path';
import { wholeBlocks } from '../../blocks/guest-blocks.ts';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import { overlayTarget, plainTarget, targetOf, type ImageTarget } from '../../host/images/image-options.ts';
import { mapImage } from '../../host/images/qemu-img.ts';
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
  const { image, isCopy } = await targetIn(parts, written, disk, reading);
  const stored = isCopy ? await storedIn(image, disk, { file, cwd: parts.path, signal: reading.signal }) : null;
  const server = await serveToRead(
    { file: temporary, format, image, cwd: parts.path, signal: reading.signal },
    reading.folderId,
  );
  opened.use(server);
  const held = opened.move();
  return {
    uri: server.uri,
    rawFile: format === 'raw' ? file : null,
    stored,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface WrittenImage {
  readonly image: ImageTarget;
  /** A qcow2 that is built on nothing. */
  readonly isCopy: boolean;
}

/** How to open it from the folder that it is in. What its header names is opened only where that is the disk itself. */
async function targetIn(
  parts: PinnedFolder,
  { temporary, format }: WrittenDisk,
  disk: RestoredDisk,
  { key }: Reading,
): Promise<WrittenImage> {
  const name = `./${basename(temporary)}`;
  if (format !== 'qcow2') return { image: plainTarget(name, format), isCopy: false };
  const header = await readQcow2Header(`${parts.path}/${name}`);
  const isThin = header?.backing === disk.file;
  return isThin
    ? { image: await overlayTarget(name, disk.file, { key, encrypted: false }), isCopy: false }
    : { image: targetOf([{ file: name, encrypted: false }]), isCopy: true };
}

/** Where another program says that the file holds the disk; null: it holds some of it in another way. */
async function storedIn(
  image: ImageTarget,
  { capacity_bytes: capacity }: RestoredDisk,
  { file, cwd, signal }: { readonly file: string; readonly cwd: string; readonly signal: AbortSignal },
): Promise<NonNullable<ReadBack['stored']> | null> {
  const map = await mapImage(image, signal, cwd);
  const data = map.filter((area) => area.data && !area.zero);
  if (data.some(({ offset }) => offset === undefined)) return null;
  const pieces = data.map(({ start, length, offset = 0 }) => ({ guest: start, host: offset, length }));
  return { file, blocks: { extents: wholeBlocks(pieces, capacity), virtualSize: capacity } };
}
