import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../database/open-state.ts';

/** A VM in a repository. */
export interface VmContext {
  /** Name of the repository in the settings. */
  readonly repository: string;
  /** Directory of the VM in it. */
  readonly context: string;
}

/**
 * The number of every disk of a VM that a restore point ever had, by uuid. A disk keeps its number, and the number of one
 * that went away is not used again.
 */
export function knownDisks(state: State, { repository, context }: VmContext): Map<string, number> {
  const rows = state.all(
    state.query
      .selectFrom('vm_disks')
      .select(['uuid', 'number'])
      .where('repository', '=', repository)
      .where('context', '=', context)
      .orderBy('number'),
  );
  return new Map(rows.map(({ uuid, number }) => [uuid, number]));
}

/** Enters a VM; one that is there already stays as it is. */
export function addContext(
  state: State,
  { repository, context, vmName }: VmContext & { readonly vmName: string },
  created: number,
): void {
  const row = { repository, context, vm_name: vmName, created };
  state.run(
    state.query
      .insertInto('vm_contexts')
      .values(row)
      .onConflict((conflict) => conflict.doNothing()),
  );
}

/**
 * Enters a disk, unless it is known.
 * @throws SendenseError `repository.damaged` where its uuid has another number or its number another uuid
 */
export function addDisk(
  state: State,
  { repository, context }: VmContext,
  { uuid, number }: { readonly uuid: string; readonly number: number },
  seen: number,
): void {
  const known = knownDisks(state, { repository, context });
  const other = [...known].find((entry) => entry[0] === uuid || entry[1] === number);
  if (!other) {
    state.run(state.query.insertInto('vm_disks').values({ repository, context, uuid, number, first_seen: seen }));
  } else if (other[0] !== uuid || other[1] !== number) {
    throw new SendenseError(
      'repository.damaged',
      `${context} in repository ${repository}: disk ${uuid} cannot be disk-${number}, for disk ${other[0]} is disk-${other[1]}`,
    );
  }
}

/** Folders of the VMs of a repository that have restore points, by name. */
export const contextsOf = (state: State, repository: string): string[] =>
  state
    .all(
      state.query
        .selectFrom('backups')
        .select('context')
        .distinct()
        .where('repository', '=', repository)
        .orderBy('context'),
    )
    .map(({ context }) => context);
