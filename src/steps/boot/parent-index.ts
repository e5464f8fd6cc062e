import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { indexFormats, mostLevels } from '../../blocks/block-index-format.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { indexBytes } from '../../blocks/index-bytes.ts';
import { alone } from '../../blocks/index-form.ts';
import type { IndexStore } from '../../blocks/index-pages.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { lockingStream } from '../../host/images/locked-file.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { DiskDecision } from '../../schemas/types.ts';

/** Names of temporary files end so: whoever finds one knows what it is. */
const part = (path: string): string => `${path}.sendense-part`;

/**
 * Writes the block index that a disk is built on to a file that stands alone, not encrypted.
 * @returns how the new index is to be stored
 * @throws SendenseError `repository.damaged` where it is not the index of the parent, `repository.key`
 */
export async function writeParentIndex(
  to: string,
  root: string,
  { parent, disk }: Pick<DiskDecision, 'parent' | 'disk'>,
  { key, signal }: { readonly key: ImageKey | null; readonly signal: AbortSignal },
): Promise<IndexStore> {
  if (!parent) throw new SendenseError('run.internal', `${disk} has no parent`);
  const file = join(root, parent.index_path);
  await using index = await openIndex(file, { key });
  if (index.root !== parent.digest)
    throw new SendenseError('repository.damaged', `${file} has digest ${index.root}, ${parent.digest} was chosen`);
  const format = indexFormats.at(-1) ?? 1;
  await rm(to, { force: true });
  const content = Readable.from(indexBytes(index, alone(format)), { objectMode: false });
  await pipeline(content, createWriteStream(to, { mode: 0o600, flags: 'wx' }), { signal });
  return { format, parent: index.levels.length < mostLevels ? parent.backup_id : null };
}

/** Puts a file into the repository durably, encrypted where there is a key, under its own name at once. */
export async function putInRepository(
  from: string,
  path: string,
  { key, signal }: { readonly key: ImageKey | null; readonly signal: AbortSignal },
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const temporary = part(path);
  await rm(temporary, { force: true });
  const write = createWriteStream(temporary, { mode: 0o600, flags: 'wx' });
  if (key) await pipeline(createReadStream(from), await lockingStream(key), write, { signal });
  else await pipeline(createReadStream(from), write, { signal });
  await chmod(temporary, 0o400);
  await fsyncFile(temporary);
  await rename(temporary, path);
  await fsyncFolder(dirname(path));
  return { bytes: (await stat(path)).size, sha256: await sha256OfFile(path, signal) };
}
