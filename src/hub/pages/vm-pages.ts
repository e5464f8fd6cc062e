import { pageOf } from '../../api/paging.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { isBackupKind } from '../../plan/backup-kinds.ts';
import type { ErrorOutput, GroupedRun, HubVm, Settings } from '../../schemas/types.ts';
import { isAhead } from '../../state/database/in-future.ts';
import type { State } from '../../state/database/open-state.ts';
import type { PlanHealthTable } from '../../state/database/tables.ts';
import { newestSound, vmFigures, type VmFigures } from '../../state/points/vm-figures.ts';
import { listRuns } from '../../state/runs/runs.ts';
import { daysOfVms, lastGroupRuns, lastRuns, type DayOfVm, type LastRun } from '../../state/runs/vm-runs.ts';
import { watchedPlans } from '../../state/schedules/plan-health.ts';
import { listSchedules } from '../../state/schedules/schedules.ts';
import { formatAge } from '../../view/format-age.ts';
import { rulesOf } from '../schedule/schedule-rules.ts';
import { upcomingSlot } from '../schedule/upcoming-slot.ts';
import type { DaysRequest, Pages } from './pages.ts';

/** Plans that make backups, of one VM or of several. */
const makesBackups = (kind: string): boolean => kind === 'group' || isBackupKind(kind);

export interface VmPagesOptions {
  readonly state: State;
  readonly settings: Settings;
}

/** What several VMs share. */
interface Known {
  readonly now: number;
  /** By VM. */
  readonly plans: ReadonlyMap<string, readonly PlanHealthTable[]>;
  readonly figures: ReadonlyMap<string, readonly VmFigures[]>;
  readonly running: ReadonlyMap<string, string>;
  /** By plan. */
  readonly paused: ReadonlySet<string>;
  readonly next: (plan: string) => number | null;
  /** When the newest backup began that is sound. */
  readonly sound: (figures: VmFigures) => number | null;
}

/** VMs that a plan or a restore point names, and how well they are protected. */
export function vmPages({ state, settings }: VmPagesOptions): Pick<Pages, 'vms' | 'vm'> {
  const namesIn = ({ plans, figures }: Known): string[] =>
    [...new Set([...plans.keys(), ...figures.keys()])].toSorted();

  const describe = (known: Known, names: readonly string[], request: DaysRequest): Described => {
    const last = new Map(lastRuns(state, names).map((run) => [run.vm, run]));
    const days = daysOf(state, names, request, known.now);
    const vms = names.map((name) => {
      const letters = days?.letters.get(name);
      return { ...vmOf(known, name, last.get(name)), ...(letters === undefined ? {} : { days: letters }) };
    });
    return { vms, firstDay: days?.firstDay ?? null };
  };

  return {
    vms: ({ sees, ...request }, { limit, after }) =>
      state.reading(() => {
        const known = whatIsKnown(state, settings);
        const [name] = (after ?? []) as string[];
        const names = namesIn(known)
          .filter((one) => sees?.(one) ?? true)
          .filter((one) => name === undefined || one > name);
        const { entries, next } = pageOf(names, limit, (one) => [one]);
        const { vms, firstDay } = describe(known, entries, request);
        return { entries: vms, next, firstDay };
      }),
    vm: (name, request) =>
      state.reading(() => {
        const known = whatIsKnown(state, settings, name);
        if (!known.plans.has(name) && !known.figures.has(name)) return undefined;
        const { vms, firstDay } = describe(known, [name], request);
        const [vm] = vms;
        return vm && { vm, firstDay };
      }),
  };
}

interface Described {
  readonly vms: readonly HubVm[];
  readonly firstDay: string | null;
}

/** @param only figures of this VM */
function whatIsKnown(state: State, settings: Settings, only?: string): Known {
  const now = Date.now();
  const watched = watchedPlans(state).filter(({ kind }) => makesBackups(kind));
  const members = new Map(lastGroupRuns(state).map(({ plan, result }) => [plan, membersIn(result)]));
  const plans = new Map<string, PlanHealthTable[]>();
  for (const plan of watched)
    for (const vm of plan.kind === 'group' ? (members.get(plan.plan) ?? []) : [plan.vm])
      plans.set(vm, [...(plans.get(vm) ?? []), plan]);
  const figures = vmFigures(state, only).filter(({ repository }) => Object.hasOwn(settings.repositories, repository));
  const schedules = new Map(listSchedules(state).map((record) => [record.plan, record]));
  return {
    now,
    plans,
    figures: Map.groupBy(figures, ({ vm }) => vm),
    running: new Map(
      listRuns(state, { open: true })
        .filter(({ finished, kind, owner }) => finished === null && makesBackups(kind) && isRunning(owner))
        .map(({ vm, id }) => [vm, id]),
    ),
    paused: new Set([...schedules.values()].filter(({ paused }) => paused !== null).map(({ plan }) => plan)),
    sound: (one) => (one.broken === 0 ? one.newest_started : newestSound(state, one)),
    next: (plan) => {
      const record = schedules.get(plan);
      const rules =
        record?.facts && record.removed === null && record.paused === null && rulesOf(record.facts.schedule);
      return rules && rules.enabled ? upcomingSlot(rules, now) : null;
    },
  };
}

const membersIn = (result: string): string[] =>
  ((JSON.parse(result) as { readonly runs?: readonly GroupedRun[] }).runs ?? []).map(({ context }) => context);

