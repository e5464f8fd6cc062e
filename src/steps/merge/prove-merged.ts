import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { compareExport } from '../../blocks/compare-export.ts';
import { compareStored } from '../../blocks/compare-stored.ts';
import { blockSize } from '../../blocks/block-index-format.ts';
import { alignTo, normalise, subtract, totalLength, type Extent } from '../../blocks/extents.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { layersOf } from '../../host/image-layers.ts';
import { imageTarget, targetOf, type ImageKey } from '../../host/image-options.ts';
import { readQcow2Header, type Qcow2Header } from '../../host/qcow2-header.ts';
import { checkImage, mapImage, type Allocation } from '../../host/qemu-img.ts';
import { showsSame } from '../../host/qemu-merge.ts';
import type { OwnData } from '../../host/qemu-map.ts';
import { digestOfEnvelope, guestBlocksIn } from '../../repository/envelope.ts';
import { backingName } from '../../repository/layout.ts';
import type { MergeDisk } from '../../repository/merge/intent.ts';
import { factsOf, sameFacts } from '../../repository/merge/merge-files.ts';
import type { Manifest } from '../../schemas/types.ts';
import { serveReadOnly } from '../serve-chain.ts';
import { markDamaged } from './mark-damaged.ts';
import type { MergeWork } from './merge-work.ts';

export interface ToProve {
  readonly work: MergeWork;
  /** Backup id of the child. */
  readonly child: string;
  /** Its image as it was before, absolute. */
  readonly image: string;
  readonly disk: MergeDisk;
  /** Of the child, as its manifest has it. */
  readonly stored: Manifest['disks'][number];
  /** What was made, absolute. Nobody writes to it any more, and it is flushed. */
  readonly result: string;
  readonly key: ImageKey | null;
  /** What was copied; null: what the file holds. */
  readonly held: readonly Extent[] | null;
  /** Where the disk may differ from what the file showed before; null: anywhere. */
  readonly changed: readonly Extent[] | null;
}

export interface Proven {
  readonly after: NonNullable<MergeDisk['after']>;
  readonly held: readonly Extent[];
}

const sectorBytes = 512;

/**
 * Proves a merged image: its structure, what it is built on, and each block that was or should have been written, compared with the
 * child's block index. All at once, because each only reads.
 * @throws SendenseError `content.mismatch`, `repository.damaged`, `tool.failed`
 */
export async function proveMerged(what: ToProve): Promise<Proven> {
  const { work, result, key } = what;
  const facts = await factsOf(result);
  const header = await readQcow2Header(result);
  if (!facts || !header) throw new SendenseError('repository.damaged', `${result} is gone or is no qcow2 file`);
  assertBuiltOn(what, header);
  const [, [held, envelope]] = await together([
    assertSound(result, key, work.signal),
    compareContent(what, header, facts.file_bytes),
  ]);
  if (!sameFacts(facts, await factsOf(result)))
    throw new SendenseError('repository.damaged', `${result} was changed while it was compared`);
  return { after: { ...facts, envelope }, held };
}

/** All end before one that fails is told of: nothing goes on reading, or running, behind the back of who called. */
export async function together<T extends readonly unknown[]>(work: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as T;
}

/** What any of these images holds itself, whatever is below them. */
export async function heldBy(
  files: readonly string[],
  key: ImageKey | null,
  signal: AbortSignal | undefined,
): Promise<Extent[]> {
  const maps: Extent[] = [];
  for (const file of files) {
    const held = areasOf(await mapImage(await imageTarget(file, { key, alone: true }), signal));
    for (const area of held) maps.push(area);
  }
  return normalise(maps);
}

const areasOf = (map: readonly Allocation[]): Extent[] =>
  map.filter(({ depth, present }) => depth === 0 && present).map(({ start, length }) => ({ offset: start, length }));

function assertBuiltOn({ result, disk, stored }: ToProve, { backing, virtualSize }: Qcow2Header): void {
  const expected = disk.parent === null ? null : backingName(disk.parent);
  const { capacity_bytes: capacity } = stored;
  if (backing === expected && virtualSize >= capacity && virtualSize < capacity + sectorBytes) return;
  throw new SendenseError(
    'content.mismatch',
    `${result} is built on ${backing ?? 'nothing'} and has ${virtualSize} bytes, expected ${expected ?? 'nothing'} and ${capacity}`,
  );
}

