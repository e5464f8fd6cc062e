import { join } from 'node:path';
import { lockedFiles } from '../../host/files/file-users.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { diskName, manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import type { MergeChild } from '../../repository/merge/intent.ts';
import { factsOf } from '../../repository/merge/merge-files.ts';
import { affectedBy, planUnits, type RemovalUnit } from '../../repository/merge/plan-units.ts';
import type { State } from '../../state/database/open-state.ts';
import { whatKeeps } from '../../state/points/removed-points.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import { lackingSpace } from '../merge/merge-space.ts';
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
  for (const unit of planUnits(work.points, remove).units) {
    work.signal?.throwIfAborted();
    const reason = (await inUse(work, unit)) ?? (await notMergeable(work, unit));
    if (reason !== null) for (const id of unit.drop) stays.set(id, reason);
  }
  return stays;
}

async function inUse({ state, vm, points }: Foresight, { drop, child }: RemovalUnit): Promise<string | null> {
  const affected = affectedBy(points, child === null ? drop : [...drop, child]);
  const kept = whatKeeps(state, vm, { removed: drop, affected, child: null }, Date.now());
  if (kept !== null) return kept;
  const images = points.filter(({ backup_id: id }) => drop.includes(id)).flatMap(({ disks }) => disks);
  const [open] = await lockedFiles(images.map(({ path }) => join(vm.root, vm.context, path)));
  return open === undefined ? null : `another program has ${open} open`;
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
