import { pageOf } from '../../api/paging.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Marks } from '../../repository/marks.ts';
import { storedMarks } from '../../restore-points/hold/follow-marks.ts';
import type { RestorePointOutput, Settings } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { listedPoints } from '../../state/points/listed-points.ts';
import { marksOf } from '../../state/points/point-marks.ts';
import { currentUses } from '../../state/points/used-marks.ts';
import { chainKey, chainLengthsOf, pointPage, type PlacedPoint } from '../../state/points/point-pages.ts';
import { vmNamesOfPoints } from '../../state/points/vm-figures.ts';
import { describePoints, withHeldBytes } from '../describe/describe-points.ts';
import { describeVerifications } from '../describe/describe-verifications.ts';
import { unknownRepository } from '../unknown-repository.ts';
import type { Pages } from './pages.ts';

export interface PointPagesOptions {
  readonly state: State;
  readonly settings: Settings;
  repositoryPath(name: string): string;
}

/**
 * Restore points page by page. Those of one VM have the marks that their files say. For those of all VMs nobody asks hundreds of
 * folders, which may be far away: they have the marks that the database has.
 */
export function pointPages({ state, settings, repositoryPath }: PointPagesOptions): Pick<Pages, 'points' | 'point'> {
  const repositoriesOf = (name: string | undefined): string[] => {
    if (name === undefined) return Object.keys(settings.repositories);
    if (Object.hasOwn(settings.repositories, name)) return [name];
    throw unknownRepository(state, settings, name);
  };

  const describe = async (
    placed: readonly PlacedPoint[],
    how: { readonly files: boolean; readonly held: boolean },
  ): Promise<RestorePointOutput[]> => {
    const marks = how.files ? await storedIn(placed) : known();
    // Read when the files were read: what is of one moment stays together.
    const { listed, lengths, verified } = state.reading(() => ({
      listed: listedPoints(state, { these: placed }),
      lengths: chainLengthsOf(state, placed),
      verified: describeVerifications(state),
    }));
    const described = describePoints(listed, repositoryPath, marks, verified, lengths);
    const full = how.held ? await withHeldBytes(described, listed, repositoryPath) : described;
    const byKey = new Map(full.map((point, at) => [keyOf(listed[at]), point]));
    return placed.flatMap((point) => byKey.get(chainKey(point)) ?? []);
  };

  const known = (): ((repository: string) => ReadonlyMap<string, Marks>) => {
    const current = currentUses(state);
    return (repository) =>
      new Map([...marksOf(state, { repository })].map(([key, mark]) => [key, current(mark)] as const));
  };

  const storedIn = async (
    placed: readonly PlacedPoint[],
  ): Promise<(repository: string) => ReadonlyMap<string, Marks>> => {
    const all = new Map<string, Map<string, Marks>>();
    for (const [repository, own] of Map.groupBy(placed, (point) => point.repository)) {
      const marks = new Map<string, Marks>();
      const current = currentUses(state);
      for (const context of new Set(own.map((point) => point.context)))
        for (const [id, mark] of await storedMarks(state, repositoryPath(repository), { repository, context }))
          marks.set(id, current(mark));
      all.set(repository, marks);
    }
    return (repository) => all.get(repository) ?? new Map();
  };

  return {
    async points({ vm, repository, sees, held = false }, { limit, after }) {
      const repositories = repositoriesOf(repository);
      const vms = sees && vmNamesOfPoints(state).filter(sees);
      const place = after as [number, string, string, string] | null;
      const found = pointPage(state, { vm, vms, repositories, after: place, limit: limit + 1 });
      const { entries, next } = pageOf(found, limit, placeOf);
      return { entries: await describe(entries, { files: vm !== undefined, held }), next };
    },

    async point(id, { repository, sees }) {
      const repositories = repositoriesOf(repository);
      const found = listedPoints(state, { point: id })
        .filter((point) => repositories.includes(point.repository))
        .filter(({ vm }) => sees?.(vm.name) ?? true);
      const [first, other] = found;
      if (!first) throw new SendenseError('point.unknown', `there is no restore point ${id}`);
      if (other) {
        const names = found.map((point) => point.repository).join(', ');
        throw new SendenseError('request.invalid', `restore point ${id} is in several repositories: ${names}`, {
          remedy: `Name one of them: ?repository=${first.repository}.`,
          details: { field: 'repository' },
        });
      }
      const { vm, created } = first;
      const placed = { repository: first.repository, context: vm.context, vm: vm.name, backup_id: id, created };
      const [described] = await describe([placed], { files: true, held: true });
      if (!described) throw new SendenseError('point.unknown', `there is no restore point ${id}`);
      return described;
    },
  };
}

const placeOf = (point: PlacedPoint): [number, string, string, string] => [
  point.created,
  point.backup_id,
  point.repository,
  point.context,
];

const keyOf = (point: ReturnType<typeof listedPoints>[number] | undefined): string =>
  point ? chainKey({ ...point, context: point.vm.context }) : '';
