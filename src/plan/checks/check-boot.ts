import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';

type Mapping = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a schema cannot say about the order in which VMs start. The plan may still have mistakes of form. */
export function bootFindings(plan: Mapping): Finding[] {
  if (plan['kind'] !== 'boot') return [];
  const vms = list(plan['vms']).map(mapping);
  const names = vms.map(({ vm }) => vm);
  const after = new Map(vms.map(({ vm, after: before }) => [vm, list(before)]));
  return vms.flatMap(({ vm, after: before }, index): Finding[] => [
    ...(names.indexOf(vm) < index
      ? [
          {
            rule: 'boot/twice',
            at: { path: ['vms', index, 'vm'], part: 'value' },
            message: `the VM ${shown(vm)} is in the plan already`,
          } as const,
        ]
      : []),
    ...list(before).flatMap((name, place): Finding[] => {
      const message = orderFault(name, vm, names, after);
      return message === null ? [] : [{ rule: 'boot/order', at: { path: ['vms', index, 'after', place] }, message }];
    }),
  ]);
}

function orderFault(
  name: unknown,
  vm: unknown,
  names: readonly unknown[],
  after: ReadonlyMap<unknown, readonly unknown[]>,
): string | null {
  if (!names.includes(name)) return `no VM of the plan has the name ${shown(name)}`;
  if (name === vm) return `${shown(vm)} cannot wait for itself`;
  return needs(name, vm, after) ? `${shown(name)} itself waits for ${shown(vm)}` : null;
}

/** Whether one has to wait for the other. */
function needs(name: unknown, other: unknown, after: ReadonlyMap<unknown, readonly unknown[]>): boolean {
  const open = [name];
  const seen = new Set<unknown>();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === other) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    open.push(...(after.get(at) ?? []));
  }
  return false;
}
