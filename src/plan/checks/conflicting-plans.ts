import { dirname, resolve } from 'node:path';
import type { Plan, Settings } from '../../schemas/types.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { LoadedPlan } from '../load-plan.ts';
import type { LoadedSettings } from '../load-settings.ts';
import { kindOf, writtenKindOf } from '../../sources/index.ts';
import { isBackup } from '../plan-kinds.ts';
import { shown } from '../../errors/findings/words.ts';

/** Remembers plans, and says of each what cannot be beside one that it has seen with the same settings. */
export function conflictingPlans(): (loaded: LoadedPlan, used: LoadedSettings) => Diagnostic[] {
  const names = new Map<string, { readonly file: string; readonly scheduled: boolean }>();
  const machines = new Map<string, { readonly file: string; readonly machine: Machine }>();

  return ({ document, plan }, used) => {
    if (!plan) return [];
    const { file } = document;
    const found: Diagnostic[] = [];
    const scheduled = 'schedule' in plan && plan.schedule !== undefined;
    const nameKey = JSON.stringify([used.file ?? null, plan.name]);
    const same = names.get(nameKey);
    if (same) {
      const rule = scheduled && same.scheduled ? 'schedule/duplicate' : 'plan/same-name';
      const message = `a plan named ${shown(plan.name)} is in ${same.file} already`;
      found.push(diagnosticOf(document, { rule, at: { path: ['name'], part: 'value' }, message }));
    } else names.set(nameKey, { file, scheduled });

    if (!isBackup(plan)) return found;
    const machine = machineOf(plan, document.folder, used);
    const vmKey = JSON.stringify([used.file ?? null, plan.repository, plan.vm.name]);
    const other = machines.get(vmKey);
    if (!other) machines.set(vmKey, { file, machine });
    else if (differ(other.machine, machine)) {
      const message = `${other.file} backs up other disks to ${plan.repository} as VM ${shown(plan.vm.name)}: the runs of one of the two would be refused`;
      found.push(
        diagnosticOf(document, { rule: 'plan/same-vm', at: { path: ['vm', 'name'], part: 'value' }, message }),
      );
    }
    return found;
  };
}

/** What tells VMs apart; undefined: the plan does not say. */
interface Machine {
  readonly source: string | undefined;
  readonly disks?: string | undefined;
  readonly path?: string | undefined;
  readonly moref?: string | undefined;
}

const keys = ['source', 'disks', 'path', 'moref'] as const;
const differ = (a: Machine, b: Machine): boolean =>
  keys.some((key) => a[key] !== undefined && b[key] !== undefined && a[key] !== b[key]);

type Backup = Extract<Plan, { readonly kind: 'backup' | 'incremental' }>;

function machineOf({ vm, node }: Backup, folder: string, { file, settings }: LoadedSettings): Machine {
  if (typeof vm.source === 'object') {
    const own = writtenKindOf(vm.source)?.written?.disks(vm.source);
    return own ? imageOf(node, own, folder) : { source: undefined };
  }
  const names = Object.keys(settings?.sources ?? {});
  const name = vm.source ?? (names.length === 1 ? names[0] : undefined);
  const source: Settings['sources'][string] | undefined = name === undefined ? undefined : settings?.sources[name];
  const disks = source && kindOf(source).writtenDisks(source, vm.name);
  if (disks && file !== undefined) return imageOf(node, disks, dirname(file));
  return { source: name, path: vm.path, moref: vm.moref };
}

/** The same paths on another node are other disks. */
const imageOf = (node: string, disks: readonly { readonly path: string }[], folder: string): Machine => ({
  source: undefined,
  disks: JSON.stringify([node, ...disks.map(({ path }) => resolve(folder, path)).toSorted()]),
});
