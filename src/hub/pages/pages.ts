import type { FailedCheck } from './troubles.ts';
import type { Page, PageRequest } from '../../api/paging.ts';
import type {
  DiscoverOutput,
  HistoryRun,
  HubDiscoveredVm,
  HubGroup,
  HubGroups,
  HubGrowth,
  HubNotices,
  HubPlan,
  HubProgress,
  HubRepositories,
  HubRunLog,
  HubRunProgress,
  HubSchedules,
  HubStatus,
  HubTimetable,
  HubVm,
  RestorePointOutput,
} from '../../schemas/types.ts';
import type { RunsTable } from '../../state/database/tables.ts';

/** Which VMs whoever asks may know of; undefined: all. */
export type Sees = ((vm: string) => boolean) | undefined;

export interface PointsFilter {
  readonly vm?: string | undefined;
  readonly repository?: string | undefined;
  readonly sees?: Sees;
  /** Also how much of the disk each takes by itself, which asks the repository. */
  readonly held?: boolean;
}

export interface RunsFilter {
  readonly kind?: string | undefined;
  readonly plan?: string | undefined;
  readonly vm?: string | undefined;
  readonly status?: readonly RunsTable['status'][] | undefined;
  readonly since?: number | undefined;
  readonly before?: number | undefined;
  readonly sees?: Sees;
}

export interface NoticesFilter {
  readonly plan?: string | undefined;
  readonly vm?: string | undefined;
  readonly event?: string | undefined;
  /** Only what a channel did not get. */
  readonly failed?: boolean;
  readonly sees?: Sees;
}

/** A span of time. */
export interface TimetableRequest {
  /** Milliseconds since the epoch; `to` is not in it. */
  readonly from: number;
  readonly to: number;
  readonly sees?: Sees;
}

/** Days of which each VM shows how its backups ended. */
export interface DaysRequest {
  readonly days: number;
  /** Of the zone in which a day begins, minutes to the east of UTC. */
  readonly offsetMinutes: number;
}

/** What the API shows, page by page, in an order that does not change. Of a long list only the page is read. */
export interface Pages {
  /** Restore points, newest first. @throws SendenseError `repository.unusable` */
  points(filter: PointsFilter, page: PageRequest): Promise<Page<RestorePointOutput>>;
  /** @throws SendenseError `point.unknown`, `usage` where several repositories have it */
  point(id: string, filter: Pick<PointsFilter, 'repository' | 'sees'>): Promise<RestorePointOutput>;
  /** Newest first. */
  runs(filter: RunsFilter, page: PageRequest): Page<HistoryRun>;
  /** Undefined: there is no such run. */
  factsOfRun(id: string): { readonly vm: string; readonly kind: string } | undefined;
  /** Another text than before, once the run or its log has changed. */
  markOfRun(id: string): Promise<string>;
  /** Another text than before, once any run, or this one, has said how far it is. */
  markOfProgress(id: string | null): Promise<string>;
  /** How far the runs are that go on, newest first. */
  progress(filter: { readonly sees?: Sees }): Promise<HubProgress>;
  /** Of one that does not go on there is no step. @throws SendenseError `run.unknown` */
  runProgress(id: string): Promise<HubRunProgress>;
  /** A part of the log of a run. @throws SendenseError `run.unknown`, `run.no-log` */
  runLog(id: string, part: { readonly after: string | undefined; readonly limit: number }): Promise<HubRunLog>;
  /** By name. */
  vms(filter: DaysRequest & { readonly sees?: Sees }, page: PageRequest): VmsPage;
  /** Undefined: there is no such VM. */
  vm(name: string, days: DaysRequest): { readonly vm: HubVm; readonly firstDay: string | null } | undefined;
  /** By name. */
  plans(filter: { readonly sees?: Sees }, page: PageRequest): Page<HubPlan>;
  plan(name: string): HubPlan | undefined;
  /** By name. */
  groups(): HubGroups['groups'];
  /** With its VMs, as its newest run found them. */
  group(name: string): Omit<HubGroup, 'version'> | undefined;
  /** The text of a plan without secrets; null: there is none that can be shown. */
  planText(plan: HubPlan): string | null;
  schedules(
    filter: { readonly sees?: Sees },
    page: PageRequest,
  ): Page<HubSchedules['schedules'][number]> & Pick<HubSchedules, 'duplicates'>;
  /** What schedules began and will begin in a span of time. */
  timetable(request: TimetableRequest): Omit<HubTimetable, 'version'>;
  /** Newest first. */
  notices(filter: NoticesFilter, page: PageRequest): Page<HubNotices['notices'][number]>;
  /** As they were measured last, which is some minutes ago at most. */
  repositories(signal: AbortSignal): Promise<HubRepositories>;
  /** @param filter.vm `status` of the answer is about this VM only */
  /** @param filter.checks what checks of repositories found */
  status(filter: {
    readonly sees?: Sees;
    readonly vm?: string | undefined;
    readonly checks?: readonly FailedCheck[];
  }): Promise<HubStatus>;
  /** VMs of a source, and the plans that back them up. */
  discovered(output: DiscoverOutput): HubDiscoveredVm[];
  /** What one of them grew by, day by day. @param offsetMs of the zone in which a day begins, to the east of UTC */
  growth(measured: HubRepositories['repositories'][number], offsetMs: number): Omit<HubGrowth, 'version'>;
}

export interface VmsPage extends Page<HubVm> {
  /** 2026-11-21; null: no days were asked for. */
  readonly firstDay: string | null;
}