function vmOf(known: Known, name: string, last: LastRun | undefined): HubVm {
  const plans = known.plans.get(name) ?? [];
  const figures = known.figures.get(name) ?? [];
  const newest = figures.toSorted((a, b) => b.newest_created - a.newest_created)[0];
  const times = <Field extends keyof VmFigures>(field: Field): number[] =>
    figures.map((one) => one[field]).filter((value) => typeof value === 'number');
  const sum = (field: 'points' | 'broken' | 'protected' | 'file_bytes'): number =>
    times(field).reduce((total, value) => total + value, 0);
  const rpos = plans.map(({ rpo }) => rpo).filter((rpo) => rpo !== null);
  const next = plans.map(({ plan }) => known.next(plan)).filter((time) => time !== null);
  const error = last?.error ? (JSON.parse(last.error) as ErrorOutput) : null;
  const verified = times('verified');
  const sounds = figures.map((one) => known.sound(one)).filter((time) => time !== null);
  const sound = sounds.length === 0 ? null : Math.max(...sounds);
  const damages = times('broken_since');
  const facts = {
    vm: name,
    plans: plans.map(({ plan }) => plan),
    repositories: figures.map(({ repository }) => repository),
    rpo_ms: rpos.length === 0 ? null : Math.min(...rpos),
    age_ms: sound === null ? null : Math.max(0, known.now - sound),
    points: sum('points'),
    damaged: sum('broken'),
    damaged_since: damages.length === 0 ? null : Math.max(...damages),
    protected: sum('protected'),
    file_bytes: sum('file_bytes'),
    oldest: figures.length === 0 ? null : Math.min(...times('oldest')),
    newest: newest
      ? {
          backup_id: newest.newest_id,
          repository: newest.repository,
          kind: newest.newest_kind,
          created: newest.newest_created,
        }
      : null,
    verified: verified.length === 0 ? null : Math.max(...verified),
    last_run: last
      ? {
          run_id: last.id,
          plan: last.plan,
          status: last.status,
          started: last.started,
          finished: last.finished,
          code: error?.code ?? null,
          message: error?.message ?? null,
        }
      : null,
    running: known.running.get(name) ?? null,
    next: next.length === 0 ? null : Math.min(...next),
  };
  const newestIsSound = newest !== undefined && sound !== null && sound >= newest.newest_started;
  return { ...facts, ...judge({ ...facts, newestIsSound }, plans, known) };
}

type Facts = Omit<HubVm, 'state' | 'reason' | 'days'> & { readonly newestIsSound: boolean };

/** How well a VM is protected: by its restore points, not by what its plans say. */
function judge(vm: Facts, plans: readonly PlanHealthTable[], { now, paused }: Known): Pick<HubVm, 'state' | 'reason'> {
  const { newest, age_ms: age, rpo_ms: rpo, last_run: last } = vm;
  if (plans.length === 0) return { state: 'unplanned', reason: 'No plan makes backups of it.' };
  if (!newest) {
    const why = last?.message ?? null;
    return { state: 'never', reason: `It has no restore point${why === null ? '.' : `: ${why}`}` };
  }
  if (age === null) return { state: 'failing', reason: 'None of its restore points is sound.' };
  if (isAhead(newest.created, now))
    return { state: 'clock', reason: 'Its newest restore point is in the future: a clock was wrong.' };
  const which = vm.newestIsSound ? 'newest' : 'newest sound';
  if (rpo !== null && age > rpo)
    return {
      state: 'late',
      reason: `Its ${which} restore point is ${formatAge(age)} old; its plan wants one every ${formatAge(rpo)}.`,
    };
  if (last && (last.status === 'failed' || last.status === 'crashed') && last.finished > newest.created)
    return { state: 'failing', reason: `Its last backup failed: ${last.message ?? last.status}` };
  if (!vm.newestIsSound)
    return {
      state: 'failing',
      reason: `Its newest restore point is damaged. The newest sound one is ${formatAge(age)} old.`,
    };
  if (plans.every(({ plan }) => paused.has(plan))) return { state: 'paused', reason: 'Its plan is paused.' };
  return { state: 'protected', reason: null };
}

const dayMs = 86_400_000;

function daysOf(
  state: State,
  names: readonly string[],
  { days, offsetMinutes }: DaysRequest,
  now: number,
): { readonly letters: ReadonlyMap<string, string>; readonly firstDay: string } | null {
  if (days === 0) return null;
  const offset = offsetMinutes * 60_000;
  const first = Math.floor((now + offset) / dayMs) - days + 1;
  const found = Map.groupBy(daysOfVms(state, first * dayMs - offset, offset, names), ({ vm }) => vm);
  const letters = new Map(
    names.map((name) => {
      const own = new Map((found.get(name) ?? []).map((day) => [day.day - first, day]));
      return [name, Array.from({ length: days }, (_, at) => letterOf(own.get(at))).join('')];
    }),
  );
  return { letters, firstDay: new Date(first * dayMs).toISOString().slice(0, 10) };
}

/** The worst of the day, so that a failure is not hidden by a success; what runs is not known yet. */
function letterOf(day: DayOfVm | undefined): string {
  if (!day) return '.';
  if (day.failed > 0) return 'f';
  if (day.running > 0) return 'r';
  if (day.cancelled > 0 && day.succeeded === 0) return 'c';
  return day.warned > 0 ? 'w' : day.succeeded > 0 ? 's' : '.';
}
