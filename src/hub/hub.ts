import type { RunRequest } from './runs/run-request.ts';
import type { StepRegistry } from '../engine/step.ts';
import type {
  AdoptOutput,
  CheckOutput,
  DiscoverOutput,
  DoctorOutput,
  FilesLogOutput,
  HistoryOutput,
  ImportOutput,
  ListOutput,
  PlanOutput,
  PointChoice,
  RecoverOutput,
  RunFinishedEvent,
  Settings,
  RestorePointOutput,
  ShowOutput,
  ShowRunOutput,
  StatusOutput,
  UpkeepOutput,
} from '../schemas/types.ts';
import type { UnlistedRepository } from '../state/points/unlisted-repositories.ts';
import type { ReadsFilter } from '../state/files/file-reads.ts';
import type { PointLine } from '../state/points/point-lines.ts';
import type { Services } from '../steps/services.ts';
import type { Acts } from './acts/acts.ts';
import type { AdoptRequest } from './vm-names/adopt-vm.ts';
import type { StatusRequest } from './describe/describe-status.ts';
import type { HistoryFilter } from './describe/describe-history.ts';
import type { RunLog } from './describe/describe-run.ts';
import type { DiscoverRequestOptions } from './discovery/discover-source.ts';
import type { LeftOutPoint } from '../restore-points/choose/left-out.ts';
import type { EmbeddedNodeFactory } from './embedded-node.ts';
import type { Attached } from './attached/attach-place.ts';
import type { Boots } from './boots/manage-boots.ts';
import type { Access } from './access/manage-access.ts';
import type { OidcLogin } from './access/oidc-login.ts';
import type { Audit } from './access/manage-audit.ts';
import type { Tokens } from './access/manage-tokens.ts';
import type { Care } from './repositories/manage-care.ts';
import type { AllFileSessions } from './files/file-sessions.ts';
import type { Credentials } from './credentials/manage-credentials.ts';
import type { Nodes } from './nodes/manage-nodes.ts';
import type { Notices } from './notify/manage-notices.ts';
import type { Pages } from './pages/pages.ts';
import type { PlanFiles } from './plan-files/plan-files.ts';
import type { RetentionCalls } from './retention/manage-retention.ts';
import type { Rescue } from './rescue/rescue.ts';
import type { Schedules } from './schedule/manage-schedules.ts';
import type { ScheduleService, ServeSchedulesOptions } from './schedule/serve-schedules.ts';
import type { HubService, ServeHubOptions } from './hub-service.ts';
import type { Sample } from './metrics/families.ts';

export interface HubOptions {
  /** Settings file; default: `sendense.yaml` in `startFolder`, upward, then /etc/sendense. */
  readonly config?: string | undefined;
  readonly startFolder: string;
  /** Nothing is written, not even a state database made. */
  readonly readOnly?: boolean;
  /** How long it waits for another process that writes the state database, and does nothing else meanwhile, ms; default 15 000. */
  readonly busyTimeout?: number;
  readonly embeddedNode: EmbeddedNodeFactory;
  /** Reads this repository, and no settings but those that were made for it. */
  readonly rescue?: Rescue | undefined;
  /** Default: the built-in steps. */
  readonly steps?: StepRegistry<Services>;
}

export interface PointFilter {
  readonly vm?: string | undefined;
  readonly repository?: string | undefined;
  /** A backup id. */
  readonly point?: string | undefined;
  /** Told of marks that cannot be read. */
  warn?(message: string): void;
}

export interface ChooseFilter {
  readonly vm: string;
  readonly repository: string;
  readonly choice: PointChoice;
  /** The VM that is meant, where several have restore points under the name. */
  readonly identity?: string | undefined;
}

export interface CheckRequest extends PointFilter {
  readonly deep: boolean;
  readonly signal?: AbortSignal | undefined;
  onProgress?(text: string, done: number, total: number): void;
}

/** A restore point in a list. */
export type ListLine = Omit<PointLine, 'context' | 'vm_instance_uuid'> &
  Pick<RestorePointOutput, 'identity' | 'protected' | 'broken' | 'verifications' | 'used_by'>;

export interface RecoverRequest {
  readonly signal?: AbortSignal | undefined;
  /** A run of another container (pid namespace) whose process has ended: whoever asks has made sure of it. */
  readonly ended?: string | undefined;
  /** Also the removals in repositories in which this hub knows of none; default true. */
  readonly everywhere?: boolean;
  /** Only what read files of restore points. */
  readonly filesOnly?: boolean;
}

export interface HubActivity {
  /** Runs in the database, by status. */
  readonly runs: ReadonlyMap<string, number>;
  /** NBD ports that are leased. */
  readonly leases: number;
}

