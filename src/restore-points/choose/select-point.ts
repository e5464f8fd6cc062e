import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { diskName } from '../../repository/layout.ts';
import { marksOf } from '../../state/points/point-marks.ts';
import { points, type RestorePoint } from '../../state/points/restore-points.ts';
import type { PointChoice, PointSelectInput, PointSelectOutput } from '../../schemas/types.ts';
import type { VmReference } from '../../sources/source-kind.ts';
import { followMarks } from '../hold/follow-marks.ts';
import type { RepositoryAccess } from '../repository-access.ts';
import { chainVerdict } from './chain-verdict.ts';
import { chosenPoint, type ChosenPoint, type WantedPoint } from './chosen-point.ts';
import { leftOutText, orNotReadable, perhapsMeant } from './left-out.ts';

/** A restore point that can be read: what `point.select` tells of it, and what speaks against it. */
export interface SelectedPoint {
  readonly output: PointSelectOutput;
  readonly remark: string | null;
}

/**
 * Finds the restore point that is meant and looks at all that its disks are built on.
 * @param use called with the restore point before anything of it is looked at: from there nothing of it may be removed or merged
 * @param assure waited for after that, before anything of it is looked at
 * @throws SendenseError `point.unknown`, `vm.identity`, `chain.damaged`, `repository.key`
 */
export async function selectPoint(
  services: RepositoryAccess,
  input: PointSelectInput,
  signal: AbortSignal,
  use: (point: RestorePoint) => void = () => {},
  assure: (point: RestorePoint) => Promise<void> = async () => {},
): Promise<SelectedPoint> {
  const { name } = input.vm as unknown as VmReference;
  const root = services.repositoryPath(input.repository);
  await followMarks(services.state, root, { repository: input.repository, context: name });
  // From here nothing of it is removed or merged until the run has ended.
  const { point, remark, why } = services.state.transaction(() => {
    const vm = { repository: input.repository, context: name };
    const choice = (input.point ?? 'latest') as PointChoice;
    const { identity } = input.vm as { readonly identity?: string };
    const found = chosen(services, { ...vm, choice, identity, disks: input.disks ?? undefined });
    use(found.point);
    return found;
  });
  await assure(point);
  const wanted = point.disks.filter((disk) => !input.disks || input.disks.includes(disk.number));
  const missing = (input.disks ?? []).filter((number) => !point.disks.some((disk) => disk.number === number));
  if (missing.length > 0) {
    throw new SendenseError(
      'point.unknown',
      `restore point ${point.backup_id} has no ${missing.map(diskName).join(', ')}; it has ${point.disks.map((disk) => diskName(disk.number)).join(', ')}`,
    );
  }
  const keys = await services.imageKeys(input.repository);
  for (const disk of wanted) {
    const verdict = await chainVerdict(services.state, root, point, disk.number, {
      key: keys.of(disk),
      index: input.verify ?? true,
      signal,
    });
    if (verdict.verdict === 'broken')
      throw new SendenseError(
        'chain.damaged',
        `restore point ${point.backup_id}, ${diskName(disk.number)}: ${verdict.reason}`,
        verdict.reason.startsWith('block index ')
          ? {
              remedy:
                'Name another restore point, or restore this one without comparing it (--no-verify, `verify: false`).',
            }
          : {},
      );
  }
  const output = {
    backup_id: point.backup_id,
    created: point.created,
    why,
    disks: wanted.map((disk) => ({
      disk: diskName(disk.number),
      number: disk.number,
      capacity_bytes: disk.capacity_bytes,
      file: join(root, point.vm.context, disk.path),
      index: join(root, point.vm.context, disk.index.path),
      digest: disk.digest,
      encryption: disk.encryption ?? null,
      uuid: disk.uuid,
    })),
    vm: point.vm.context,
    vm_config: configOf(root, point),
  };
  const meant = perhapsMeant(services.leftOut, {
    context: name,
    choice: (input.point ?? 'latest') as PointChoice,
    than: point.backup_id,
  });
  const remarks = [
    ...(remark === null ? [] : [remark]),
    ...(meant.length === 0
      ? []
      : [
          `this is ${point.backup_id}, because Sendense could not read newer restore points: ${leftOutText(meant)}. To choose this one without the warning, name it: --point ${point.backup_id}`,
        ]),
  ];
  return { output, remark: remarks.join('; ') || null };
}

/** Where the saved configuration of the VM lies. */
const configOf = (root: string, { vm, vm_config: config }: RestorePoint): PointSelectOutput['vm_config'] =>
  config
    ? {
        file: join(root, vm.context, config.path),
        sha256: config.sha256,
        encryption: config.encryption ? { key_id: config.encryption.key_id } : null,
      }
    : null;

function chosen({ state, leftOut }: RepositoryAccess, wanted: WantedPoint): ChosenPoint {
  const { repository, context } = wanted;
  const vm = { repository, context };
  try {
    return chosenPoint(points(state, vm), marksOf(state, vm), wanted);
  } catch (error) {
    throw orNotReadable(error, leftOut, wanted);
  }
}
