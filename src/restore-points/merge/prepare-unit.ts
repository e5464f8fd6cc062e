import { join } from 'node:path';
import { parentOfIndex } from '../../blocks/index-parent.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { lockedFiles } from '../../host/files/file-users.ts';
import { allocatedBytes } from '../../repository/stored-files/allocated.ts';
import { mostStoredIndexBytes, saysTheSame } from '../../repository/index-chain.ts';
import { diskName, indexPath, manifestPath } from '../../repository/layout.ts';
import { readMarks } from '../../repository/marks.ts';
import type { MergeDisk } from '../../repository/merge/intent.ts';
import { factsOf, sameFacts, type FileFacts } from '../../repository/merge/merge-files.ts';
import type { RemovalUnit } from '../../repository/merge/plan-units.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { Manifest, MergeIntent } from '../../schemas/types.ts';
import { findPoint } from '../../state/points/restore-points.ts';
import { whatKeeps } from '../../state/points/removed-points.ts';
import { followMarks } from '../hold/follow-marks.ts';
import { damageIn } from './damage.ts';
import { markDamaged } from './mark-damaged.ts';
import { affectedByIntent, knownPoints, type MergeWork } from './merge-work.ts';
import { builtOn, indexesOn } from './remove-files.ts';
import { strayReason } from './unfinished-files.ts';

type Disk = Manifest['disks'][number];
type Manifests = ReadonlyMap<string, Manifest>;
type NewIntent = Omit<MergeIntent, 'checksum'>;

/** Why a unit cannot go now. */
export class Stays extends Error {
  /** It passes by itself: a later prune finds it gone. Else somebody has to see to it. */
  readonly passes: boolean;

  constructor(reason: string, { passes = false }: { readonly passes?: boolean } = {}) {
    super(reason);
    this.passes = passes;
  }
}

/**
 * Looks at everything that could speak against a removal, before anything is changed.
 * @throws Stays
 */
export async function prepareUnit(work: MergeWork, unit: RemovalUnit): Promise<NewIntent> {
  const { manifests, all } = await knownPoints(work);
  const { context } = work.vm;
  const removed = unit.drop.map((id) => removedPoint(manifests, id));
  for (const { backup_id: id } of removed) await assertUnprotected(work, id);
  const child = unit.child === null ? null : await childOf(work, unit, manifests);
  const intent: NewIntent = {
    format: 'sendense-merge/1',
    context,
    name: unit.child ?? unit.drop[0] ?? '',
    phase: 'prepared',
    removed: removed as MergeIntent['removed'],
    child,
  };
  const affected = affectedByIntent(all, intent as MergeIntent);
  await followMarks(work.state, work.root, work.vm);
  const kept = whatKeeps(work.state, work.vm, { removed: unit.drop, affected, child: null }, Date.now());
  if (kept !== null) throw new Stays(kept, { passes: true });
  const files = removed.flatMap(({ files: paths }) => paths.map((path) => join(context, path)));
  const known = new Set(all.map(({ backup_id: id }) => id));
  const [stray] = await builtOn(work.root, files, known);
  if (stray) throw new Stays(strayReason(stray.path));
  // The index of the child is given another form. That of every other point refers to its own chain, which ends above what goes.
  const [index] = await indexesOn(work.root, files, new Set(unit.child === null ? [] : [unit.child]));
  if (index) throw new Stays(`the block index ${index.path} is built on ${index.parent}`);
  const images = files.filter((file) => file.endsWith('.qcow2'));
  const [open] = await lockedFiles(images.map((file) => join(work.root, file)));
  if (open !== undefined) throw new Stays(`another program has ${open} open`, { passes: true });
  return intent;
}

function removedPoint(manifests: Manifests, id: string): NewIntent['removed'][number] {
  const manifest = manifests.get(id);
  if (!manifest) throw new Stays('its manifest is missing: see `sendense-run check`');
  const { disks, vm_config: config, checksum } = manifest;
  const files = disks.flatMap(({ path, index }) => [path, index.path]);
  return { backup_id: id, checksum, files: [...files, ...(config ? [config.path] : []), `${id}.marks`] };
}

async function assertUnprotected({ root, vm }: MergeWork, id: string): Promise<void> {
  const kept = (await readMarks(root, vm.context, id))?.protected;
  if (kept && (kept.until === null || kept.until > Date.now())) throw new Stays(`${id} is protected`, { passes: true });
}

async function childOf(work: MergeWork, unit: RemovalUnit, manifests: Manifests): Promise<NewIntent['child']> {
  const manifest = manifests.get(unit.child ?? '');
  if (!manifest) throw new Stays(`${unit.child} is built on it, and its manifest is missing`);
  const disks: MergeDisk[] = [];
  for (const plan of unit.disks) disks.push(await mergeOf(work, manifest, plan, manifests));
  return {
    backup_id: manifest.backup_id,
    checksum: manifest.checksum,
    parent: keptParent(manifest, unit.drop, manifests),
    disks: disks as [MergeDisk, ...MergeDisk[]],
    manifest: null,
  };
}

/** The restore point before it that is still there. */
function keptParent({ parent: first }: Manifest, drop: readonly string[], manifests: Manifests): string | null {
  const seen = new Set<string>();
  let parent = first;
  for (; parent !== null && drop.includes(parent) && !seen.has(parent); parent = manifests.get(parent)?.parent ?? null)
    seen.add(parent);
  return parent;
}

