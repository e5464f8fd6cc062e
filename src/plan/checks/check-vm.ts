import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import type { BackupPlan, IncrementalPlan, Settings } from '../../schemas/types.ts';
import { kindOf, strangeVmKeys, writtenKindOf, type AnyKind } from '../../sources/index.ts';

type PlannedVm = (BackupPlan | IncrementalPlan)['vm'];

/** Whether a plan's `vm` fits the source that the plan writes down, or that of this name in the settings. */
export function vmFindings(vm: PlannedVm, source: string | undefined, settings: Settings): Finding[] {
  if (typeof vm.source === 'object') {
    const kind = writtenKindOf(vm.source);
    return kind ? strangeFindings(vm, kind, kind.written?.title ?? '') : [];
  }
  const written = source === undefined ? undefined : settings.sources[source];
  if (!written || source === undefined) return [];
  const kind = kindOf(written);
  const where = `the source ${shown(source)}, which is of type ${kind.type}`;
  return [...kind.vmFindings(vm, source, written), ...strangeFindings(vm, kind, where)];
}

const strangeFindings = (vm: PlannedVm, kind: AnyKind, where: string): Finding[] =>
  strangeVmKeys(kind)
    .filter((key) => vm[key] !== undefined)
    .map((key) => ({
      rule: 'settings/vsphere-only',
      at: { path: ['vm', key] },
      message: `${key} has no meaning for ${where}`,
    }));
