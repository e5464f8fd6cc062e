import { link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import { lift, set } from '../../repository/stored-files/immutable.ts';
import { indexPath, manifestPath } from '../../repository/layout.ts';
import { readManifest, replaceManifest } from '../../repository/manifest.ts';
import { manifestSays } from '../../repository/manifest-says.ts';
import { removeIntent, wayOut, writeIntent, type MergeChild, type MergeDisk } from '../../repository/merge/intent.ts';
import { mergedManifest } from '../../repository/merge/merged-manifest.ts';
import { factsOf, sameFacts } from '../../repository/merge/merge-files.ts';
import { assertHeld, removeFile, renameFile } from '../../repository/vm-lock/fenced.ts';
import type { Manifest, MergeIntent } from '../../schemas/types.ts';
import { recordMerged, unpublishPoints, whatKeeps } from '../../state/points/removed-points.ts';
import { holdMarks } from '../hold/hold-marks.ts';
import { followMarks } from '../hold/follow-marks.ts';
import { mergeDisk, pathsOf, resultOf } from './merge-disk.ts';
import { misplacedIndex, nameIndex } from './merge-index.ts';
import { spaceOfMerge } from './merge-space.ts';
import { affectedByIntent, knownPoints, type MergeWork } from './merge-work.ts';
import { removeFiles } from './remove-files.ts';

export interface Advanced {
  /** Why it stopped before the end; null: all is done, and the intent is gone. */
  readonly waits: string | null;
  readonly intent: MergeIntent;
  /** Copied by the merge, this time. */
  readonly bytes: number;
}

/**
 * Takes a removal from wherever it is as far as it goes. Each phase is written down when it is complete, and all of it can be
 * repeated, so it goes on after a kill or a full disk as if nothing had been. At every moment each kept restore point
 * shows what it held, to whoever opens it and to whoever has it open.
 */
export async function advance(work: MergeWork, begun: MergeIntent): Promise<Advanced> {
  try {
    return await goOn(work, begun);
  } finally {
    // Now that all names are durable: the disk has nothing else to do for the next removal looks at files first.
    work.freed.release();
  }
}

async function goOn(work: MergeWork, begun: MergeIntent): Promise<Advanced> {
  const { hold } = work;
  let intent = begun;
  let bytes = 0;
  if (intent.phase === 'prepared') {
    const kept = await unpublish(work, intent);
    if (kept !== null) return { waits: kept, intent, bytes };
    intent = await writeIntent(hold, { ...intent, phase: 'unpublished' });
  }
  if (intent.phase === 'unpublished') ({ intent, bytes } = await merge(work, intent));
  if (intent.phase === 'merged') intent = await publish(work, intent);
  const kept = await whoReads(work, intent);
  if (kept !== null) return { waits: kept, intent, bytes };
  await removeFiles(work, intent);
  await removeIntent(hold, intent);
  return { waits: null, intent, bytes };
}

/** From here on nobody finds what goes. What is built on it is as good as before. */
async function unpublish(work: MergeWork, intent: MergeIntent): Promise<string | null> {
  const { state, vm, root, hold, signal } = work;
  const { removed, child } = intent;
  const affected = affectedByIntent((await knownPoints(work)).all, intent);
  const what = {
    removed: removed.map(({ backup_id: id }) => id),
    affected,
    child: child && { backupId: child.backup_id, disks: child.disks },
  };
  const manifests = removed.map(({ backup_id: id }) => join(root, manifestPath(vm.context, id)));
  // What any hub protects is protected before these manifests go, or finds them gone.
  await using _marks = await holdMarks(state, { ...vm, root });
  await followMarks(state, root, vm);
  await assertHeld(hold);
  const kept = state.transaction(() => work.hindered?.() ?? unpublishPoints(state, vm, what, Date.now()));
  if (kept !== null) return kept;
  await lift(manifests, signal);
  for (const path of manifests) await removeFile(hold, path);
  await fsyncFolder(join(root, vm.context));
  return null;
}

async function merge(work: MergeWork, begun: MergeIntent): Promise<{ intent: MergeIntent; bytes: number }> {
  const { root, vm, hold } = work;
  let intent = begun;
  if (!intent.child) return { intent: await writeIntent(hold, { ...intent, phase: 'published' }), bytes: 0 };
  const manifest = await readManifest(join(root, manifestPath(vm.context, intent.child.backup_id)));
  let bytes = 0;
  const last = intent.child.disks.at(-1)?.number;
  for (const { number } of intent.child.disks) {
    const note = (change: Partial<MergeDisk>): void => {
      intent = withDisk(intent, number, change);
    };
    const save = async (change: Partial<MergeDisk>): Promise<MergeDisk> => {
      note(change);
      intent = await writeIntent(hold, intent);
      return diskOf(intent, number);
    };
    const disk = diskOf(intent, number);
    const stored = manifest.disks.find((entry) => entry.number === number);
    if (!stored) throw new SendenseError('repository.damaged', `${manifest.backup_id} has no disk-${number}`);
    if (disk.after !== null) continue;
    const merged = await mergeDisk({ work, child: intent.child, disk, stored, save }).catch((error: unknown) =>
      withSpace(work, begun, manifest, error),
    );
    bytes += merged.bytes;
    // The last one is written down with the phase.
    if (number === last) note({ after: merged.after });
    else await save({ after: merged.after });
  }
  const child: MergeChild = { ...intent.child, manifest: mergedManifest(manifest, intent.child) };
  return { intent: await writeIntent(hold, { ...intent, phase: 'merged', child }), bytes };
}

/** A disk that got full all the same: says how much there must be. */
async function withSpace(work: MergeWork, { child }: MergeIntent, manifest: Manifest, error: unknown): Promise<never> {
  if (!child || !(error instanceof SendenseError) || error.code !== 'disk.full') throw error;
  const { needed, free } = await spaceOfMerge(work, child, manifest);
  throw new SendenseError(
    'disk.full',
    `merging into ${child.backup_id} of VM ${work.vm.context} needs ${needed} bytes, ${free} are free; it is as it was`,
    { cause: error, remedy: 'Free some space. The next run or `sendense-run recover` continues the removal.' },
  );
}

const diskOf = ({ child }: MergeIntent, number: number): MergeDisk => {
  const disk = child?.disks.find((entry) => entry.number === number);
  if (!disk) throw new SendenseError('run.internal', `no disk-${number} in a merge`);
  return disk;
};

function withDisk(intent: MergeIntent, number: number, change: Partial<MergeDisk>): MergeIntent {
  const { child } = intent;
  if (!child) return intent;
  const disks = child.disks.map((disk) => (disk.number === number ? { ...disk, ...change } : disk));
  return { ...intent, child: { ...child, disks: disks as MergeChild['disks'] } };
}

/** The merged files get their names, then the manifest says so, then the database. */
async function publish(work: MergeWork, intent: MergeIntent): Promise<MergeIntent> {
  const { root, vm, state, hold, signal } = work;
  const { child } = intent;
  if (!child?.manifest) throw new SendenseError('run.internal', 'a merge without its manifest');
  const path = join(root, manifestPath(vm.context, child.backup_id));
  const merges = child.disks.map((disk) => ({ disk, paths: pathsOf(work, child.backup_id, disk) }));
  const indexes = child.disks.map(({ number }) => join(root, indexPath(vm.context, number, child.backup_id)));
  const named = [path, ...merges.map(({ paths }) => paths.image), ...indexes];
  const lifted = await lift([...named, ...merges.map(({ disk, paths }) => resultOf(paths, disk))], signal);
  // First: the manifest of a file that has its name is to be true.
  for (const { disk } of merges) await nameIndex(work, child.backup_id, disk);
  for (const { disk, paths } of merges) await giveName(work, paths, disk);
  await replaceManifest(hold, path, child.manifest);
  recordMerged(state, vm, child.manifest);
  await set(
    named.filter((file) => lifted.includes(file)),
    signal,
  );
  return writeIntent(hold, { ...intent, phase: 'published' });
}

/** The old name stays where a file can have two: somebody may just be opening the old chain. */
async function giveName({ freed, hold }: MergeWork, paths: ReturnType<typeof pathsOf>, disk: MergeDisk): Promise<void> {
  const { image, part } = paths;
  await freed.hold(image);
  if (sameFacts(await factsOf(image), disk.after)) {
    await rm(part, { force: true });
  } else if (disk.direction === 'commit') {
    await rm(part, { force: true });
    const linked = await link(paths.lowest, part).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(error.code ?? '')) return false;
        throw error;
      },
    );
    await renameFile(hold, linked ? part : paths.lowest, image);
  } else {
    await renameFile(hold, part, image);
  }
  await fsyncFolder(dirname(image));
}