async function mergeOf(
  work: MergeWork,
  child: Manifest,
  { number, run, parent }: RemovalUnit['disks'][number],
  manifests: Manifests,
): Promise<MergeDisk> {
  const { root, vm, signal } = work;
  const own = diskOf(child, number);
  const facts: (FileFacts & { backup_id: string })[] = [];
  let whole = false;
  const seen = new Set<string>();
  for (let id: string | null = child.backup_id; id !== null;) {
    if (seen.has(id))
      throw new Stays(`the chain of ${child.backup_id} is broken: it is built on itself, through ${id}`);
    seen.add(id);
    const manifest = manifests.get(id);
    const disk: Disk | undefined = manifest && diskOf(manifest, number);
    if (!disk)
      throw new Stays(`the chain of ${child.backup_id} is broken: there is no ${manifestPath(vm.context, id)}`);
    const found = await factsOf(join(root, vm.context, disk.path));
    if (found?.file_bytes !== disk.file_bytes)
      throw new Stays(`${disk.path}, which ${child.backup_id} needs, is not as it was committed`);
    if (!sameFacts(found, disk) && !isProven(work, id, number, found)) whole = true;
    if (facts.length <= run.length) facts.push({ backup_id: id, ...found });
    if (run.includes(id) && (disk.encryption?.key_id ?? null) !== (own.encryption?.key_id ?? null))
      throw new Stays(`${id} and ${child.backup_id} are encrypted with different keys`);
    id = disk.parent;
  }
  work.keys.of(own);
  const most = mostStoredIndexBytes(own.capacity_bytes);
  if ((await sha256OfFile(join(root, vm.context, own.index.path), signal, most).catch(() => '')) !== own.index.sha256)
    throw new Stays(`the block index ${own.index.path} is damaged: nothing would prove the merged disk`);
  if (!(await standsWithout(work, own)))
    throw new Stays(`the block index ${own.index.path} cannot be read with what it is built on`);
  whole ||= !(await hasIndex(work, number, run.at(-1) ?? '', manifests));
  await assertUndamaged(work, number, [child.backup_id, ...run], manifests);
  const [before, ...below] = facts;
  if (!before || below.length !== run.length) throw new SendenseError('run.internal', `no chain of ${child.backup_id}`);
  return {
    number,
    direction: await directionOf(work, own, run, parent, manifests),
    run: below as MergeDisk['run'],
    parent,
    before,
    begun: false,
    whole,
    after: null,
  };
}

/** An index that is built on another is to be given another form: each page of it has to be there. */
async function standsWithout({ root, vm, keys, signal }: MergeWork, disk: Disk): Promise<boolean> {
  const path = join(root, vm.context, disk.index.path);
  const key = keys.of(disk);
  return (await parentOfIndex(path, key)) === null || saysTheSame(path, disk.digest, key, signal);
}

/** What is damaged is merged into nothing, and nothing into it. */
async function assertUndamaged(
  work: MergeWork,
  number: number,
  ids: readonly string[],
  manifests: Manifests,
): Promise<void> {
  const chain = ids.flatMap((id) => manifests.get(id) ?? []);
  const damage = await damageIn(work, number, chain);
  if (!damage) return;
  const { backupId, what, known } = damage;
  if (!known) await markDamaged(work, backupId, number, what);
  throw new Stays(`${diskName(number)} of ${backupId} is broken, so nothing is merged: ${what}`);
}

function diskOf(manifest: Manifest, number: number): Disk {
  const disk = manifest.disks.find((entry) => entry.number === number);
  if (!disk) throw new Stays(`${manifest.backup_id} has no disk-${number}`);
  return disk;
}

/** The database may know of another time, after the content was proven to be the same. */
function isProven({ state, vm }: MergeWork, backupId: string, number: number, facts: FileFacts): boolean {
  const row = findPoint(state, { ...vm, backupId })?.disks.find((disk) => disk.number === number);
  return row !== undefined && sameFacts(row, facts);
}

/** What of the lowest file need not be read again is told by its own block index. */
async function hasIndex(
  { root, vm, signal }: MergeWork,
  number: number,
  lowest: string,
  manifests: Manifests,
): Promise<boolean> {
  const wanted = manifests.get(lowest)?.disks.find((disk) => disk.number === number);
  if (!wanted) return false;
  const most = mostStoredIndexBytes(wanted.capacity_bytes);
  const path = join(root, indexPath(vm.context, number, lowest));
  return (await sha256OfFile(path, signal, most).catch(() => '')) === wanted.index.sha256;
}

/**
 * A commit copies what is above the lowest file, a rebase what is in the files that go: the much smaller part. A rebase
 * works on a clone of the child; where the file system cannot clone, it becomes a commit when it is begun.
 */
async function directionOf(
  { root, vm: { context } }: MergeWork,
  own: Disk,
  run: readonly string[],
  parent: string | null,
  manifests: Manifests,
): Promise<MergeDisk['direction']> {
  if (parent === null || own.encryption) return 'commit';
  const sizes = await Promise.all(
    [own, ...run.flatMap((id) => manifests.get(id)?.disks.filter(({ number }) => number === own.number) ?? [])].map(
      ({ path }) => allocatedBytes(join(root, context, path)),
    ),
  );
  const sum = (some: readonly number[]): number => some.reduce((total, bytes) => total + bytes, 0);
  return sum(sizes.slice(1)) < sum(sizes.slice(0, -1)) / 2 ? 'rebase' : 'commit';
}
