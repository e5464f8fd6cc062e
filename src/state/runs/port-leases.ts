import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../database/open-state.ts';

export interface LeaseOwner {
  readonly runId: string;
  readonly stepId: string;
}

export interface PortRequest {
  readonly count: number;
  /** First and last port of the range. */
  readonly from: number;
  readonly to: number;
  readonly owner: LeaseOwner;
  /** Whether no other program holds the port; asked after the lease is ours, outside of any lock. */
  isFree(port: number): Promise<boolean> | boolean;
  /** Ports not to take. */
  readonly exclude?: Iterable<number>;
}

export interface PortLeaseRow {
  readonly port: number;
  readonly run_id: string;
  readonly step_id: string;
  readonly leased: number;
  /** The node that was given the port as a target. */
  readonly node: string | null;
}

/**
 * Leases `count` ports, the lowest that are free, all or none; safe between processes. A port is leased first and
 * probed then, so that two allocators never probe the same port and take each other for a foreign program.
 * @throws SendenseError `ports.exhausted`, saying who holds how many
 */
export async function allocatePorts(state: State, request: PortRequest): Promise<number[]> {
  const leased: number[] = [];
  const held = new Set<number>();
  try {
    for (;;) {
      const picked = lease(state, request, leased, held);
      leased.push(...picked);
      const free = await Promise.all(picked.map((port) => request.isFree(port)));
      const busy = picked.filter((_port, index) => !free[index]);
      if (busy.length === 0) return leased.toSorted((a, b) => a - b);
      for (const port of busy) held.add(port);
      give(state, request.owner, busy);
      leased.splice(0, leased.length, ...leased.filter((port) => !held.has(port)));
    }
  } catch (error) {
    give(state, request.owner, leased);
    throw error;
  }
}

/** Gives leases of a run back, those of one step or all; answers how many there were. */
export function releasePorts(state: State, runId: string, stepId?: string): number {
  const query = state.query.deleteFrom('port_leases').where('run_id', '=', runId);
  return state.run(stepId === undefined ? query : query.where('step_id', '=', stepId));
}

/** Opens leased ports to a node, or (null) to none: through its tunnel a node reaches only ports that are open to it. */
export function openPortsTo(state: State, node: string | null, ports: readonly number[]): void {
  if (ports.length === 0) return;
  state.run(state.query.updateTable('port_leases').set({ node }).where('port', 'in', ports));
}

/** The run for which the port is open to that node now; undefined: it is not. */
export const runThatOpened = (state: State, port: number, node: string): string | undefined =>
  state.first(state.query.selectFrom('port_leases').select('run_id').where('port', '=', port).where('node', '=', node))
    ?.run_id;

/** Every lease, by port. */
export const listLeases = (state: State): PortLeaseRow[] =>
  state.all(state.query.selectFrom('port_leases').selectAll().orderBy('port'));

/** One transaction: as many leases as are missing, or an error. */
function lease(state: State, request: PortRequest, own: readonly number[], held: ReadonlySet<number>): number[] {
  const count = request.count - own.length;
  return state.transaction(() => {
    const taken = state.all(
      state.query
        .selectFrom('port_leases')
        .select(['port', 'run_id'])
        .where('port', '>=', request.from)
        .where('port', '<=', request.to),
    );
    const unavailable = new Set([...taken.map(({ port }) => port), ...held, ...(request.exclude ?? [])]);
    const picked: number[] = [];
    for (let port = request.from; port <= request.to && picked.length < count; port++) {
      if (!unavailable.has(port)) picked.push(port);
    }
    if (picked.length < count)
      throw exhausted(
        request,
        taken.filter(({ port }) => !own.includes(port)),
        held,
      );
    const leased = Date.now();
    const { runId: run_id, stepId: step_id } = request.owner;
    for (const port of picked) {
      state.run(state.query.insertInto('port_leases').values({ port, run_id, step_id, leased }));
    }
    return picked;
  });
}

function give(state: State, owner: LeaseOwner, ports: readonly number[]): void {
  if (ports.length === 0) return;
  state.run(state.query.deleteFrom('port_leases').where('run_id', '=', owner.runId).where('port', 'in', ports));
}

function exhausted(
  request: PortRequest,
  taken: readonly { run_id: string }[],
  held: ReadonlySet<number>,
): SendenseError {
  const byRun = new Map<string, number>();
  for (const { run_id } of taken) byRun.set(run_id, (byRun.get(run_id) ?? 0) + 1);
  const who = [...byRun].map(([run, count]) => `${count} by run ${run}`);
  if (held.size > 0) who.push(`${held.size} by other programs (${[...held].join(', ')})`);
  return new SendenseError(
    'ports.exhausted',
    `${request.count} NBD ports are needed, but of ${request.to - request.from + 1} (${request.from}-${request.to}) ` +
      `too few are free; taken: ${who.join(', ') || 'none'}`,
    { details: { needed: request.count, leases: Object.fromEntries(byRun), held: [...held] } },
  );
}
