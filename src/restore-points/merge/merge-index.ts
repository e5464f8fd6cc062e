import { createWriteStream } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openIndex } from '../../blocks/block-index.ts';
import type { IndexReader } from '../../blocks/index-reader.ts';
import { indexBytes } from '../../blocks/index-bytes.ts';
import { alone, type IndexForm } from '../../blocks/index-form.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { lockingStream } from '../../host/images/locked-file.ts';
import { indexPath } from '../../repository/layout.ts';
import { indexPart, type MergeChild, type MergeDisk } from '../../repository/merge/intent.ts';
import { factsOf, sameFacts, type FileFacts } from '../../repository/merge/merge-files.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import { placeFile, renameFile } from '../../repository/vm-lock/fenced.ts';
import type { Manifest, MergeIntent } from '../../schemas/types.ts';
import { findPoint } from '../../state/points/restore-points.ts';
import type { MergeWork } from './merge-work.ts';

type MergedIndex = NonNullable<NonNullable<MergeDisk['after']>['index']>;

interface ToMerge {
  readonly work: MergeWork;
  readonly child: MergeChild;
  readonly disk: MergeDisk;
  /** Of the child, as its manifest has it. */
  readonly stored: Manifest['disks'][number];
}

/**
 * Writes the child's block index in a form that needs nothing of what goes, beside the one that counts, and proves it. Again is fine.
 * @returns null: it needs nothing as it is
 * @throws SendenseError `content.mismatch`, `repository.damaged`, `disk.full`
 */
export async function mergeIndex(merge: ToMerge, key: ImageKey | null): Promise<MergedIndex | null> {
  const { work, child, disk, stored } = merge;
  const { root, vm, hold, signal } = work;
  await using index = await openIndex(join(root, vm.context, stored.index.path), { key, signal });
  const parent = index.levels[0]?.parent ?? null;
  if (parent === null || !disk.run.some(({ backup_id: id }) => id === parent)) return null;
  await using below = await newParent(merge, index, key);
  const part = join(root, indexPart(vm.context, disk.number, child.backup_id));
  const place = (form: IndexForm) => placeFile(hold, part, (file) => write(index, form, file, key, signal));
  const onParent = below && disk.parent !== null ? { name: disk.parent, index: below } : null;
  await place({ format: 2, parent: onParent }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // Whatever is wrong below, the child need not be built on it. Where its own pages are, this says so again.
    if (onParent === null || (error instanceof SendenseError && error.code !== 'repository.damaged')) throw error;
    return place(alone(2));
  });
  await chmod(part, 0o400);
  await using made = await openIndex(part, { verify: 'own', key, signal });
  if (made.root !== stored.digest)
    throw new SendenseError('content.mismatch', `${part} has digest ${made.root}, ${stored.digest} was committed`);
  const facts = await factsOf(part);
  if (!facts) throw new SendenseError('repository.damaged', `${part} is gone`);
  return { bytes: facts.file_bytes, file_mtime_ns: facts.file_mtime_ns, sha256: await sha256OfFile(part, signal) };
}

/** The index on which the disk is built then, where no chain of indexes gets longer by it; null: it is to stand alone. */
async function newParent(
  { work, disk }: ToMerge,
  index: IndexReader,
  key: ImageKey | null,
): Promise<IndexReader | null> {
  const { root, vm, signal, state } = work;
  if (disk.parent === null) return null;
  const parent = findPoint(state, { ...vm, backupId: disk.parent });
  const committed = parent?.disks.find(({ number }) => number === disk.number)?.digest;
  try {
    // What it says is read to its end: from then on the child needs it, and what the child has itself goes.
    const path = join(root, indexPath(vm.context, disk.number, disk.parent));
    const below = await openIndex(path, { key, signal, verify: 'all' });
    const fits = below.capacity === index.capacity && below.levels.length < index.levels.length;
    if (fits && below.root === committed) return below;
    await below[Symbol.asyncDispose]();
  } catch {
    signal?.throwIfAborted();
    // Whatever is wrong with it, the child does not need it.
  }
  return null;
}

async function write(
  index: IndexReader,
  form: IndexForm,
  file: string,
  key: ImageKey | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  const to = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  const from = Readable.from(indexBytes(index, form), { objectMode: false });
  await (key ? pipeline(from, await lockingStream(key), to, { signal }) : pipeline(from, to, { signal }));
}

const factsIn = ({ bytes, file_mtime_ns }: MergedIndex): FileFacts => ({ file_bytes: bytes, file_mtime_ns });

/** Absolute paths of a child's block index, and of what takes its place. */
const pathsOf = ({ root, vm: { context } }: MergeWork, child: string, { number }: MergeDisk) => ({
  path: join(root, indexPath(context, number, child)),
  part: join(root, indexPart(context, number, child)),
});

/** Gives the merged index its name. Until the files of what goes are removed the old one is as good. */
export async function nameIndex(work: MergeWork, child: string, disk: MergeDisk): Promise<void> {
  const merged = disk.after?.index;
  if (!merged) return;
  const { path, part } = pathsOf(work, child, disk);
  if (sameFacts(await factsOf(path), factsIn(merged))) await rm(part, { force: true });
  else await renameFile(work.hold, part, path);
  await fsyncFolder(dirname(path));
}

/** The file that is not as the intent says; null: all that is needed is there. */
export async function misplacedIndex(
  work: MergeWork,
  { phase }: MergeIntent,
  child: string,
  disk: MergeDisk,
): Promise<string | null> {
  const merged = disk.after?.index;
  if (!merged) return null;
  const { path, part } = pathsOf(work, child, disk);
  if (sameFacts(await factsOf(path), factsIn(merged))) return null;
  if (phase === 'published') return path;
  return sameFacts(await factsOf(part), factsIn(merged)) ? null : part;
}
