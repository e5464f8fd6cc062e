import type { AdoptOutput } from '../../schemas/types.ts';
import { plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, printable } from '../text.ts';

/** Whose restore points count as those of the VM from now on. */
export function adoptReport(
  { vm, repository, identity, before, adopted }: AdoptOutput,
  { columns, style }: SummaryOptions,
): string[] {
  const name = `${printable(vm)} in repository ${repository}`;
  if (adopted.length === 0) return fit(`all restore points of ${name} are of ${printable(identity)} already`, columns);
  return [
    ...before
      .flatMap((one) => fit(`before: ${printable(one.identity)}, ${plural(one.points, 'restore point')}`, columns))
      .map(style.dim),
    ...fit(`all restore points of ${name} count as those of ${printable(identity)} now`, columns),
  ];
}