/** Somebody who began before the names were given may still need the old files. */
async function whoReads(work: MergeWork, intent: MergeIntent): Promise<string | null> {
  if (!intent.child) return null;
  const affected = affectedByIntent((await knownPoints(work)).all, intent);
  await followMarks(work.state, work.root, work.vm);
  return whatKeeps(work.state, work.vm, { removed: [], affected, child: null }, Date.now());
}

/**
 * Whether everything is as the intent says, looked at before a removal that was cut off is gone on with.
 * @throws SendenseError `repository.damaged`; nothing was touched
 */
export async function assertFits(work: MergeWork, intent: MergeIntent): Promise<void> {
  const { root, vm } = work;
  const { phase, removed, child } = intent;
  for (const { backup_id: id, checksum } of removed) {
    const found = await checksumAt(join(root, manifestPath(vm.context, id)));
    if (found === null || (phase === 'prepared' && found === checksum)) continue;
    throw misfit(
      intent,
      `${manifestPath(vm.context, id)} is there${phase === 'prepared' ? ', and is another one' : ' again'}`,
    );
  }
  if (!child) return;
  const found = await checksumAt(join(root, manifestPath(vm.context, child.backup_id)));
  const expected = [
    ...(phase === 'published' ? [] : [child.checksum]),
    ...(phase === 'merged' || phase === 'published' ? [child.manifest?.checksum] : []),
  ];
  if (found === null || !expected.includes(found))
    throw misfit(
      intent,
      `${manifestPath(vm.context, child.backup_id)} is ${found === null ? 'missing' : 'another one'}`,
    );
  for (const disk of child.disks) await assertDiskFits(work, intent, child, disk);
}

