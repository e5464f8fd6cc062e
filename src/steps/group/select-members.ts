import { matchesVm } from '../../repository/match-vm.ts';
import type { VmMatch } from '../../schemas/types.ts';
import type { SourceVm } from '../../sources/source-kind.ts';

/** Whether every key of the entry fits. */
export function fits(vm: SourceVm, { name, folder, path, moref, tag }: VmMatch): boolean {
  // The names of a source may have any letters; capitals make no difference to vSphere either.
  if (name !== undefined && !matchesVm(vm.name.toLowerCase(), name.toLowerCase())) return false;
  if (folder !== undefined && !(vm.path ?? '').startsWith(`${folder.replace(/\/+$/, '')}/`)) return false;
  if (path !== undefined && vm.path !== path) return false;
  if (moref !== undefined && vm.moref !== moref) return false;
  return tag === undefined || (vm.tags ?? []).some((own) => own === tag || own.slice(own.indexOf('/') + 1) === tag);
}

export interface Selection {
  readonly members: readonly SourceVm[];
  /** Entries of `members` that no VM fits: a name may be wrong. */
  readonly warnings: readonly string[];
}

/** The VMs that belong to a group. Templates never do. Pure. */
export function selectMembers(
  vms: readonly SourceVm[],
  members: readonly VmMatch[],
  exclude: readonly VmMatch[],
): Selection {
  const candidates = vms.filter((vm) => !vm.template);
  return {
    members: candidates.filter(
      (vm) => members.some((entry) => fits(vm, entry)) && !exclude.some((entry) => fits(vm, entry)),
    ),
    warnings: members
      .filter((entry) => !candidates.some((vm) => fits(vm, entry)))
      .map((entry) => `no VM of the source fits members: ${matchText(entry)}`),
  };
}

/** `name: web*, folder: /DC1/vm/Web` */
export const matchText = (match: VmMatch): string =>
  Object.entries(match)
    .filter(([key]) => !key.startsWith('x-'))
    .map(([key, value]) => `${key}: ${String(value)}`)
    .join(', ');
