import { marksPath } from '../../repository/marks.ts';
import type { Manifest } from '../../schemas/types.ts';
import { examineSideFiles } from '../../restore-points/verify/side-files.ts';
import { remedies, report, type Walk } from './check-walk.ts';

/**
 * Marks and the VM's configuration make no disk unsound. A mark of a damage does; it is told last, by what this gives back, because
 * the disks may tell it better.
 */
export async function checkSideFiles(walk: Walk, manifest: Manifest): Promise<() => void> {
  const { backup_id: id, vm } = manifest;
  const path = marksPath(vm.context, id);
  const { problems, broken } = await examineSideFiles(walk.options.root, manifest, walk.options.signal);
  for (const problem of problems)
    report(
      walk,
      'error',
      problem.code,
      id,
      problem.path,
      problem.message,
      problem.path === path ? remedies.marks : remedies.config,
    );
  const before = walk.findings.length;
  return () => {
    if (broken === null || walk.findings.slice(before).some(({ severity }) => severity === 'error')) return;
    const { deep } = walk.options;
    report(
      walk,
      deep ? 'warning' : 'error',
      'point.broken',
      id,
      path,
      deep
        ? `marks the restore point as broken (${broken.reason}), and its files are sound now`
        : `marks the restore point as broken: ${broken.reason}`,
      deep ? remedies.mended : remedies.broken,
    );
  };
}
