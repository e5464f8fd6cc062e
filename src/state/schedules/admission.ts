import { isRunning } from '../../host/programs/process-identity.ts';
import type { State } from '../database/open-state.ts';

/** How many runs may go on at once; what is not said has no limit. `limits` of the settings. */
export interface AdmissionLimits {
  readonly runs?: number | undefined;
  readonly runsPerNode?: number | undefined;
  readonly runsPerRepository?: number | undefined;
}

/** What a run would occupy; null: nothing of the kind. */
export interface Wanted {
  readonly node: string | null;
  readonly repository: string | null;
}

export type Admission = { readonly admitted: true } | { readonly admitted: false; readonly reason: string };

/** What goes on now. */
export interface Occupancy {
  runs: number;
  readonly byNode: Map<string, number>;
  readonly byRepository: Map<string, number>;
}

/**
 * Whether a run may begin under the limits: counts the runs whose process lives and the slots that a living daemon has
 * taken for a run that is about to begin. Runs of groups do not count, those of their VMs do. For atomicity between
 * processes, ask and write down what begins in one transaction. Nobody asks for runs by hand.
 */
export const admit = (state: State, wanted: Wanted, limits: AdmissionLimits): Admission =>
  state.transaction(() => fits(occupancyOf(state), wanted, limits));

/** Whether one more run fits beside those. */
export function fits(now: Occupancy, { node, repository }: Wanted, limits: AdmissionLimits): Admission {
  const { runs, runsPerNode, runsPerRepository } = limits;
  const onNode = node === null ? 0 : (now.byNode.get(node) ?? 0);
  const inRepository = repository === null ? 0 : (now.byRepository.get(repository) ?? 0);
  if (runs !== undefined && now.runs >= runs) return refused(now.runs, 'of the hub', runs);
  if (runsPerNode !== undefined && onNode >= runsPerNode) return refused(onNode, `on node ${node}`, runsPerNode);
  if (runsPerRepository !== undefined && inRepository >= runsPerRepository)
    return refused(inRepository, `into repository ${repository}`, runsPerRepository);
  return { admitted: true };
}

const refused = (going: number, where: string, limit: number): Admission => ({
  admitted: false,
  reason: `${going} ${going === 1 ? 'run' : 'runs'} ${where} ${going === 1 ? 'goes' : 'go'} on, the limit is ${limit}`,
});

/** Counts one more run. */
export function occupy(now: Occupancy, { node, repository }: Wanted): void {
  now.runs += 1;
  if (node !== null) now.byNode.set(node, (now.byNode.get(node) ?? 0) + 1);
  if (repository !== null) now.byRepository.set(repository, (now.byRepository.get(repository) ?? 0) + 1);
}

export function occupancyOf(state: State): Occupancy {
  const occupancy: Occupancy = { runs: 0, byNode: new Map(), byRepository: new Map() };
  const runs = state.all(
    state.query
      .selectFrom('runs')
      .select(['node', 'repository', 'owner_pid as pid', 'owner_start_time as start_time', 'owner_boot_id as boot_id'])
      .where('finished', 'is', null)
      .where('kind', '!=', 'group'),
  );
  for (const run of runs) if (isRunning(run)) occupy(occupancy, run);
  const claimed = state.all(
    state.query
      .selectFrom('schedule_slots')
      .select(['owner', 'node', 'repository'])
      .where('state', '=', 'claimed')
      .where('kind', '!=', 'group'),
  );
  for (const slot of claimed) if (slot.owner !== null && isRunning(JSON.parse(slot.owner))) occupy(occupancy, slot);
  return occupancy;
}