async function assertDiskFits(work: MergeWork, intent: MergeIntent, child: MergeChild, disk: MergeDisk): Promise<void> {
  const paths = pathsOf(work, child.backup_id, disk);
  const changed = (path: string): SendenseError => misfit(intent, `${path} is missing or was changed`);
  const misplaced = await misplacedIndex(work, intent, child.backup_id, disk);
  if (misplaced !== null) throw changed(misplaced);
  const image = await factsOf(paths.image);
  const named = disk.after !== null && sameFacts(image, disk.after);
  if (named && (intent.phase === 'merged' || intent.phase === 'published')) return;
  if (intent.phase === 'published' || !sameFacts(image, disk.before)) throw changed(paths.image);
  for (const [at, path] of paths.run.entries()) {
    const written = disk.direction === 'commit' && at === paths.run.length - 1 && disk.begun;
    const facts = await factsOf(path);
    const fits = written
      ? facts !== null && (disk.after === null || sameFacts(facts, disk.after))
      : sameFacts(facts, disk.run[at] ?? null);
    if (!fits) throw changed(path);
  }
  if (disk.direction === 'rebase' && disk.after !== null && !sameFacts(await factsOf(paths.part), disk.after))
    throw changed(paths.part);
}

const misfit = ({ context, name }: MergeIntent, what: string): SendenseError =>
  new SendenseError('repository.damaged', `the removal ${context}/${name}.merge cannot continue: ${what}`, {
    remedy: `Put the original file back; until then Sendense touches nothing. If you have no copy: ${wayOut}.`,
  });

/** As the file itself says; null: there is none. */
async function checksumAt(path: string): Promise<string | null> {
  const said = await manifestSays(path);
  return said && (said.checksum ?? '');
}
