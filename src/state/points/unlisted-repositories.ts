import type { State } from '../database/open-state.ts';

/** A repository of which the database has restore points, and that the settings do not name. */
export interface UnlistedRepository {
  readonly repository: string;
  readonly points: number;
  /** Names of the VMs, in order. */
  readonly vms: readonly string[];
}

/** @param named the repositories of the settings */
export function unlistedRepositories(state: State, named: Readonly<Record<string, unknown>>): UnlistedRepository[] {
  const rows = state.all(
    state.query
      .selectFrom('backups')
      .innerJoin('vm_contexts', (join) =>
        join
          .onRef('vm_contexts.repository', '=', 'backups.repository')
          .onRef('vm_contexts.context', '=', 'backups.context'),
      )
      .select(({ fn }) => ['backups.repository', 'vm_contexts.vm_name as vm', fn.countAll<number>().as('points')])
      .groupBy(['backups.repository', 'vm_contexts.vm_name'])
      .orderBy('backups.repository')
      .orderBy('vm_contexts.vm_name'),
  );
  const unlisted = rows.filter(({ repository }) => !Object.hasOwn(named, repository));
  return [...Map.groupBy(unlisted, ({ repository }) => repository)].map(([repository, own]) => ({
    repository,
    points: own.reduce((sum, { points }) => sum + points, 0),
    vms: own.map(({ vm }) => vm),
  }));
}
