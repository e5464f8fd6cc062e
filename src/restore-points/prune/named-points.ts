import { SendenseError } from '../../errors/sendense-error.ts';
import { identityOf } from '../../repository/vm-identity.ts';
import type { Marks } from '../../repository/marks.ts';
import type { PlannedPoint } from '../../repository/retention/plan-removal.ts';
import { decideRetention, type PointDecision, type PolicyPoint } from '../../repository/retention/policy.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';

/** Of restore points that somebody names, those go that nothing holds: what is protected and the newest sound one that is no backup before a restore stay, as at every prune. */
export const decideNamed = (
  points: readonly PolicyPoint[],
  named: ReadonlySet<string>,
  now: number,
  timezone: string,
): PointDecision[] =>
  decideRetention(points, {}, now, timezone, { beforeRestoreMs: 0 }).map((decision) =>
    named.has(decision.id) || decision.keep ? decision : { ...decision, keep: true, reasons: [notNamed] },
  );

/** Why all others stay. */
export const notNamed = 'not named';

/** The VM of the first of them; null: it does not say whose it is, so it is of the VM that the name belongs to. */
export function identityOfNamed(
  all: readonly RestorePoint[],
  marks: ReadonlyMap<string, Marks | 'unreadable' | null>,
  named: ReadonlySet<string>,
): string | null {
  const first = all.find(({ backup_id: id }) => named.has(id));
  const mark = first && marks.get(first.backup_id);
  return first ? identityOf(first.vm, mark === 'unreadable' ? null : mark) : null;
}

/** Whoever names a restore point wants to know that it cannot go. @throws SendenseError `prune.refused` */
export function assertGoing(planned: readonly PlannedPoint[], named: ReadonlySet<string>): void {
  refuseStays(planned.filter(({ id, keep }) => keep && named.has(id)).map(({ id, reasons }) => ({ id, reasons })));
}

/** @throws SendenseError `prune.refused` where there is one */
export function refuseStays(stays: readonly { readonly id: string; readonly reasons: readonly string[] }[]): void {
  if (stays.length === 0) return;
  const each = stays.map(({ id, reasons }) => `restore point ${id} stays: ${reasons.map(inWords).join(', ')}`);
  throw new SendenseError('prune.refused', each.join('; '), {
    remedy: 'Remove what stands in the way, or leave the restore point where it is.',
  });
}

const inWords = (reason: string): string =>
  reason === 'newest' ? 'it is the newest sound one of its VM' : reason.replace(/^stays: /, '');
