import type { ToProve } from './to-prove.ts';
import { blockSize } from '../../blocks/block-index-format.ts';
import { alignTo, type Extent } from '../../blocks/extents.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { layersOf } from '../../host/images/image-layers.ts';
import { imageTarget, targetOf, type ImageKey } from '../../host/images/image-options.ts';
import { readQcow2Header, type Qcow2Header } from '../../host/images/qcow2-header.ts';
import { checkImage, mapImage } from '../../host/images/qemu-img.ts';
import { showsSame } from '../../host/images/qemu-merge.ts';
import { digestOfEnvelope, guestBlocksIn } from '../../repository/envelope.ts';
import { backingName } from '../../repository/layout.ts';
import type { MergeDisk } from '../../repository/merge/intent.ts';
import { factsOf, sameFacts } from '../../repository/merge/merge-files.ts';
import { areasOf } from './held-areas.ts';
import { markDamaged } from './mark-damaged.ts';
import { readBack } from './read-back.ts';
import { settleAll } from '../settle-all.ts';

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
  const [, [held, envelope]] = await settleAll([
    assertSound(result, key, work.signal),
    compareContent(what, header, facts.file_bytes),
  ]);
  if (!sameFacts(facts, await factsOf(result)))
    throw new SendenseError('repository.damaged', `${result} was changed while it was compared`);
  return { after: { ...facts, envelope }, held };
}

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
  const check = await checkImage(await imageTarget(file, { key, alone: true }), signal);
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
  const [envelope] = await settleAll([
    digestOfEnvelope(result, blocks, { signal: work.signal }),
    readBack(what, areas, blocks, fileBytes).then((first) => (first ? assertAsBefore(what, first) : undefined)),
  ]);
  return [held, envelope];
}

/** Where the child showed the same before, it was damaged before, and the merge is right nevertheless. */
async function assertAsBefore({ work, child, image, disk, result, key }: ToProve, first: Extent): Promise<void> {
  const before = targetOf(await layersOf(image), { key, forceShare: true });
  if (await showsSame(before, targetOf(await layersOf(result), { key, forceShare: true }), work.signal)) {
    const what = `was damaged before it was merged, first at offset ${first.offset} (${first.length} bytes)`;
    await markDamaged(work, child, disk.number, what);
    return;
  }
  throw new SendenseError(
    'content.mismatch',
    `${result}, merged for ${child}, differs from what was backed up, first at offset ${first.offset} (${first.length} bytes)`,
    {
      remedy: `${child} itself is unchanged. Check the storage. The next run or \`sendense-run recover\` tries again.`,
    },
  );
}
