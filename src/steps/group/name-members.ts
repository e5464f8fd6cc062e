import { createHash } from 'node:crypto';
import { isName, nameFrom } from '../../plan/names.ts';
import type { KnownVm } from '../../restore-points/choose/known-vms.ts';
import type { SourceVm } from '../../sources/source-kind.ts';

/**
 * The name that each VM has in plan and repository. A VM keeps the context that holds its restore points, known by its
 * instance uuid, also after it was renamed; no two VMs get the same, and none gets that of another VM.
 */
export function nameMembers(vms: readonly SourceVm[], known: readonly KnownVm[]): Map<SourceVm, string> {
  const newestFirst = known.toSorted((a, b) => b.newest - a.newest);
  const names = new Map<SourceVm, string>();
  const taken = new Set<string>();
  const give = (vm: SourceVm, name: string): void => {
    names.set(vm, name);
    taken.add(name);
  };
  for (const vm of vms) {
    const own = vm.instanceUuid === null ? undefined : newestFirst.find((one) => one.identity === vm.instanceUuid);
    if (own && !taken.has(own.context)) give(vm, own.context);
  }
  const foreign = new Set(newestFirst.filter((one) => one.identity !== null).map(({ context }) => context));
  for (const vm of vms) {
    if (names.has(vm)) continue;
    const plain = nameFrom(vm.name);
    const free = (name: string): boolean =>
      isName(name) && !taken.has(name) && (vm.instanceUuid === null || !foreign.has(name));
    give(vm, free(plain) ? plain : distinctName(vm, free));
  }
  return names;
}

/** A sentence for each VM that has another name than its own, because the restore points of that name are of another VM. */
export function takenNames(names: ReadonlyMap<SourceVm, string>, known: readonly KnownVm[]): string[] {
  const given = new Set(names.values());
  return [...names].flatMap(([{ name, instanceUuid }, context]) => {
    const plain = nameFrom(name);
    const owner = known.find((one) => one.context === plain)?.identity ?? null;
    const own = known.some((one) => one.context === context);
    if (context === plain || owner === null || instanceUuid === null || own || given.has(plain)) return [];
    return [
      `VM ${name} (${instanceUuid}) is backed up as ${context}, for the restore points of ${plain} are of another VM: ${owner}. If it is the same machine, made anew: \`sendense-run adopt ${plain} --identity ${instanceUuid}\``,
    ];
  });
}

/** With something behind it that only this VM has; the same at each run. */
function distinctName(vm: SourceVm, free: (name: string) => boolean): string {
  const identity = vm.instanceUuid ?? vm.moref ?? vm.path ?? vm.name;
  const digest = createHash('sha256').update(identity).digest('hex');
  for (let length = 8; ; length += 8) {
    const end = digest.slice(0, length);
    const start = nameFrom(vm.name, length + 1);
    const name = start === '' ? `vm-${end}` : `${start}-${end}`;
    if (free(name) || length >= digest.length) return name;
  }
}
