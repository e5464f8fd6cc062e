import type { State } from './open-state.ts';

export interface VmIdentity {
  readonly context: string;
  /** vSphere's instance uuid of the VM at its newest restore point; null: it has none. */
  readonly instanceUuid: string | null;
  /** When the newest restore point was created, milliseconds since the epoch. */
  readonly newest: number;
}

/** Which VM each context of a repository belongs to, as its newest restore point says. */
export function vmIdentities(state: State, repository: string): VmIdentity[] {
  const rows = state.all(
    state.query
      .selectFrom('backups')
      // SQLite takes the other columns from the row with the greatest `sequence`.
      .select(({ fn }) => ['context', 'vm_instance_uuid', 'created as newest', fn.max('sequence').as('sequence')])
      .where('repository', '=', repository)
      .groupBy('context'),
  );
  return rows.map(({ context, vm_instance_uuid, newest }) => ({ context, instanceUuid: vm_instance_uuid, newest }));
}
