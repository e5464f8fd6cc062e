import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareExport } from '../blocks/compare-export.ts';
import { openIndex } from '../blocks/block-index.ts';
import { totalLength } from '../blocks/extents.ts';
import { writtenAreas } from '../blocks/written-areas.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { checkImage, imageInfo } from '../host/qemu-img.ts';
import { backingName, diskName, indexPath } from '../repository/layout.ts';
import { sha256OfFile } from '../repository/verify-chain.ts';
import type { Manifest } from '../schemas/types.ts';
import { serveReadOnly } from '../steps/serve-chain.ts';
import { remedies, report, type Finding, type Walk } from './check-walk.ts';

type ManifestDisk = Manifest['disks'][number];

/** One disk of one restore point whose parent is sound: files, structure and, where asked for, content. True: it is sound. */
export async function checkDisk(walk: Walk, context: string, manifest: Manifest, disk: ManifestDisk): Promise<boolean> {
  const { root, signal } = walk.options;
  const image = join(context, disk.path);
  const error = (code: Finding['code'], path: string, message: string): false => {
    report(walk, 'error', code, manifest.backup_id, path, message, remedies.chain);
    return false;
  };
  const info = await lstat(join(root, image), { bigint: true }).catch(() => null);
  if (!info) return error('file.missing', image, 'is missing');
  if (!info.isFile()) return error('file.missing', image, 'is not a regular file');
  if (info.size !== BigInt(disk.file_bytes))
    return error('file.changed', image, `has ${info.size} bytes, ${disk.file_bytes} were committed`);
  const touched = String(info.mtimeNs) !== disk.file_mtime_ns;
  const index = join(context, disk.index.path);
  const sha256 = await sha256OfFile(join(root, index), signal).catch(() => null);
  if (sha256 === null) return error('file.missing', index, 'is missing');
  if (sha256 !== disk.index.sha256)
    return error('index.damaged', index, `is damaged: its SHA-256 is ${sha256}, ${disk.index.sha256} was committed`);
  const structure = await imageStructure(walk, image, disk);
  if (structure !== null) return error('image.damaged', image, structure);
  if (walk.options.deep) return compareContent(walk, context, manifest, disk);
  if (touched)
    report(
      walk,
      'warning',
      'file.changed',
      manifest.backup_id,
      image,
      'has another modification time than at the commit',
      remedies.time,
    );
  return true;
}

async function imageStructure(walk: Walk, image: string, disk: ManifestDisk): Promise<string | null> {
  const { root, signal } = walk.options;
  try {
    const info = await imageInfo(join(root, image), { format: 'qcow2', forceShare: true, signal });
    const backing = disk.parent === null ? undefined : backingName(disk.parent);
    if (info.backingFile !== backing)
      return `names the backing file ${info.backingFile ?? 'none'}, ${backing ?? 'none'} was committed`;
    if (info.virtualSize !== disk.capacity_bytes)
      return `has a capacity of ${info.virtualSize} bytes, ${disk.capacity_bytes} were committed`;
    const check = await checkImage(join(root, image), signal);
    return check.ok ? null : `is damaged: qemu-img check: ${check.message}`;
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** A full is read whole; of an incremental what it holds and what changed, because its parent was proven before. */
async function compareContent(walk: Walk, context: string, manifest: Manifest, disk: ManifestDisk): Promise<boolean> {
  const { root, signal } = walk.options;
  const image = join(context, disk.path);
  const index = join(root, context, disk.index.path);
  try {
    await using reader = await openIndex(index);
    if (reader.root !== disk.digest)
      throw new SendenseError(
        'repository.damaged',
        `its block index has digest ${reader.root}, ${disk.digest} was committed`,
      );
    const areas =
      disk.parent === null
        ? undefined
        : await writtenAreas({
            file: join(root, image),
            index,
            parentIndex: join(root, indexPath(context, disk.number, disk.parent)),
            capacity: disk.capacity_bytes,
            signal,
          });
    if (areas && totalLength(areas) === 0) return true;
    await using server = await serveReadOnly(join(root, image), 'qcow2', walk.id, signal);
    const result = await compareExport({
      uri: server.uri,
      indexPath: index,
      ...(areas ? { areas } : {}),
      ...(signal ? { signal } : {}),
    });
    walk.bytesRead += result.comparedBytes;
    const first = result.mismatches[0];
    if (!first) return true;
    report(
      walk,
      'error',
      'content.mismatch',
      manifest.backup_id,
      image,
      `does not hold what was backed up: first difference at offset ${first.offset} of ${diskName(disk.number)} (${first.length} bytes)`,
      remedies.chain,
    );
  } catch (error) {
    signal?.throwIfAborted();
    report(
      walk,
      'error',
      'image.damaged',
      manifest.backup_id,
      image,
      `cannot be compared: ${(error as Error).message}`,
      remedies.chain,
    );
  }
  return false;
}
