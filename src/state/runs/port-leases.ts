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
  /** Who holds these ports, for the message; without it nothing is said, and nobody counts as a stranger. */
  holders?(ports: readonly number[]): readonly PortHolder[];
  /** Ports not to take. */
  readonly exclude?: Iterable<number>;
}

/** Who has ports that are leased to nobody. */
export interface PortHolder {
  readonly ports: readonly number[];
  readonly text: string;
  /** Another hub of this user, for example, which gives them back: they are waited for. */
  readonly isOurs: boolean;
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
 * @throws SendenseError `ports.exhausted`, saying who holds how many; `ports.taken` where programs of others hold so many that no run of ours
 *   can give back enough
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
        portsOf(request).filter((port) => !taken.some((row) => row.port === port)),
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
  unleased: readonly number[],
): SendenseError {
  const { from, to, count } = request;
  const byRun = new Map<string, number>();
  for (const { run_id } of taken) byRun.set(run_id, (byRun.get(run_id) ?? 0) + 1);
  // Also where it was not tried: too few were left.
  const holders = request.holders?.(unleased) ?? [];
  const ours = new Set(holders.flatMap(({ ports, isOurs }) => (isOurs ? ports : [])));
  const all = new Set([...held, ...holders.flatMap(({ ports }) => ports)]);
  const unknown = [...held].filter((port) => !holders.some(({ ports }) => ports.includes(port)));
  const who = [...byRun].map(([run, ports]) => `${ports} by run ${run}`);
  for (const { ports, text } of holders) who.push(`${ports.length} by ${text} (${listed(ports)})`);
  if (unknown.length > 0) who.push(`${unknown.length} by other programs (${listed(unknown)})`);
  const size = to - from + 1;
  const message =
    `${count} NBD ports are needed, but of ${size} (${from}-${to}) too few are free; ` +
    `taken: ${who.join(', ') || 'none'}`;
  const details = { needed: count, leases: Object.fromEntries(byRun), held: [...all] };
  const strangers = request.holders ? [...all].filter((port) => !ours.has(port)).length : 0;
  // What would never fit is another matter.
  if (count <= size && count > size - strangers)
    return new SendenseError('ports.taken', message, {
      details,
      remedy: 'Stop the program that holds the ports, or choose another range for `ports` in sendense.yaml.',
    });
  return new SendenseError('ports.exhausted', message, { details });
}

const portsOf = ({ from, to }: PortRequest): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** The first ones, and how many more. */
function listed(ports: readonly number[]): string {
  const shown = ports.slice(0, 4).join(', ');
  return ports.length > 4 ? `${shown} and ${ports.length - 4} more` : shown;
}
