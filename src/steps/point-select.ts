import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { diskName } from '../repository/layout.ts';
import { verifyChain } from '../repository/verify-chain.ts';
import { findPoint, latestPoint, pointBefore, type RestorePoint } from '../state/restore-points.ts';
import type { PointSelectInput, PointSelectOutput } from '../schemas/types.ts';
import { defineStep } from './define-step.ts';
import type { Services } from './services.ts';
import { storedChain } from './stored-chain.ts';
import type { VmReference } from './source-spec.ts';

export const pointSelect = defineStep<PointSelectInput, null, PointSelectOutput>({
  uses: 'point.select',
  title: 'Find the restore point',
  claim: () => null,

  async plan({ services }, input) {
    const output = await select(services, input);
    return {
      effects: output.disks.map((disk) => ({
        action: 'read',
        target: disk.file,
        detail: `${disk.disk}, ${disk.capacity_bytes} bytes`,
        argv: null,
      })),
      notes: [`restore point ${output.backup_id} of ${new Date(output.created).toISOString()}`],
      output,
    };
  },

  async run({ services, log }, input) {
    const output = await select(services, input);
    log(`restore point ${output.backup_id} of ${new Date(output.created).toISOString()}`);
    return output;
  },
});

async function select(services: Services, input: PointSelectInput): Promise<PointSelectOutput> {
  const { name } = input.vm as unknown as VmReference;
  const root = services.repositoryPath(input.repository);
  const point = find(services, input.repository, name, input.point ?? 'latest');
  const wanted = point.disks.filter((disk) => !input.disks || input.disks.includes(disk.number));
  const missing = (input.disks ?? []).filter((number) => !point.disks.some((disk) => disk.number === number));
  if (missing.length > 0) {
    throw new SendenseError(
      'point.unknown',
      `restore point ${point.backup_id} has no ${missing.map(diskName).join(', ')}; it has ${point.disks.map((disk) => diskName(disk.number)).join(', ')}`,
    );
  }
  for (const disk of wanted) {
    const chain = storedChain(services.state, point, disk.number);
    const verdict =
      typeof chain === 'string' ? { verdict: 'broken' as const, reason: chain } : await verifyChain(root, chain);
    if (verdict.verdict === 'broken')
      throw new SendenseError(
        'chain.damaged',
        `restore point ${point.backup_id}, ${diskName(disk.number)}: ${verdict.reason}`,
      );
  }
  return {
    backup_id: point.backup_id,
    created: point.created,
    disks: wanted.map((disk) => ({
      disk: diskName(disk.number),
      number: disk.number,
      capacity_bytes: disk.capacity_bytes,
      file: join(root, point.vm.context, disk.path),
      index: join(root, point.vm.context, disk.index.path),
      digest: disk.digest,
    })),
  };
}

function find(services: Services, repository: string, context: string, wanted: unknown): RestorePoint {
  const { state } = services;
  if (wanted !== null && typeof wanted === 'object' && 'before' in wanted) {
    const before = Date.parse(String(wanted.before));
    const point = pointBefore(state, { repository, context }, before);
    if (point) return point;
    throw new SendenseError(
      'point.unknown',
      `VM ${context} has no restore point before ${String(wanted.before)} in repository ${repository}`,
    );
  }
  const point =
    wanted === 'latest'
      ? latestPoint(state, { repository, context })
      : findPoint(state, { repository, context, backupId: String(wanted) });
  if (point) return point;
  throw new SendenseError(
    'point.unknown',
    wanted === 'latest'
      ? `VM ${context} has no restore point in repository ${repository}`
      : `VM ${context} has no restore point ${String(wanted)} in repository ${repository}`,
  );
}
