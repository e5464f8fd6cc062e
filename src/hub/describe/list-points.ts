import { SendenseError } from '../../errors/sendense-error.ts';
import type { Marks } from '../../repository/marks.ts';
import { identityOf } from '../../repository/vm-identity.ts';
import type { Settings } from '../../schemas/types.ts';
import { listedPoints } from '../../state/points/listed-points.ts';
import type { State } from '../../state/database/open-state.ts';
import { pointLines } from '../../state/points/point-lines.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import { currentUses, usedByOf } from '../../state/points/used-marks.ts';
import { points as storedPoints, type RestorePoint } from '../../state/points/restore-points.ts';
import { unlistedRepositories } from '../../state/points/unlisted-repositories.ts';
import { chosenPoint } from '../../restore-points/choose/chosen-point.ts';
import { leftOutText, orNotReadable, perhapsMeant, type LeftOutPoint } from '../../restore-points/choose/left-out.ts';
import { storedMarks } from '../../restore-points/hold/follow-marks.ts';
import { unknownRepository } from '../unknown-repository.ts';
import { describePoints, withHeldBytes } from './describe-points.ts';
import { describeVerifications } from './describe-verifications.ts';
import type { Hub, PointFilter } from '../hub.ts';

/**
 * Restore points as the database has them: for people, for programs, and the chain of one VM. Those of repositories that the settings do
 * not name are left out: nobody knows where they are.
 */
export function listPoints({
  state,
  settings,
  repositoryPath,
  leftOut,
}: {
  readonly state: State;
  readonly settings: Settings;
  repositoryPath(name: string): string;
  readonly leftOut: readonly LeftOutPoint[];
}): Pick<Hub, 'lines' | 'list' | 'leftOut' | 'show' | 'choose' | 'unlisted'> {
  const isNamed = ({ repository }: { readonly repository: string }): boolean =>
    Object.hasOwn(settings.repositories, repository);
  const only = (filter: PointFilter): { repository?: string } => onlyRepository(state, settings, filter);
  /** As their files say: another hub may have made them. */
  const marksIn = async (
    found: readonly { readonly repository: string; readonly context: string }[],
    warn?: (message: string) => void,
  ): Promise<(repository: string) => ReadonlyMap<string, Marks>> => {
    const all = new Map<string, Map<string, Marks>>();
    const current = currentUses(state);
    for (const key of new Set(found.map(({ repository, context }) => JSON.stringify([repository, context])))) {
      const [repository, context] = JSON.parse(key) as [string, string];
      const marks = all.get(repository) ?? new Map<string, Marks>();
      const unreadable = (id: string, reason: string): void =>
        warn?.(`whether ${id} of ${context} is protected or broken is not known: ${reason}`);
      const vm = { repository, context };
      for (const [id, mark] of await storedMarks(state, repositoryPath(repository), vm, unreadable))
        marks.set(id, current(mark));
      all.set(repository, marks);
    }
    return (repository) => all.get(repository) ?? new Map();
  };
  const placesOf = (found: readonly Pick<RestorePoint, 'repository' | 'vm'>[]) =>
    found.map(({ repository, vm }) => ({ repository, context: vm.context }));

  const leftOutOf = (vm: string | undefined): LeftOutPoint[] =>
    leftOut.filter(({ context }) => vm === undefined || context === vm);

  const chosenFrom: typeof chosenPoint = (all, marks, wanted) => {
    try {
      return chosenPoint(all, marks, wanted);
    } catch (error) {
      throw orNotReadable(error, leftOut, wanted);
    }
  };

  return {
    leftOut: leftOutOf,
    unlisted: () => unlistedRepositories(state, settings.repositories),

    async lines(filter) {
      const lines = pointLines(state, { ...only(filter), vm: filter.vm }).filter(isNamed);
      const marks = await marksIn(lines, filter.warn);
      const verified = describeVerifications(state);
      return lines.map(({ vm_instance_uuid, ...line }) => {
        const mark = marks(line.repository).get(marksKey(line.context, line.backup_id));
        const identity = identityOf({ instance_uuid: vm_instance_uuid }, mark);
        const verifications = verified(line);
        const { protected: kept = null, broken = null } = mark ?? {};
        return { ...line, identity, verifications, protected: kept, broken, ...usedByOf(mark) };
      });
    },

    async list(filter) {
      const points = listedPoints(state, { ...only(filter), vm: filter.vm }).filter(isNamed);
      const marks = await marksIn(placesOf(points), filter.warn);
      const described = describePoints(points, repositoryPath, marks, describeVerifications(state));
      const broken = leftOutOf(filter.vm).map(({ context: vm, backupId, reason }) => ({
        vm,
        backup_id: backupId,
        reason,
      }));
      return { version: 1, points: described, ...(broken.length === 0 ? {} : { left_out: broken }) };
    },

    async choose({ vm, repository, choice, identity }) {
      const all = storedPoints(state, { ...only({ repository }), vmName: vm });
      const place = { repository, context: all[0]?.vm.context ?? vm };
      const marks = (await marksIn([place]))(repository);
      const { point, why } = chosenFrom(all, marks, { ...place, choice, identity });
      const meant = perhapsMeant(leftOut, { context: place.context, choice, than: point.backup_id });
      const more = meant.length === 0 ? '' : `; Sendense could not read newer ones: ${leftOutText(meant)}`;
      return { backup_id: point.backup_id, why: `${why}${more}` };
    },

    async show(filter) {
      const { point } = filter;
      const named = only(filter);
      const selected = point === undefined ? undefined : listedPoints(state, { ...named, point }).find(isNamed);
      if (point !== undefined && !selected)
        throw new SendenseError('point.unknown', `there is no restore point ${point}`);
      const vm = selected?.vm.name ?? filter.vm ?? '';
      const own = selected ? { repository: selected.repository } : {};
      const shown = listedPoints(state, { ...named, vm, ...own }).filter(isNamed);
      if (shown.length === 0) throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
      const marks = await marksIn(placesOf(shown), filter.warn);
      const described = describePoints(shown, repositoryPath, marks, describeVerifications(state));
      return {
        version: 1,
        vm,
        repository: shown[0]?.repository ?? '',
        selected: selected?.backup_id ?? null,
        points: await withHeldBytes(described, shown, repositoryPath),
      };
    },
  };
}

function onlyRepository(state: State, settings: Settings, { repository }: PointFilter): { repository?: string } {
  if (repository === undefined) return {};
  if (Object.hasOwn(settings.repositories, repository)) return { repository };
  throw unknownRepository(state, settings, repository);
}
