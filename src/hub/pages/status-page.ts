import type { HubStatus, HubVm, NodesOutput, Settings, StatusOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { daemons } from '../../state/schedules/daemons.ts';
import { isDaemonAlive } from '../schedule/daemon-alive.ts';
import { listSchedules } from '../../state/schedules/schedules.ts';
import type { StatusRequest } from '../describe/describe-status.ts';
import type { MeasuredRepositories } from './measured-repositories.ts';
import type { Pages, Sees } from './pages.ts';
import { troubles } from './troubles.ts';

/** More of what is wrong is counted, but not told. */
const mostTold = 200;

export interface StatusPageOptions {
  readonly state: State;
  readonly settings: Settings;
  readonly pages: Pick<Pages, 'vms'>;
  readonly measured: MeasuredRepositories;
  describe(request?: StatusRequest): Promise<StatusOutput>;
  nodes(): NodesOutput['nodes'];
}

/** What goes on, what is wrong, and how many VMs are protected. */
export function statusPage(options: StatusPageOptions): Pages['status'] {
  const { state, settings, pages, measured, describe, nodes } = options;
  return async ({ sees, vm, checks = [] }) => {
    const everything = await describe();
    const part = (whole: StatusOutput): StatusOutput => (sees ? partOf(whole, sees) : whole);
    const status = part(everything);
    const ofVm = async (name: string): Promise<StatusOutput> => part(await describe({ vm: name }));
    const { entries: vms } = pages.vms({ sees, days: 0, offsetMinutes: 0 }, { limit: Infinity, after: null });
    const schedules = listSchedules(state).filter(({ facts }) => !sees || (facts !== null && sees(facts.vm)));
    const wrong = troubles({
      status,
      vms,
      schedules,
      nodes: sees ? [] : nodes(),
      repositories: settings.repositories,
      spaces: sees ? new Map() : measured.spaces(),
      measured: sees ? [] : (measured.last()?.repositories ?? []),
      daemon: daemons(state).some(isDaemonAlive),
      checks: sees ? [] : checks,
    });
    const counts = count(vms);
    return {
      version: 1,
      time: Date.now(),
      sentence: sentenceOf(counts),
      vms: counts,
      wrong: wrong.slice(0, mostTold),
      wrong_total: wrong.length,
      next: nextOf(vms),
      status: vm === undefined ? status : await ofVm(vm),
    };
  };
}

function count(vms: readonly HubVm[]): HubStatus['vms'] {
  const states = ['protected', 'late', 'failing', 'never', 'paused', 'clock', 'unplanned'] as const;
  const by = Object.fromEntries(
    states.map((state) => [state, vms.filter((vm) => vm.state === state).length]),
  ) as Record<(typeof states)[number], number>;
  return { total: vms.length - by.unplanned, ...by };
}

function sentenceOf({ total, protected: good }: HubStatus['vms']): string {
  if (total === 0) return 'No plan protects a VM yet.';
  if (total === 1)
    return good === 1 ? 'The VM is protected as its plan wants.' : 'The VM is not protected as its plan wants.';
  return good === total
    ? `All ${total} VMs are protected as their plans want.`
    : `${good} of ${total} VMs are protected as their plans want.`;
}

function nextOf(vms: readonly HubVm[]): HubStatus['next'] {
  let first: HubStatus['next'] = null;
  for (const { next, plans } of vms)
    if (next !== null && (first === null || next < first.begins)) first = { plan: plans[0] ?? '', begins: next };
  return first;
}

/** What whoever may know of some VMs only is told. */
function partOf(all: StatusOutput, sees: NonNullable<Sees>): StatusOutput {
  const runs = all.runs.filter(({ vm }) => sees(vm));
  const ids = new Set(runs.map(({ run_id: id }) => id));
  const { unlisted: _unlisted, stuck_prunes: stuck = [], ...rest } = all;
  const own = stuck.filter(({ vm }) => sees(vm));
  return {
    ...rest,
    runs,
    leases: all.leases.filter(({ run_id: id }) => ids.has(id)),
    locks: all.locks.filter(({ run_id: id }) => ids.has(id)),
    plans: all.plans.filter(({ vm }) => sees(vm)),
    repositories: [],
    ...(own.length === 0 ? {} : { stuck_prunes: own }),
    channels: [],
    in_future: all.in_future.filter(({ vm }) => vm !== null && sees(vm)),
  };
}
