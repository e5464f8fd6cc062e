import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { CheckOutput } from '../../schemas/types.ts';
import { manifestChecksums } from '../../state/manifest-checksums.ts';
import { livingMerges } from '../../state/points/merges.ts';
import { forgetRemoved, isRemoved } from '../../restore-points/verify/examine-point.ts';
import { points } from '../../state/points/restore-points.ts';
import type { Services } from '../../steps/services.ts';
import { checkRepository } from './check-repository.ts';
import { claimedFiles } from '../../restore-points/claimed-files.ts';
import type { CheckRequest } from '../hub.ts';

/** Checks the repositories that are asked for, one after the other. */
export async function checkAll(services: Services, request: CheckRequest): Promise<CheckOutput> {
  const names = request.repository === undefined ? Object.keys(services.settings.repositories) : [request.repository];
  const outputs: CheckOutput[] = [];
  assertSomethingToCheck(services, names, request);
  for (const name of names) outputs.push(await checkOne(services, name, request));
  return {
    version: 1,
    ok: outputs.every((output) => output.ok),
    repository: outputs.map((output) => output.repository).join(', '),
    points_checked: sum(outputs.map((output) => output.points_checked)),
    bytes_read: sum(outputs.map((output) => output.bytes_read)),
    findings: outputs.flatMap((output) => output.findings),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Asked for by name and not there must not look as if it was found sound. */
function assertSomethingToCheck({ state }: Services, names: readonly string[], { vm, point }: CheckRequest): void {
  if (vm === undefined && point === undefined) return;
  const known = names.flatMap((name) => points(state, { repository: name }));
  const found = known.some(
    (entry) => (vm === undefined || entry.vm.context === vm) && (point === undefined || entry.backup_id === point),
  );
  if (!found)
    throw new SendenseError(
      'point.unknown',
      point === undefined ? `VM ${vm} has no restore points` : `there is no restore point ${point}`,
    );
}

async function checkOne(services: Services, name: string, request: CheckRequest): Promise<CheckOutput> {
  const root = services.repositoryPath(name);
  const stored = points(services.state, { repository: name });
  if (!(await services.findRepository(name))) {
    const findings: CheckOutput['findings'] =
      stored.length === 0
        ? []
        : [
            {
              severity: 'error',
              code: 'file.missing',
              backup_id: null,
              path: root,
              message: `there is no repository at ${root}, but ${stored.length} restore points of it are known`,
              remedy: 'Mount it, or correct its path in sendense.yaml.',
            },
          ];
    return { version: 1, ok: findings.length === 0, repository: name, points_checked: 0, bytes_read: 0, findings };
  }
  const point = request.point === undefined ? undefined : stored.find((entry) => entry.backup_id === request.point);
  if (request.point !== undefined && !point)
    return { version: 1, ok: true, repository: name, points_checked: 0, bytes_read: 0, findings: [] };
  const result = await checkRepository({
    root,
    context: point?.vm.context ?? request.vm,
    point: request.point,
    deep: request.deep,
    keys: await services.imageKeys(name),
    known: (context) => manifestChecksums(services.state, name, context),
    claimed: () => claimedFiles(services.state, name),
    isRemoved: async (context, id, manifests) => {
      const row = stored.find((entry) => entry.vm.context === context && entry.backup_id === id);
      return row !== undefined && (await isRemoved(root, row, manifests));
    },
    forget: `${forgetRemoved(name)}. If nobody has removed it, restore its files from a copy of the repository.`,
    merging: () => new Set(livingMerges(services.state, name, isRunning)),
    signal: request.signal,
    onProgress: request.onProgress,
  });
  return {
    version: 1,
    ok: result.findings.every((finding) => finding.severity !== 'error'),
    repository: name,
    ...result,
  };
}
