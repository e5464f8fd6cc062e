import type { MergeIntent } from '../../schemas/types.ts';
import { intentPath, wayOut } from './intent.ts';
import type { UnitPoint } from './plan-units.ts';

/**
 * The restore points that must stay as they are while removals are not finished: all of the chains with which these have to
 * do. All others of the VM have no file in common with them. Pure.
 * @param points of the VM, by their manifests
 * @returns why, by backup id
 */
export const blockedBy = (points: readonly UnitPoint[], intents: readonly MergeIntent[]): Map<string, string> =>
  withChains(
    points,
    intents.flatMap((intent) => {
      const reason = `it is part of the unfinished removal ${intentPath(intent.context, intent.name)}`;
      return namedBy(intent).map((id) => [id, reason] as const);
    }),
  );

/**
 * These restore points and all of the chains that they belong to. Pure.
 * @param points of the VM, by their manifests
 * @param reasons by backup id, which need not be among the points; what several reach gets the first
 * @returns why, by backup id
 */
export function withChains(
  points: readonly UnitPoint[],
  reasons: Iterable<readonly [string, string]>,
): Map<string, string> {
  const beside = new Map<string, Set<string>>();
  const join = (a: string, b: string): void => {
    beside.set(a, (beside.get(a) ?? new Set()).add(b));
    beside.set(b, (beside.get(b) ?? new Set()).add(a));
  };
  for (const { backup_id: id, disks } of points) for (const { parent } of disks) if (parent !== null) join(id, parent);
  const found = new Map<string, string>();
  for (const [id, reason] of reasons) {
    const open = [id];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (found.has(at)) continue;
      found.set(at, reason);
      open.push(...(beside.get(at) ?? []));
    }
  }
  return found;
}

const namedBy = ({ removed, child }: MergeIntent): string[] => [
  ...removed.map(({ backup_id: id }) => id),
  ...(child ? [child.backup_id] : []),
  ...(child?.disks ?? []).flatMap(({ run, parent }) => [
    ...run.map(({ backup_id: id }) => id),
    ...(parent === null ? [] : [parent]),
  ]),
];

/** What can be done where a removal cannot be gone on with. */
export const unfinishedRemedy = `Finish it: \`sendense-run recover\`. If that fails, see ${wayOut}.`;