async function assertSound(file: string, key: ImageKey | null, signal: AbortSignal | undefined): Promise<void> {
  const check = await checkImage(key ? await imageTarget(file, { key, alone: true }) : file, signal);
  if (!check.ok) throw new SendenseError('content.mismatch', `${file}: qemu-img check: ${check.message}`);
}

/** Answers what the file holds, and its envelope digest. */
async function compareContent(
  what: ToProve,
  header: Qcow2Header,
  fileBytes: number,
): Promise<[readonly Extent[], string]> {
  const { work, result, key, changed, stored } = what;
  const map = await mapImage(await imageTarget(result, { key, alone: true }), work.signal);
  const held = what.held ?? areasOf(map);
  const areas = alignTo(
    changed === null ? [{ offset: 0, length: stored.capacity_bytes }] : [...held, ...changed],
    blockSize,
    header.virtualSize,
  );
  const blocks = guestBlocksIn(map, header);
  const [envelope] = await together([
    digestOfEnvelope(result, blocks, { signal: work.signal }),
    readBack(what, areas, blocks, fileBytes),
  ]);
  return [held, envelope];
}

/** Compares with the child's block index what was written, and what should have been. */
async function readBack(
  what: ToProve,
  areas: readonly Extent[],
  { extents, virtualSize }: GuestBlocks,
  fileBytes: number,
): Promise<void> {
  const { work, stored, result, key } = what;
  const { signal } = work;
  const { capacity_bytes: capacity } = stored;
  const indexPath = join(work.root, work.vm.context, stored.index.path);
  const total = totalLength(areas);
  let done = 0;
  const progress = (bytes: number): void => {
    done += bytes;
    work.progress(capacity + Math.round((Math.min(done, total) / Math.max(1, total)) * capacity), 2 * capacity);
  };
  // What the file holds as the guest has it is read from it as it is: much faster than through a server.
  const plain = within(extents, areas).filter(({ host, length }) => host + length <= fileBytes);
  const rest = subtract(areas, normalise(plain.map(({ guest, length }) => ({ offset: guest, length }))));
  await using index = await openIndex(indexPath, { key });
  const first =
    (await compareStored({
      file: result,
      blocks: { extents: plain, virtualSize },
      index,
      ...(signal ? { signal } : {}),
      onRead: progress,
    })) ?? (await firstDifference(what, indexPath, alignTo(rest, blockSize, capacity), progress));
  if (first) await assertAsBefore(what, first);
}

/** Zeros, and what is compressed, encrypted, or in a file below. */
async function firstDifference(
  { work, result, key }: ToProve,
  indexPath: string,
  areas: readonly Extent[],
  progress: (bytes: number) => void,
): Promise<Extent | undefined> {
  if (totalLength(areas) === 0) return undefined;
  const { signal } = work;
  await using server = await serveReadOnly(result, 'qcow2', work.folderId, signal, key);
  let told = 0;
  const { mismatches } = await compareExport({
    uri: server.uri,
    indexPath,
    indexKey: key,
    areas,
    ...(signal ? { signal } : {}),
    onProgress: (done) => {
      progress(done - told);
      told = done;
    },
  });
  return mismatches[0];
}

/** Where the child showed the same before, it was damaged before, and the merge is right nevertheless. */
async function assertAsBefore({ work, child, image, disk, result, key }: ToProve, first: Extent): Promise<void> {
  const before = targetOf(await layersOf(image), { key, forceShare: true });
  if (await showsSame(before, targetOf(await layersOf(result), { key, forceShare: true }), work.signal)) {
    const what = `was damaged before it was merged, first at offset ${first.offset} (${first.length} bytes)`;
    markDamaged(work, child, disk.number, what);
    return;
  }
  throw new SendenseError(
    'content.mismatch',
    `${result}, merged for ${child}, differs from what was backed up, first at offset ${first.offset} (${first.length} bytes)`,
    {
      remedy: `${child} itself is as it was. Look at the storage; the next run or \`sendense-run recover\` tries again.`,
    },
  );
}

/** What of these pieces lies within areas; both in the order of the guest's disk. */
function within(pieces: readonly OwnData[], areas: readonly Extent[]): OwnData[] {
  const found: OwnData[] = [];
  let from = 0;
  for (const { guest, host, length } of pieces) {
    for (let area = areas[from]; area && area.offset + area.length <= guest; area = areas[from]) from++;
    for (let at = from, area = areas[at]; area && area.offset < guest + length; area = areas[++at]) {
      const start = Math.max(guest, area.offset);
      const end = Math.min(guest + length, area.offset + area.length);
      found.push({ guest: start, host: host + start - guest, length: end - start });
    }
  }
  return found;
}
