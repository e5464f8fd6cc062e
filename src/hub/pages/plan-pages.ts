import { hostname } from 'node:os';
import { rightToRun } from '../access/rights.ts';
import { pageOf } from '../../api/paging.ts';
import type { GroupedRun, HubGroups, HubPlan, HubSchedules } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { describeSchedules } from '../schedule/describe-schedules.ts';
import { historyRun } from '../describe/describe-history.ts';
import { planHealth } from '../describe/plan-health.ts';
import { withFile } from '../describe/describe-status.ts';
import { groupMembers } from './group-members.ts';
import { listRuns, type RunRecord } from '../../state/runs/runs.ts';
import type { Pages, Sees } from './pages.ts';
import { shownText } from './plan-text.ts';

/** Plans and schedules, by name. A hub has some hundreds, so all are read. */
export const planPages = (
  state: State,
): Pick<Pages, 'plans' | 'plan' | 'groups' | 'group' | 'planText' | 'schedules'> => ({
  plans({ sees }, { limit, after }) {
    const all = allPlans(state).filter(({ vm }) => seen(sees, vm));
    return pageOf(from(all, after?.[0]), limit, ({ plan }) => [plan]);
  },
  plan: (name) => allPlans(state).find(({ plan }) => plan === name),
  groups: () => groupPlans(state).map((plan) => groupLine(plan, lastEnded(state, plan.plan))),
  group(name) {
    const plan = groupPlans(state).find((one) => one.plan === name);
    if (!plan) return undefined;
    const last = lastEnded(state, name);
    return { plan, last_run: last ? historyRun(last) : null, ...groupMembers(state, name) };
  },
  planText: (plan) => shownText(state, plan),
  schedules({ sees }, { limit, after }) {
    const { schedules, duplicates } = describeSchedules(state, { host: hostname(), now: Date.now() });
    const all = schedules.filter(({ vm }) => seen(sees, vm)).toSorted(byPlan);
    return { ...pageOf(from(all, after?.[0]), limit, ({ plan }) => [plan]), duplicates: sees ? [] : duplicates };
  },
});

/** So many runs of a group are looked through for one that has ended. */
const lookedThrough = 20;

const lastEnded = (state: State, plan: string): RunRecord | undefined =>
  listRuns(state, { plan, limit: lookedThrough }).find(({ finished }) => finished !== null);

const groupPlans = (state: State): HubPlan[] => allPlans(state).filter(({ kind }) => kind === 'group');

function groupLine(plan: HubPlan, last: RunRecord | undefined): HubGroups['groups'][number] {
  const { runs = [] } = (last?.result ?? {}) as { readonly runs?: readonly GroupedRun[] };
  return {
    plan,
    last_run: last ? historyRun(last) : null,
    members: runs.length,
    failed: runs.filter(({ status }) => status !== 'succeeded').length,
  };
}

/** Who may know of some VMs only is not told of plans about several. */
const seen = (sees: Sees, vm: string | null): boolean => sees === undefined || (vm !== null && sees(vm));

const byPlan = (a: { readonly plan: string }, b: { readonly plan: string }): number => (a.plan < b.plan ? -1 : 1);

const from = <Entry extends { readonly plan: string }>(all: readonly Entry[], name: string | number | undefined) =>
  all.filter(({ plan }) => name === undefined || plan > String(name));

function allPlans(state: State): HubPlan[] {
  return state.reading(() => {
    const now = Date.now();
    const health = new Map(planHealth(state, now).map((one) => [one.plan, withFile(one)]));
    const { schedules } = describeSchedules(state, { host: hostname(), now });
    const scheduled = new Map(schedules.map((one): [string, HubSchedules['schedules'][number]] => [one.plan, one]));
    return [...new Set([...health.keys(), ...scheduled.keys()])].toSorted().map((plan) => {
      const how = health.get(plan) ?? null;
      const schedule = scheduled.get(plan) ?? null;
      const kind = how?.kind ?? schedule?.kind ?? null;
      return {
        plan,
        kind,
        right: rightToRun(kind ?? ''),
        vm: how?.vm ?? schedule?.vm ?? null,
        file: how?.file ?? schedule?.file ?? '',
        valid: (schedule?.error ?? null) === null && how?.state !== 'gone',
        health: how,
        schedule,
      };
    });
  });
}
