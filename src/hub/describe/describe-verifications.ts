import type { RestorePointOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksKey, verificationsOf, type Verification, type VerifyLevel } from '../../state/points/point-marks.ts';

type Verifications = NonNullable<RestorePointOutput['verifications']>;

/** What the last verification of each level found of a restore point. */
export type Verified = (point: {
  readonly repository: string;
  readonly context: string;
  readonly backup_id: string;
}) => Verifications;

const order: Readonly<Record<VerifyLevel, number>> = { quick: 0, digests: 1, deep: 2, boot: 3, files: 4 };

/** Looks a VM up when its first restore point is asked for. There may be ten thousand. */
export function describeVerifications(state: State): Verified {
  const known = new Map<string, ReadonlyMap<string, readonly Verification[]>>();
  return ({ repository, context, backup_id: id }) => {
    const vm = `${repository}\n${context}`;
    const found = known.get(vm) ?? verificationsOf(state, { repository, context });
    known.set(vm, found);
    const own = found.size === 0 ? undefined : found.get(marksKey(context, id));
    return (own ?? [])
      .map(({ level, ok, finished, detail }) => ({ level, ok, finished, detail }))
      .sort((a, b) => order[a.level] - order[b.level]);
  };
}
