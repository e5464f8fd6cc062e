import { basename, dirname, join } from 'node:path';
import { lockedFiles } from '../../host/files/file-users.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { diskName, manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import type { Marks } from '../../repository/marks.ts';
import type { MergeChild } from '../../repository/merge/intent.ts';
import { factsOf } from '../../repository/merge/merge-files.ts';
import { affectedBy, planUnits, type RemovalUnit } from '../../repository/merge/plan-units.ts';
import type { State } from '../../state/database/open-state.ts';
import { whatKeeps } from '../../state/points/removed-points.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import { storedMarks } from '../hold/follow-marks.ts';
import { whoHolds } from '../hold/hold-points.ts';
import { lackingSpace } from '../merge/merge-space.ts';
import { builtOn, indexesOn } from '../merge/remove-files.ts';
import { strayReason, unfinishedFiles } from '../merge/unfinished-files.ts';
import type { PrunedVm } from './decide-vm.ts';

export interface Foresight {
  readonly state: State;
  readonly vm: PrunedVm;
  readonly points: readonly RestorePoint[];
  readonly keys: ImageKeys;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why points that a policy lets go would stay for now, as a run would find it at this moment: somebody reads them, what
 * they would be merged into is broken, or there is no space. What only reading whole files tells is not foreseen. Changes nothing.
 * @param remove backup ids that would go
 * @returns by backup id
 */
export async function foreseeStays(work: Foresight, remove: ReadonlySet<string>): Promise<Map<string, string>> {
  const stays = new Map<string, string>();
  const strays = await straysOn(work);
  const marks = await storedMarks(work.state, work.vm.root, work.vm);
  for (const unit of planUnits(work.points, remove).units) {
    work.signal?.throwIfAborted();
    const reason =
      (await inUse(work, unit, marks)) ?? strayAbove(work, unit, strays) ?? (await notMergeable(work, unit));
    if (reason !== null) for (const id of unit.drop) stays.set(id, reason);
  }
  return stays;
}

async function inUse(
  { state, vm, points }: Foresight,
  { drop, child }: RemovalUnit,
  marks: ReadonlyMap<string, Marks>,
): Promise<string | null> {
  const affected = affectedBy(points, child === null ? drop : [...drop, child]);
  const kept = whatKeeps(state, vm, { removed: drop, affected, child: null }, Date.now(), marks);
  if (kept !== null) return kept;
  const images = points.filter(({ backup_id: id }) => drop.includes(id)).flatMap(({ disks }) => disks);
  const [open] = await lockedFiles(images.map(({ path }) => join(vm.root, vm.context, path)));
  return open === undefined ? null : `another program has ${open} open`;
}

interface Stray {
  /** What a restore point is that it is built on; relative to the repository, as `path`. */
  readonly below: string;
  readonly path: string;
  readonly reason: string;
}

/** What belongs to no restore point, is built on one, and would not be put aside by a run at this moment. */
async function straysOn({ state, vm, points, signal }: Foresight): Promise<Stray[]> {
  const { root, context } = vm;
  const files = points.flatMap(({ disks }) =>
    disks.flatMap(({ path, index }) => [join(context, path), join(context, index.path)]),
  );
  const known = new Set(points.map(({ backup_id: id }) => id));
  const images = await builtOn(root, files, known);
  const found = [
    ...images.map(({ path, backing }) => ({ path, below: join(dirname(path), basename(backing)) })),
    ...(await indexesOn(root, files, known)).map(({ path, parent }) => ({ path, below: parent })),
  ];
  if (found.length === 0) return [];
  const going = new Set(await unfinishedFiles({ state, vm, root, signal }, 'blocking'));
  const holder = await whoHolds(state, vm);
  return found.flatMap(({ path, below }) => {
    if (!going.has(path)) return [{ path, below, reason: strayReason(path) }];
    return holder === null
      ? []
      : [{ path, below, reason: `${path} is built on it, and ${holder.run} on host ${holder.host} works on the VM` }];
  });
}

function strayAbove({ vm, points }: Foresight, { drop }: RemovalUnit, strays: readonly Stray[]): string | null {
  if (strays.length === 0) return null;
  const files = new Set(
    points
      .filter(({ backup_id: id }) => drop.includes(id))
      .flatMap(({ disks }) =>
        disks.flatMap(({ path, index }) => [join(vm.context, path), join(vm.context, index.path)]),
      ),
  );
  return strays.find(({ below }) => files.has(below))?.reason ?? null;
}

async function notMergeable(work: Foresight, { child, disks }: RemovalUnit): Promise<string | null> {
  if (child === null) return null;
  const { root, context } = work.vm;
  for (const { number, run } of disks) {
    for (const id of [child, ...run]) {
      const broken = (await currentMarks(root, context, id).catch(() => null))?.broken;
      if (broken && (broken.disks.length === 0 || broken.disks.includes(number)))
        return `${diskName(number)} of ${id} is broken, so nothing is merged: ${broken.reason}`;
      const disk = work.points.find((point) => point.backup_id === id)?.disks.find((entry) => entry.number === number);
      if (disk && (await factsOf(join(root, context, disk.path)))?.file_bytes !== disk.file_bytes)
        return `${disk.path}, which ${child} needs, is not as it was committed`;
    }
  }
  return lacking(work, child, disks);
}

async function lacking(work: Foresight, child: string, disks: RemovalUnit['disks']): Promise<string | null> {
  const { vm, keys, signal } = work;
  const { root, context } = vm;
  const manifest = await readManifest(join(root, manifestPath(context, child)));
  const nothing = { file_bytes: 0, file_mtime_ns: '0' };
  const merge: MergeChild = {
    backup_id: child,
    checksum: manifest.checksum,
    parent: null,
    manifest: null,
    disks: disks.map(({ number, run, parent }) => ({
      number,
      direction: 'commit' as const,
      run: run.map((id) => ({ backup_id: id, ...nothing })),
      parent,
      before: nothing,
      begun: false,
      whole: false,
      after: null,
    })) as unknown as MergeChild['disks'],
  };
  const space = await lackingSpace({ vm, root, keys, signal }, merge, manifest);
  return space && `merging it into ${child} needs ${space.needed} bytes, ${space.free} are free`;
}
