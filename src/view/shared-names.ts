import { plural } from './format.ts';
import { printable } from './text.ts';

/** What tells whose a restore point is. */
interface NamedPoint {
  readonly vm: string;
  readonly repository: string;
  readonly identity?: string | null;
  readonly backup_id: string;
}

/** A sentence for each name under which several VMs have restore points. @param points oldest first */
export function sharedNames(points: readonly NamedPoint[]): string[] {
  const names = [...Map.groupBy(points, ({ vm, repository }) => JSON.stringify([vm, repository])).values()];
  return names.flatMap((group) => {
    const vms = [...Map.groupBy(group, ({ identity }) => identity ?? '')].filter(([identity]) => identity !== '');
    const [first] = group;
    if (vms.length < 2 || !first) return [];
    const each = vms.map(
      ([identity, own]) => `${printable(identity)} (${plural(own.length, 'point')}, newest ${own.at(-1)?.backup_id})`,
    );
    return [
      `${printable(first.vm)} in repository ${first.repository} has restore points of ${vms.length} VMs: ${each.join(', ')}`,
    ];
  });
}