/** Everything that `sendense-run` can do, for the program and for whoever embeds it. */
export interface Hub extends AsyncDisposable {
  /** As sendense.yaml has them; they can be read when the hub is closed, too. Nodes that were enrolled are among `nodes`. */
  readonly settings: Settings;
  readonly settingsFile: string;
  /** Rejects with `plan.invalid` before the run begins; what happens later is in the event. */
  run(request: RunRequest): Promise<RunFinishedEvent>;
  preview(request: RunRequest): Promise<PlanOutput>;
  /** Restore points whose repository the settings do not name: no other call shows them. */
  unlisted(): UnlistedRepository[];
  list(filter: PointFilter): Promise<ListOutput>;
  /** What a list for people shows: some of `list`, in a third of the time. */
  lines(filter: Pick<PointFilter, 'vm' | 'repository' | 'warn'>): Promise<ListLine[]>;
  /** Restore points that a rescue could not read in. */
  leftOut(vm: string | undefined): readonly LeftOutPoint[];
  show(filter: PointFilter): Promise<ShowOutput>;
  /** Which restore point of a VM is meant, and why. @throws SendenseError `point.unknown` */
  choose(filter: ChooseFilter): Promise<{ readonly backup_id: string; readonly why: string }>;
  /** How a run went; undefined where there is none of that id. */
  showRun(id: string): Promise<ShowRunOutput | undefined>;
  history(filter: HistoryFilter): Promise<HistoryOutput>;
  /** The log of a run, or of the newest one. @throws SendenseError `run.unknown` */
  runLog(id: string | undefined): Promise<RunLog>;
  /** Keeps the state database and the logs small, and copies the database to the repositories, whether it is due or not. */
  upkeep(signal?: AbortSignal): Promise<UpkeepOutput>;
  /** Another text than before, once any process has changed the state database. */
  changes(): string;
  /** What goes on now. */
  activity(): HubActivity;
  /** The figures for Prometheus. */
  figures(): Promise<readonly Sample[]>;
  /** The same in its text form. */
  metrics(): Promise<string>;
  /** Writes the file of metrics, if the settings name one; what goes wrong is a warning. */
  writeMetrics(warn: (message: string) => void): Promise<void>;
  check(request: CheckRequest): Promise<CheckOutput>;
  /** With `plans` only where the hub is open read-only: what is known of them is not kept. @throws SendenseError `file.unreadable` */
  status(request?: StatusRequest): Promise<StatusOutput>;
  /** @throws SendenseError `run.unknown`, `usage` for an `ended` that goes on, or has */
  recover(request?: RecoverRequest): Promise<RecoverOutput>;
  /** Restore points to be opened in this process. @param folder private; the caller removes it */
  files(folder: string): Promise<AllFileSessions>;
  /** VM of a session of files, also of one that has ended; undefined: there was none. */
  filesVm(session: string): string | undefined;
  /** Who read which files, the newest last. */
  fileReads(filter: ReadsFilter): FilesLogOutput;
  readonly credentials: Credentials;
  /** Who may log in at the API. */
  readonly access: Access;
  readonly audit: Audit;
  readonly tokens: Tokens;
  /** Logins at an identity provider; null: the settings name none. */
  readonly oidc: OidcLogin | null;
  /** @throws SendenseError `point.unknown`, `usage`, `run.locked` */
  adopt(request: AdoptRequest): Promise<AdoptOutput>;
  readonly retention: RetentionCalls;
  readonly nodes: Nodes;
  /** What the hub and the node itself find wrong with it. @throws SendenseError `node.unknown` */
  nodeDoctor(name: string, signal: AbortSignal): Promise<DoctorOutput>;
  readonly care: Care;
  /** VMs that run from restore points. */
  boots(): Promise<Boots>;
  /** Disks of restore points that are attached to VMs. */
  readonly attached: Attached;
  readonly notices: Notices;
  /** What the API begins and ends. */
  readonly acts: Acts;
  readonly planFiles: PlanFiles;
  /** What the API shows. */
  readonly pages: Pages;
  /** The hub as a service, until it is disposed of. @param options.listen instead of `hub: listen` @throws SendenseError `hub.address`, `hub.host-key`, `secret.unreadable` */
  serve(options: ServeHubOptions): Promise<HubService>;
  readonly schedules: Schedules;
  /** Runs the plans of a folder when they are due, until it is disposed of. */
  serveSchedules(options: Omit<ServeSchedulesOptions, 'state' | 'settingsFile'>): Promise<ScheduleService>;
  discover(options: DiscoverRequestOptions): Promise<DiscoverOutput>;
  importRepository(
    name: string,
    options?: { readonly forgetMissing?: boolean; readonly signal?: AbortSignal },
  ): Promise<ImportOutput>;
}
