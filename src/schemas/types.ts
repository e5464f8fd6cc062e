/* Generated from schemas/ by `npm run types`; do not edit. */

/**
 * One step of a pipeline: `uses` or `run`.
 */
export type Step = {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  id?: string;
  /**
   * The built-in step, `<family>.<verb>`.
   */
  uses?: string;
  /**
   * A command as a list of arguments, instead of `uses`.
   *
   * @minItems 1
   */
  run?: [string, ...string[]];
  env?: Env;
  /**
   * Working directory of `run`, relative to the plan.
   */
  cwd?: string;
  /**
   * Inputs of the step. Values may be expressions: `${{ … }}`.
   */
  with?: {};
  /**
   * Condition. Default: `success()`.
   */
  if?: string;
  /**
   * A duration, or an expression that gives one.
   */
  timeout?: string;
  /**
   * A duration without progress, or an expression that gives one.
   */
  stallTimeout?: string;
  retry?: Retry;
} & {
  [k: string]: unknown;
};
/**
 * Your own pipeline, instead of the one of this kind of plan.
 *
 * @minItems 1
 */
export type Steps = [Step, ...Step[]];
/**
 * Names of VMs in the repository. `*` stands for any characters, `?` for one. Default: all.
 *
 * @minItems 1
 *
 * Items: A name of VMs: letters, digits, dot, dash, underscore; `*` for any characters, `?` for one.
 */
export type VmPatterns = [string, ...string[]];
/**
 * Files and folders, each as `VOLUME:/PATH` or `/PATH`. `*`, `?` and `[a-z]` fit within one name, `**` fits any number of folders. Without a volume it is the only one that can be read, or the only one in which the path exists.
 *
 * @minItems 1
 * @maxItems 10000
 *
 * Items: A place in a volume: `VOLUME:/PATH` or `/PATH`.
 */
export type FilePlaces = [string, ...string[]];
/**
 * What is left out. A pattern that begins with a slash fits a whole path, another one a name in any folder. What is left out is left out with all that is in it.
 *
 * @minItems 1
 */
export type FilePatterns = [string, ...string[]];
/**
 * Names of VMs in the repository. `*` stands for any characters, `?` for one. Default: all.
 *
 * @minItems 1
 *
 * Items: A name of VMs: letters, digits, dot, dash, underscore; `*` for any characters, `?` for one.
 */
export type VmPatterns1 = [string, ...string[]];
/**
 * A source in the form that the hub sends to the node.
 */
export type Source = ImageSourceSpec | VsphereSourceSpec;
/**
 * VMs that run from the restore point, or are off and may be started again, at whatever hub: nothing of it goes. Absent if there are none.
 */
export type UsedBy = {
  /**
   * Id of the VM at its hub.
   */
  boot: string;
  /**
   * Name of the hub's host.
   */
  host: string;
  /**
   * Milliseconds since the epoch.
   */
  since: number;
  /**
   * Who started it.
   */
  by: string;
}[];
/**
 * The first two hundred, errors first.
 */
export type Findings = {
  severity: 'error' | 'warning';
  code:
    | 'manifest.damaged'
    | 'manifest.missing'
    | 'file.missing'
    | 'file.changed'
    | 'index.damaged'
    | 'image.damaged'
    | 'content.mismatch'
    | 'chain.broken'
    | 'point.broken'
    | 'database.missing'
    | 'database.differs'
    | 'key.missing'
    | 'file.unowned'
    | 'file.leftover';
  backup_id: string | null;
  path: string;
  message: string;
  remedy: string;
}[];
export type Paused = {
  since: number;
  reason: string;
} | null;
export type Notices = {
  id: string;
  event: string;
  plan: string | null;
  vm: string | null;
  run_id: string | null;
  message: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  deliveries: {
    channel: string;
    state: 'waiting' | 'sent' | 'given-up';
    /**
     * Failed ones.
     */
    attempts: number;
    error: string | null;
    /**
     * When it was sent or given up; else null.
     */
    time: number | null;
    /**
     * Not tried again before.
     */
    due: number;
  }[];
}[];
export type Repositories = Items1[];
/**
 * One JSON line of sendense-run run --json.
 */
export type RunEvent =
  | RunStartedEvent
  | StepStartedEvent
  | StepProgressEvent
  | StepLogEvent
  | StepSucceededEvent
  | StepSkippedEvent
  | StepFailedEvent
  | UndoStartedEvent
  | UndoFinishedEvent
  | UndoFailedEvent
  | RunCancellingEvent
  | RunFinishedEvent;
/**
 * Plan files that are not in force, because another file has a plan of the same name.
 */
export type Duplicates = {
  file: string;
  plan: string;
  error: ErrorOutput;
}[];
export type Sessions = {
  id: string;
  user: string;
  /**
   * When it was begun, milliseconds since the epoch.
   */
  created: number;
  /**
   * When the password was typed last, milliseconds since the epoch.
   */
  proven: number;
  /**
   * The last use, milliseconds since the epoch; at most a minute too early.
   */
  used: number;
  /**
   * When it ends if nobody uses it any more, milliseconds since the epoch.
   */
  expires: number;
  /**
   * Of the last use.
   */
  address: string | null;
  /**
   * What the browser calls itself.
   */
  agent: string | null;
}[];
/**
 * The answer of the hub to a node that asks for a ticket.
 */
export type DataAnswer =
  | {
      /**
       * Good once, for some seconds, in the first line of a connection to the same port.
       */
      ticket: string;
      /**
       * As whom the node logs in there.
       */
      user: string;
    }
  | {
      ticket: null;
      reason: string;
    };
/**
 * A later line of the node in the session `sendense-link`.
 */
export type LinkRequest =
  | {
      /**
       * Milliseconds since the epoch.
       */
      ping: number;
    }
  | {
      data: 'ticket';
      /**
       * Which of them: a new connection of a slot ends the one before. Missing: 0.
       */
      slot?: number;
    }
  | {
      data: 'sshd' | 'builtin';
    };
/**
 * A source in the form that the hub sends to the node.
 */
export type Source1 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source2 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source3 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source4 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source5 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source6 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source7 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source8 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source9 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source10 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source11 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source12 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source13 = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source in the form that the hub sends to the node.
 */
export type Source14 = ImageSourceSpec | VsphereSourceSpec;
/**
 * VMs of a source, what `discover` prints.
 */
export type DiscoverOutput = VsphereDiscoverOutput | ImageDiscoverOutput;
export type Tokens = TokenEntry[];
/**
 * A plan of any kind.
 */
export type Plan =
  | BackupPlan
  | IncrementalPlan
  | RestorePlan
  | GroupPlan
  | PrunePlan
  | VerifyPlan
  | KeepPlan
  | BootPlan;
export type Disks = {
  disk: string;
  key: string;
  mode: 'full' | 'incremental';
  method: 'full' | 'areas' | 'digest';
  reason: string;
  /**
   * Bytes.
   */
  bytes_transferred: number;
  /**
   * Data that the node read from the source; it skips known holes. Older versions do not report it.
   */
  bytes_read?: number;
  /**
   * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
   */
  bytes_sent?: number;
  change_id: string | null;
  /**
   * sha256:<64 hex digits>
   */
  digest: string;
  /**
   * Relative to the repository.
   */
  index_path: string;
  /**
   * Bytes.
   */
  index_bytes: number;
  index_sha256: string;
}[];
export type Disks1 = {
  disk: string;
  /**
   * Bytes.
   */
  file_bytes: number;
  file_mtime_ns: string;
  /**
   * Bytes.
   */
  compared_bytes: number;
  /**
   * As in the manifest.
   */
  envelope?: string;
  /**
   * How the data in the file is compressed; missing or null: not.
   */
  compression?: {
    type: 'zstd';
    /**
     * Length of the file before it was compressed.
     */
    plain_bytes: number;
  } | null;
}[];
export type Vms = DrilledVm[];
export type Results = VerifiedPoint[];

export interface AllSchemas {
  ApiError: ApiError;
  AttachedMark: AttachedMark;
  ChangedAreas: ChangedAreas;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  Name: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  Duration: string;
  GroupRoles: GroupRoles;
  GroupVms: GroupVms;
  Secret: Secret;
  /**
   * A public key in one line, ssh-ed25519 AAAA….
   */
  HostKey: string;
  Schedule: Schedule;
  Blackout: Blackout;
  Command: Command;
  Retry: Retry;
  Step: Step;
  Steps: Steps;
  Result: Result;
  ImageDisk: ImageDisk;
  ImageSource: ImageSource;
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  DataRate: string;
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  Transport: 'vddk' | 'https' | 'ssh';
  Vm: Vm;
  Transfer: Transfer;
  Limits: Limits;
  DataPath: DataPath;
  /**
   * Protection of the disks at loopback addresses, if `data` is not set. psk: a key for each run. none: faster, but any user of the hub or the node can read and write a backup in progress. Default: psk.
   */
  LoopbackTls: 'psk' | 'none';
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  Size: number | string;
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  Age: string;
  Retention: Retention;
  VmPatterns: VmPatterns;
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  VmIdentity: string;
  VmMatch: VmMatch;
  VmPolicy: VmPolicy;
  /**
   * An event that a channel reports (docs/monitoring.md).
   */
  NotifyEvent:
    | 'started'
    | 'success'
    | 'warning'
    | 'failure'
    | 'recovery'
    | 'missed-slot'
    | 'clock'
    | 'lock-refused'
    | 'prune-trouble'
    | 'verification-failure'
    | 'rpo'
    | 'invalid-plan'
    | 'paused'
    | 'channel';
  NotifyEntry: NotifyEntry;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  Notify:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * Which restore point: `latest`, a backup id, the last one before a time, or the last one made by a time.
   */
  PointChoice:
    | string
    | {
        /**
         * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
         */
        before: string;
        /**
         * Together with `before`: no point older than this time. ISO 8601 with a zone.
         */
        from?: string;
      }
    | {
        /**
         * The last point made at this time or before it. ISO 8601 with a zone.
         */
        at: string;
      };
  /**
   * Which restore points: the newest of each VM (`latest`), `all`, a share of all, or those not verified for some time. The least recently verified come first.
   */
  VerifySelection:
    | ('latest' | 'all')
    | {
        /**
         * Percentage of all restore points, rounded up. 10% verifies each point within ten runs.
         */
        share: string;
      }
    | {
        /**
         * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
         */
        notVerifiedFor: string;
      };
  BootCheck: BootCheck;
  StartCheck: StartCheck;
  ToolsCheck: ToolsCheck;
  Conversion: Conversion;
  FilePlaces: FilePlaces;
  FilePatterns: FilePatterns;
  FileExpectation: FileExpectation;
  FilesCheck: FilesCheck;
  BootVm: BootVm;
  /**
   * sha256:<64 hex digits>
   */
  Digest: string;
  /**
   * Backup id, sortable by time.
   */
  BackupId: string;
  /**
   * Id of a run, sortable by time.
   */
  RunId: string;
  /**
   * What a caller calls a download.
   */
  TransferName: string;
  /**
   * Whether something is on.
   */
  Flag: 'yes' | 'no' | 'true' | 'false' | '1' | '0';
  /**
   * The source's id of the disk.
   */
  DiskKey: string;
  /**
   * SHA-256, hex.
   */
  Sha256: string;
  /**
   * Job id.
   */
  JobId: string;
  /**
   * Bytes.
   */
  Bytes: number;
  /**
   * Milliseconds since the epoch.
   */
  Time: number;
  Source: Source;
  DiskInfo: DiskInfo;
  Parent: Parent;
  DiskDecision: DiskDecision;
  DiskEncryption: DiskEncryption;
  DiskResult: DiskResult;
  PortLease: PortLease;
  ProcessIdentity: ProcessIdentity;
  NbdServer: NbdServer;
  JobDisk: JobDisk;
  JobStatus: JobStatus;
  LeftBehind: LeftBehind;
  NotProtected: NotProtected;
  SnapshotFacts: SnapshotFacts;
  VsphereDisk: VsphereDisk;
  VsphereSnapshot: VsphereSnapshot;
  VsphereFinding: VsphereFinding;
  VsphereVm: VsphereVm;
  GroupMember: GroupMember;
  GroupedRun: GroupedRun;
  OverallProgress: OverallProgress;
  FreedBytes: FreedBytes;
  PrunedVm: PrunedVm;
  PrunedPoint: PrunedPoint;
  SlotOutput: SlotOutput;
  WrittenMachine: WrittenMachine;
  /**
   * A VM that runs from a restore point.
   */
  BootId: string;
  KeptFrom: KeptFrom;
  UsedBy: UsedBy;
  DrilledVm: DrilledVm;
  VsphereMachine: VsphereMachine;
  AttachedDomain: AttachedDomain;
  AttachedDisk: AttachedDisk;
  HubAdoptRequest: HubAdoptRequest;
  HubBackfill: HubBackfill;
  BackupProgressOutput: BackupProgressOutput;
  HubBackupRequest: HubBackupRequest;
  HubBackup: HubBackup;
  HubBackups: HubBackups;
  HubBootKeep: HubBootKeep;
  HubBootMove: HubBootMove;
  HubBootOff: HubBootOff;
  HubBootRequest: HubBootRequest;
  HubChain: HubChain;
  ChangeIdsOutput: ChangeIdsOutput;
  HubCheckRequest: HubCheckRequest;
  HubCheck: HubCheck;
  HubCopyRequest: HubCopyRequest;
  HubCopy: HubCopy;
  HubCredentialAdd: HubCredentialAdd;
  HubCredentialPassword: HubCredentialPassword;
  HubCredentialTest: HubCredentialTest;
  HubDetachRequest: HubDetachRequest;
  HubDiscoverRequest: HubDiscoverRequest;
  HubDiscovery: HubDiscovery;
  HubForgetBoot: HubForgetBoot;
  HubGcRequest: HubGcRequest;
  HubGroup: HubGroup;
  HubGroups: HubGroups;
  HubGrowth: HubGrowth;
  HubHealth: HubHealth;
  HubImportRequest: HubImportRequest;
  HubInquiry: HubInquiry;
  HubKvmDetachRequest: HubKvmDetachRequest;
  LoginWays: LoginWays;
  LoginRequest: LoginRequest;
  HubMeasureRequest: HubMeasureRequest;
  HubNodeAdd: HubNodeAdd;
  HubNodeRename: HubNodeRename;
  HubNodeToken: HubNodeToken;
  HubNoticeTest: HubNoticeTest;
  HubNotices: HubNotices;
  HubOnePlan: HubOnePlan;
  HubOneRepository: HubOneRepository;
  HubOneVm: HubOneVm;
  OwnPasswordRequest: OwnPasswordRequest;
  PlanFileNew: PlanFileNew;
  PlanFileSave: PlanFileSave;
  HubPlanFile: HubPlanFile;
  HubPlanFiles: HubPlanFiles;
  HubPlanProposal: HubPlanProposal;
  HubPlanText: HubPlanText;
  PlanTextRequest: PlanTextRequest;
  HubPlan: HubPlan;
  HubPlans: HubPlans;
  HubPointChoose: HubPointChoose;
  HubPointChosen: HubPointChosen;
  HubProgress: HubProgress;
  ProtectionRequest: ProtectionRequest;
  ProveRequest: ProveRequest;
  HubPrunePreview: HubPrunePreview;
  HubPruneRequest: HubPruneRequest;
  HubRecoverRequest: HubRecoverRequest;
  HubRepositories: HubRepositories;
  RestoreMountRequest: RestoreMountRequest;
  RestorePlaces: RestorePlaces;
  RestoreSelected: RestoreSelected;
  RestoreSelectionRequest: RestoreSelectionRequest;
  HubRestoreRequest: HubRestoreRequest;
  HubRestoreTargets: HubRestoreTargets;
  RestoreTransfers: RestoreTransfers;
  RestoreUnchanged: RestoreUnchanged;
  RestoreUnchangedRequest: RestoreUnchangedRequest;
  RestoreUnlockRequest: RestoreUnlockRequest;
  HubRestore: HubRestore;
  HubRestores: HubRestores;
  RunCancelOutput: RunCancelOutput;
  HubRunLog: HubRunLog;
  HubRunProgress: HubRunProgress;
  RunStartRequest: RunStartRequest;
  RunStartedOutput: RunStartedOutput;
  HubRuns: HubRuns;
  SchedulePauseRequest: SchedulePauseRequest;
  HubSchedules: HubSchedules;
  SessionInfo: SessionInfo;
  SessionsEnded: SessionsEnded;
  SessionsOutput: SessionsOutput;
  HubSourcePlanRequest: HubSourcePlanRequest;
  HubSourceVms: HubSourceVms;
  HubSources: HubSources;
  HubStatus: HubStatus;
  HubTimetable: HubTimetable;
  TokenCreateRequest: TokenCreateRequest;
  HubTrouble: HubTrouble;
  UserAddRequest: UserAddRequest;
  UserPasswordRequest: UserPasswordRequest;
  UserRolesRequest: UserRolesRequest;
  VerifyStartRequest: VerifyStartRequest;
  HubVm: HubVm;
  HubVms: HubVms;
  DataAnswer: DataAnswer;
  EnrollAnswer: EnrollAnswer;
  EnrollRequest: EnrollRequest;
  Enrolment: Enrolment;
  LinkError: LinkError;
  LinkHello: LinkHello;
  LinkPong: LinkPong;
  LinkRequest: LinkRequest;
  LinkStatus: LinkStatus;
  EnrollToken: EnrollToken;
  LinkWelcome: LinkWelcome;
  Manifest: Manifest;
  MergeIntent: MergeIntent;
  NodeSettings: NodeSettings;
  AttachCheckRequest: AttachCheckRequest;
  AttachChecked: AttachChecked;
  AttachEndRequest: AttachEndRequest;
  AttachEnded: AttachEnded;
  AttachedListRequest: AttachedListRequest;
  AttachedDisks: AttachedDisks;
  BackupStartRequest: BackupStartRequest;
  BackupStarted: BackupStarted;
  CbtStatus: CbtStatus;
  CleanedUp: CleanedUp;
  CleanupRequest: CleanupRequest;
  NodeConfig: NodeConfig;
  CredentialsTestRequest: CredentialsTestRequest;
  CredentialsTested: CredentialsTested;
  DataPathTestRequest: DataPathTestRequest;
  DataPathTested: DataPathTested;
  DetachRequest: DetachRequest;
  Detached: Detached;
  DiscoverRequest: DiscoverRequest;
  Discovered: Discovered;
  NodeHealth: NodeHealth;
  InPlaceCheckRequest: InPlaceCheckRequest;
  InPlaceChecked: InPlaceChecked;
  InPlaceEndRequest: InPlaceEndRequest;
  InPlaceEnded: InPlaceEnded;
  InPlaceStartRequest: InPlaceStartRequest;
  IndexFormats: IndexFormats;
  Inventory: Inventory;
  JobList: JobList;
  NewVm: NewVm;
  RestoreCheckRequest: RestoreCheckRequest;
  RestoreChecked: RestoreChecked;
  RestoreCompareRequest: RestoreCompareRequest;
  RestoreFinishRequest: RestoreFinishRequest;
  RestoreFinished: RestoreFinished;
  RestorePowerRequest: RestorePowerRequest;
  RestorePowered: RestorePowered;
  RestoreStartRequest: RestoreStartRequest;
  RestoreUndoRequest: RestoreUndoRequest;
  RestoreUndone: RestoreUndone;
  VmSpecChanges: VmSpecChanges;
  VmSpecChangesRequest: VmSpecChangesRequest;
  NotifyMessage: NotifyMessage;
  AdoptOutput: AdoptOutput;
  AttachedOutput: AttachedOutput;
  AuditOutput: AuditOutput;
  BootOutput: BootOutput;
  BootsOutput: BootsOutput;
  CheckOutput: CheckOutput;
  CopyOutput: CopyOutput;
  CredentialsTestOutput: CredentialsTestOutput;
  CredentialsOutput: CredentialsOutput;
  DetachOutput: DetachOutput;
  DiscoverOutput: DiscoverOutput;
  DoctorOutput: DoctorOutput;
  DrillOutput: DrillOutput;
  ErrorOutput: ErrorOutput;
  FilesDifferenceOutput: FilesDifferenceOutput;
  FilesDoctorOutput: FilesDoctorOutput;
  FilesEntry: FilesEntry;
  FilesFoundOutput: FilesFoundOutput;
  FilesHistoryOutput: FilesHistoryOutput;
  FilesListOutput: FilesListOutput;
  FilesLogOutput: FilesLogOutput;
  FilesMountsOutput: FilesMountsOutput;
  FilesStatOutput: FilesStatOutput;
  FilesTakenOutput: FilesTakenOutput;
  FilesOutput: FilesOutput;
  GcOutput: GcOutput;
  HistoryOutput: HistoryOutput;
  ImportOutput: ImportOutput;
  ListOutput: ListOutput;
  NewKeyOutput: NewKeyOutput;
  NewTokenOutput: NewTokenOutput;
  NextSlotsOutput: NextSlotsOutput;
  NodeAddedOutput: NodeAddedOutput;
  NodeStatusOutput: NodeStatusOutput;
  NodesOutput: NodesOutput;
  NotifyFlushOutput: NotifyFlushOutput;
  NotifyHistoryOutput: NotifyHistoryOutput;
  NotifyListOutput: NotifyListOutput;
  NotifyTestOutput: NotifyTestOutput;
  PlanOutput: PlanOutput;
  ProtectOutput: ProtectOutput;
  PruneOutput: PruneOutput;
  RecoverOutput: RecoverOutput;
  RepairOutput: RepairOutput;
  RepositoriesOutput: RepositoriesOutput;
  RunEvent: RunEvent;
  SchedulesOutput: SchedulesOutput;
  ShowRunOutput: ShowRunOutput;
  ShowOutput: ShowOutput;
  SlotsOutput: SlotsOutput;
  SshdConfigOutput: SshdConfigOutput;
  StatusOutput: StatusOutput;
  TokensOutput: TokensOutput;
  UpkeepOutput: UpkeepOutput;
  UserSessionsOutput: UserSessionsOutput;
  UsersOutput: UsersOutput;
  ValidateOutput: ValidateOutput;
  Plan: Plan;
  BackupPlan: BackupPlan;
  BootPlan: BootPlan;
  GroupPlan: GroupPlan;
  IncrementalPlan: IncrementalPlan;
  KeepPlan: KeepPlan;
  PrunePlan: PrunePlan;
  RestorePlan: RestorePlan;
  VerifyPlan: VerifyPlan;
  PointMarks: PointMarks;
  Runner: Runner;
  Settings: Settings;
  BackupCommitInput: BackupCommitInput;
  BackupCommitOutput: BackupCommitOutput;
  BootCopyInput: BootCopyInput;
  BootCopyOutput: BootCopyOutput;
  BootDecideInput: BootDecideInput;
  BootDecideOutput: BootDecideOutput;
  BootFinishInput: BootFinishInput;
  BootFinishOutput: BootFinishOutput;
  BootJudgeInput: BootJudgeInput;
  BootJudgeOutput: BootJudgeOutput;
  BootStartInput: BootStartInput;
  BootStartOutput: BootStartOutput;
  ChainDecideInput: ChainDecideInput;
  ChainDecideOutput: ChainDecideOutput;
  CommandRunInput: CommandRunInput;
  CommandRunOutput: CommandRunOutput;
  FilesExpectInput: FilesExpectInput;
  FilesExpectOutput: FilesExpectOutput;
  FilesOpenInput: FilesOpenInput;
  FilesOpenOutput: FilesOpenOutput;
  FilesPublishInput: FilesPublishInput;
  FilesPublishOutput: FilesPublishOutput;
  FilesTakeInput: FilesTakeInput;
  FilesTakeOutput: FilesTakeOutput;
  GroupResolveInput: GroupResolveInput;
  GroupResolveOutput: GroupResolveOutput;
  GroupRunInput: GroupRunInput;
  GroupRunOutput: GroupRunOutput;
  GroupSettleInput: GroupSettleInput;
  GroupSettleOutput: GroupSettleOutput;
  HubPreflightInput: HubPreflightInput;
  HubPreflightOutput: HubPreflightOutput;
  NbdServeInput: NbdServeInput;
  NbdServeOutput: NbdServeOutput;
  NbdStopInput: NbdStopInput;
  NbdStopOutput: NbdStopOutput;
  NodeInspectInput: NodeInspectInput;
  NodeInspectOutput: NodeInspectOutput;
  NodeTransferInput: NodeTransferInput;
  NodeTransferOutput: NodeTransferOutput;
  PointSelectInput: PointSelectInput;
  PointSelectOutput: PointSelectOutput;
  PointsBootInput: PointsBootInput;
  PointsBootOutput: PointsBootOutput;
  PointsFilesInput: PointsFilesInput;
  PointsFilesOutput: PointsFilesOutput;
  PointsJudgeInput: PointsJudgeInput;
  PointsJudgeOutput: PointsJudgeOutput;
  PointsPruneInput: PointsPruneInput;
  PointsPruneOutput: PointsPruneOutput;
  PointsVerifyInput: PointsVerifyInput;
  PointsVerifyOutput: PointsVerifyOutput;
  PortsAllocateInput: PortsAllocateInput;
  PortsAllocateOutput: PortsAllocateOutput;
  PortsReleaseInput: PortsReleaseInput;
  PortsReleaseOutput: PortsReleaseOutput;
  Qcow2CreateInput: Qcow2CreateInput;
  Qcow2CreateOutput: Qcow2CreateOutput;
  Qcow2SealInput: Qcow2SealInput;
  Qcow2SealOutput: Qcow2SealOutput;
  RestoreConvertInput: RestoreConvertInput;
  RestoreConvertOutput: RestoreConvertOutput;
  RestorePublishInput: RestorePublishInput;
  RestorePublishOutput: RestorePublishOutput;
  RestoreSafeguardInput: RestoreSafeguardInput;
  RestoreSafeguardOutput: RestoreSafeguardOutput;
  RestoreStartInput: RestoreStartInput;
  RestoreStartOutput: RestoreStartOutput;
  RestoreVerifyInput: RestoreVerifyInput;
  RestoreVerifyOutput: RestoreVerifyOutput;
  RestoreWriteInput: RestoreWriteInput;
  RestoreWriteOutput: RestoreWriteOutput;
  VmConfig: VmConfig;
}
/**
 * Every error of an API.
 */
export interface ApiError {
  error: ErrorOutput;
  /**
   * Pointer to the field that is wrong.
   */
  field?: string | null;
}
export interface ErrorOutput {
  /**
   * From docs/errors.md.
   */
  code: string;
  message: string;
  remedy: string;
  position: {
    file: string;
    line: number;
    column: number;
  } | null;
}
/**
 * What stands beside disks of a restore point that are attached to a VM of libvirt: what they are, and whose.
 */
export interface AttachedMark {
  format: 'sendense-attached/1';
  /**
   * The run that made them.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * The VM that the restore point is of.
   */
  of: string;
  /**
   * The VM that has them.
   */
  domain: {
    uuid: string;
    name: string;
  };
  /**
   * When the VM got them; null: it has not got all of them yet.
   */
  attached: number | null;
  /**
   * @maxItems 1000
   */
  disks: {
    disk: string;
    /**
     * In the same folder.
     */
    file: string;
    serial: string;
    /**
     * Bytes.
     */
    bytes: number;
  }[];
}
/**
 * What an outside tracker saw change on one disk between two moments.
 */
export interface ChangedAreas {
  version: 1;
  capacity_bytes: number;
  /**
   * The change id of the disk as it is now.
   */
  change_id: string;
  /**
   * The change id from which the areas count; null where there is none.
   */
  since: string | null;
  /**
   * Ascending, not overlapping, within the capacity.
   */
  areas: {
    offset: number;
    length: number;
  }[];
}
/**
 * Roles of each group: `backup-admins: admin`, or a list.
 */
export interface GroupRoles {
  [k: string]: 'viewer' | 'operator' | 'restorer' | 'admin' | ('viewer' | 'operator' | 'restorer' | 'admin')[];
}
/**
 * Names of the VMs that a group is for; `*` stands for any characters. Who has only such groups sees no other VM.
 */
export interface GroupVms {
  /**
   * @maxItems 100
   */
  [k: string]: string[];
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * When the plan runs by itself (`sendense-run daemon`, docs/schedules.md).
 */
export interface Schedule {
  /**
   * Five cron fields, or six with seconds first.
   */
  cron: string;
  /**
   * IANA time zone, for example Europe/London. Default: UTC.
   */
  timezone?: string;
  /**
   * false: the plan does not run by itself. Default: true.
   */
  enabled?: boolean;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  jitter?: string;
  /**
   * What happens if the previous run of the plan has not ended. skip: the plan does not run this time. queue: it waits. cancel: the previous run is stopped and cleaned up first. Default: skip.
   */
  overlap?: 'skip' | 'queue' | 'cancel';
  /**
   * What happens to runs that were missed because no daemon ran. none: nothing. latest: one run makes up for all of them. all: each of them is run. Default: latest.
   */
  catchUp?: 'none' | 'latest' | 'all';
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  catchUpWindow?: string;
  /**
   * The schedule pauses after this many failed runs in a row, until `sendense-run schedule resume`. true: after one. false: never. Default: false.
   */
  pauseOnFailure?: boolean | number;
  /**
   * Times when no run starts.
   *
   * @maxItems 100
   */
  blackout?: Blackout[];
}
/**
 * A time when no run starts: every week with `from` and `to`, or once with `start` and `end`.
 */
export interface Blackout {
  /**
   * Start, as a time of day in the time zone of the schedule, for example "08:00".
   */
  from?: string;
  /**
   * End, exclusive. A time before `from` is on the next day.
   */
  to?: string;
  /**
   * Weekdays on which it starts: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Default: all.
   *
   * @minItems 1
   */
  days?: [
    'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun',
    ...('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[],
  ];
  /**
   * Start, as a date and time, for example 2026-12-24T18:00. Without a zone it counts in the time zone of the schedule.
   */
  start?: string;
  /**
   * End, exclusive, in the form of `start`.
   */
  end?: string;
  /**
   * Shown with each run that the blackout prevents.
   */
  reason?: string;
}
/**
 * A command of your own.
 */
export interface Command {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  id?: string;
  /**
   * The command as a list of arguments, never a shell line.
   *
   * @minItems 1
   */
  run: [string, ...string[]];
  env?: Env;
  /**
   * Working directory, relative to the plan.
   */
  cwd?: string;
  /**
   * Condition, for example `failure()` or `always()`. Default: `success()`.
   */
  if?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout?: string;
}
/**
 * Environment variables. Values may be expressions or secrets.
 */
export interface Env {
  [k: string]: string | number | boolean | Secret;
}
/**
 * Tries the step again after errors that docs/errors.md marks with "again". The wait doubles each time, with jitter.
 */
export interface Retry {
  /**
   * How often the step is tried, the first time included.
   */
  attempts: number;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  delay?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  maxDelay?: string;
}
/**
 * What the run reports at its end. Values are expressions: `${{ … }}`.
 */
export interface Result {}
/**
 * One disk of an image source.
 */
export interface ImageDisk {
  /**
   * Disk image or block device on the node. With an embedded node it may be relative to this file.
   */
  path: string;
  /**
   * Format of the image. Without it Sendense looks at the name and the content (docs/image-source.md).
   */
  format?: 'raw' | 'qcow2' | 'vmdk' | 'vhdx';
  /**
   * Identity of the disk across runs. Default: derived from its absolute path.
   */
  uuid?: string;
  /**
   * true: read the disk even if another program has it open for writing. The copy may be inconsistent.
   */
  allowInUse: boolean;
  /**
   * File of an external tracker that lists the changed areas (schemas/changed-areas.json). Sendense then need not read the whole disk.
   */
  changes?: string;
}
/**
 * Disk images and block devices on the node.
 */
export interface ImageSource {
  type: 'image';
  /**
   * The disks of the VM.
   *
   * @minItems 1
   * @maxItems 64
   */
  disks: [ImageDisk, ...ImageDisk[]];
}
/**
 * The VM to protect.
 */
export interface Vm {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * Where the disks are: the name of a source in sendense.yaml, or the disks themselves. Default: the only source of sendense.yaml.
   */
  source?: string | ImageSource;
  /**
   * Inventory path in vSphere, for example /DC1/vm/pgtest1. Default: the VM of this name, if there is only one.
   */
  path?: string;
  /**
   * Managed object id of the VM in vSphere, for example vm-57. Use it instead of a path.
   */
  moref?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * Whether the guest quiesces its file systems for the snapshot (vSphere). required: fail if that is not possible. try: go on without it, with a warning. off: do not quiesce. Default: try.
   */
  quiesce?: 'required' | 'try' | 'off';
  /**
   * Changed block tracking (vSphere). auto: use it if it is on, else compare the disks by digest. enable: switch it on if it is off. require: fail if it is off. off: do not use it. Default: auto.
   */
  cbt?: 'auto' | 'enable' | 'require' | 'off';
  /**
   * What to do if the VM has snapshots that Sendense did not make (vSphere). refuse: fail. allow: go on if the transport can read such disks, and record why. Default: refuse.
   */
  foreignSnapshots?: 'refuse' | 'allow';
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transport?: 'vddk' | 'https' | 'ssh';
}
/**
 * How the data gets from the node to this hub.
 */
export interface Transfer {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  reconnect?: string;
}
/**
 * Limits of a transfer.
 */
export interface Limits {
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  diskRate?: string;
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  jobRate?: string;
  /**
   * Disks of a VM that are copied at the same time. Default: 2.
   */
  disksAtOnce?: number;
}
/**
 * A direct path over the network from the node to the disks on this hub. Without it the data goes through the tunnel. Mode direct has no tunnel: there it goes to the loopback address.
 */
export interface DataPath {
  /**
   * Address on which this hub listens during a run, for example 192.0.2.10 or 0.0.0.0.
   */
  listen: string;
  /**
   * Name or address by which the node reaches this hub, for example hub.example.com.
   */
  host: string;
  /**
   * psk: encrypted, with a key made for each run. none: not encrypted, and anyone who reaches the port can write to the backup. Use none only on a network of its own.
   */
  tls: 'psk' | 'none';
}
/**
 * Which restore points stay. A point stays if any rule keeps it.
 */
export interface Retention {
  /**
   * Keep the newest N points.
   */
  last?: number;
  /**
   * Keep the newest point of each of the last N hours that have one.
   */
  hourly?: number;
  /**
   * Keep the newest point of each of the last N days that have one.
   */
  daily?: number;
  /**
   * Keep the newest point of each of the last N weeks (Monday to Sunday) that have one.
   */
  weekly?: number;
  /**
   * Keep the newest point of each of the last N months that have one.
   */
  monthly?: number;
  /**
   * Keep the newest point of each of the last N years that have one.
   */
  yearly?: number;
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  minAge?: string;
  /**
   * IANA time zone in which hours, days, weeks, months and years are counted. Default: the zone of the schedule, else UTC.
   */
  timezone?: string;
}
/**
 * Selects VMs of the source. A VM must fit every key.
 */
export interface VmMatch {
  /**
   * Name of the VM in the source. `*` stands for any characters, `?` for one.
   */
  name?: string;
  /**
   * Inventory path of a folder in vSphere. It selects the VMs in it and below it.
   */
  folder?: string;
  /**
   * Inventory path of one VM in vSphere.
   */
  path?: string;
  /**
   * Managed object id of one VM in vSphere, for example vm-57.
   */
  moref?: string;
  /**
   * A tag of the VM in vSphere, as `NAME` or `CATEGORY/NAME`.
   */
  tag?: string;
}
/**
 * How the VMs are read.
 */
export interface VmPolicy {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * Whether the guest quiesces its file systems for the snapshot (vSphere). required: fail if that is not possible. try: go on without it, with a warning. off: do not quiesce. Default: try.
   */
  quiesce?: 'required' | 'try' | 'off';
  /**
   * Changed block tracking (vSphere). auto: use it if it is on, else compare the disks by digest. enable: switch it on if it is off. require: fail if it is off. off: do not use it. Default: auto.
   */
  cbt?: 'auto' | 'enable' | 'require' | 'off';
  /**
   * What to do if the VM has snapshots that Sendense did not make (vSphere). refuse: fail. allow: go on if the transport can read such disks, and record why. Default: refuse.
   */
  foreignSnapshots?: 'refuse' | 'allow';
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transport?: 'vddk' | 'https' | 'ssh';
}
/**
 * A channel and the events that it reports.
 */
export interface NotifyEntry {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  channel: string;
  /**
   * The events that it reports. Without this key: all but `started` and `success`; a channel of type `ping` reports `started`, `success`, `warning` and `failure`.
   *
   * @minItems 1
   *
   * Items: An event that a channel reports (docs/monitoring.md).
   */
  on?: [
    (
      | 'started'
      | 'success'
      | 'warning'
      | 'failure'
      | 'recovery'
      | 'missed-slot'
      | 'clock'
      | 'lock-refused'
      | 'prune-trouble'
      | 'verification-failure'
      | 'rpo'
      | 'invalid-plan'
      | 'paused'
      | 'channel'
    ),
    ...(
      | 'started'
      | 'success'
      | 'warning'
      | 'failure'
      | 'recovery'
      | 'missed-slot'
      | 'clock'
      | 'lock-refused'
      | 'prune-trouble'
      | 'verification-failure'
      | 'rpo'
      | 'invalid-plan'
      | 'paused'
      | 'channel'
    )[],
  ];
}
/**
 * Starts the newest verified restore point of each VM from a temporary overlay, without a network. The guest counts as up at the first sign that you name: `serial`, `agent` or `picture`. Without any of them: `picture`.
 */
export interface BootCheck {
  /**
   * tcg: runs everywhere. kvm: faster, needs a working /dev/kvm. auto: kvm if a short trial works, else tcg.
   */
  accel: 'auto' | 'tcg' | 'kvm';
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  memory: number | string;
  /**
   * Processors of the guest.
   */
  cpus: number;
  /**
   * auto: as in the saved configuration of the VM; without one, efi for a disk that only UEFI can start, else bios.
   */
  firmware: 'auto' | 'bios' | 'efi';
  /**
   * Wait for a text on the serial console.
   */
  serial?: {
    /**
     * Text on the first serial port that shows that the guest is up.
     */
    mark: string;
  };
  /**
   * Wait until the QEMU guest agent answers.
   */
  agent: boolean;
  /**
   * Wait until the picture stops changing and is not blank.
   */
  picture?: {
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    still: string;
  };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * Starts the restored VM, and waits until it is up. It counts as up at the first sign that you name: `serial`, `agent` or `picture`. Without any of them: `picture`.
 */
export interface StartCheck {
  /**
   * Wait for a text on the serial console.
   */
  serial?: {
    /**
     * Text on the first serial port that shows that the guest is up.
     */
    mark: string;
  };
  /**
   * Wait until the QEMU guest agent answers. The VM gets a port for it.
   */
  agent: boolean;
  /**
   * Wait until the picture stops changing and is not blank.
   */
  picture?: {
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    still: string;
  };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * Starts the restored VM, and waits until VMware Tools run in its guest.
 */
export interface ToolsCheck {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * Lets virt-v2v give the guest the drivers of KVM, on a copy that is kept only if the guest boots with them.
 */
export interface Conversion {
  /**
   * Devices that the VM gets: its disks and network cards are virtio.
   */
  to: 'virtio';
  /**
   * For Windows: the ISO image of virtio-win, or a folder with its files, relative to the plan. Default: /usr/share/virtio-win.
   */
  virtioWin?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  boot?: StartCheck1;
  /**
   * How virt-v2v and the boot run their machines: `auto` is KVM if it works, else emulation (`tcg`), which is about ten times slower.
   */
  accel: 'auto' | 'tcg' | 'kvm';
}
/**
 * Starts the restored VM, and waits until it is up. It counts as up at the first sign that you name: `serial`, `agent` or `picture`. Without any of them: `picture`.
 */
export interface StartCheck1 {
  /**
   * Wait for a text on the serial console.
   */
  serial?: {
    /**
     * Text on the first serial port that shows that the guest is up.
     */
    mark: string;
  };
  /**
   * Wait until the QEMU guest agent answers. The VM gets a port for it.
   */
  agent: boolean;
  /**
   * Wait until the picture stops changing and is not blank.
   */
  picture?: {
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    still: string;
  };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * What a file has to be. Without another key it has to exist.
 */
export interface FileExpectation {
  /**
   * The file, as `VOLUME:/PATH` or `/PATH`. A link is followed.
   */
  file: string;
  /**
   * A file on the hub that has the same bytes, relative to the plan.
   */
  sameAs?: string;
  /**
   * SHA-256 of its bytes, as `sha256sum` prints it.
   */
  sha256?: string;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  minSize?: number | string;
}
/**
 * Opens the file systems of each verified restore point in a sandbox and lists their roots. What is damaged fails the run. What is encrypted or of an unknown kind is a remark.
 */
export interface FilesCheck {
  passphrase?: Secret1;
  /**
   * Files that have to be there, and how. Any of them that is not so fails the run.
   *
   * @minItems 1
   */
  expect?: [
    {
      vms?: VmPatterns1;
      /**
       * The file, as `VOLUME:/PATH` or `/PATH`. A link is followed.
       */
      file: string;
      /**
       * A file on the hub that has the same bytes, relative to the plan.
       */
      sameAs?: string;
      /**
       * SHA-256 of its bytes, as `sha256sum` prints it.
       */
      sha256?: string;
      /**
       * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
       */
      minSize?: number | string;
    },
    ...{
      vms?: VmPatterns1;
      /**
       * The file, as `VOLUME:/PATH` or `/PATH`. A link is followed.
       */
      file: string;
      /**
       * A file on the hub that has the same bytes, relative to the plan.
       */
      sameAs?: string;
      /**
       * SHA-256 of its bytes, as `sha256sum` prints it.
       */
      sha256?: string;
      /**
       * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
       */
      minSize?: number | string;
    }[],
  ];
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret1 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
export interface BootVm {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  vm: string;
  /**
   * Which restore point: `latest`, a backup id, the last one before a time, or the last one made by a time.
   */
  point:
    | string
    | {
        /**
         * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
         */
        before: string;
        /**
         * Together with `before`: no point older than this time. ISO 8601 with a zone.
         */
        from?: string;
      }
    | {
        /**
         * The last point made at this time or before it. ISO 8601 with a zone.
         */
        at: string;
      };
  /**
   * VMs of this plan that have to be up before this one starts. If one of them does not come up, this one is not started.
   *
   * Items: A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  after: string[];
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  delay: string;
  wait?: BootWait;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  memory?: number | string;
  /**
   * CPUs of the VM. Default: what was saved.
   */
  cpus?: number;
  /**
   * Default: what was saved; else what the first disk needs.
   */
  firmware?: 'bios' | 'efi';
}
/**
 * How Sendense sees that the guest is up; the first sign that comes counts. Default: `picture`.
 */
export interface BootWait {
  /**
   * Wait for a text on the serial console.
   */
  serial?: {
    /**
     * Text on the first serial port that shows that the guest is up.
     */
    mark: string;
  };
  /**
   * Wait until the picture stops changing and is not blank.
   */
  picture?: {
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    still: string;
  };
  /**
   * Wait until the QEMU guest agent in the guest answers. The VM gets a virtio port for it.
   */
  agent?: true;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  time?: string;
}
export interface ImageSourceSpec {
  type: 'image';
  /**
   * @minItems 1
   *
   * Items: As in the plan, defaults filled in, paths absolute.
   */
  disks: [
    {
      path: string;
      format: 'raw' | 'qcow2' | 'vmdk' | 'vhdx' | null;
      uuid: string | null;
      allow_in_use: boolean;
      changes: string | null;
    },
    ...{
      path: string;
      format: 'raw' | 'qcow2' | 'vmdk' | 'vhdx' | null;
      uuid: string | null;
      allow_in_use: boolean;
      changes: string | null;
    }[],
  ];
}
export interface VsphereSourceSpec {
  type: 'vsphere';
  /**
   * Name of the source in sendense.yaml.
   */
  name: string;
  /**
   * Without port.
   */
  host: string;
  port: number;
  /**
   * Empty: the sender of the password gives the user in vcenter_user.
   */
  user: string;
  /**
   * The stored credential that holds user and password.
   */
  credential: string | null;
  thumbprint: string | null;
  /**
   * PEM text.
   */
  ca: string | null;
  /**
   * Inventory path of the VM.
   */
  path: string | null;
  moref: string | null;
  quiesce: 'required' | 'try' | 'off';
  cbt: 'auto' | 'enable' | 'require' | 'off';
  foreign_snapshots: 'refuse' | 'allow';
  /**
   * @minItems 1
   *
   * Items: How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transports: ['vddk' | 'https' | 'ssh', ...('vddk' | 'https' | 'ssh')[]];
  vddk: {
    libdir: string;
    plugin: string | null;
    modes: string;
    compression: 'none' | 'zlib' | 'fastlz' | 'skipz';
  } | null;
  ssh: {
    host: string | null;
    port: number;
    user: string;
    identity: string;
    known_hosts: string;
  } | null;
  disks_per_host: number;
}
/**
 * One disk as the node sees it. Sizes in bytes.
 */
export interface DiskInfo {
  /**
   * The source's id of the disk.
   */
  key: string;
  /**
   * Identity of the disk across runs.
   */
  uuid: string;
  label: string;
  path: string;
  format: string;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  allocated_bytes: number | null;
  /**
   * digest: the node compares blocks; areas: the source has a list of changes; cbt: the node asks the hypervisor after it made the snapshot.
   */
  change_tracking: 'digest' | 'areas' | 'cbt';
  /**
   * Change id of the tracker, if it is known before the transfer.
   */
  change_id: string | null;
  /**
   * The change id that the tracker's areas count from.
   */
  changed_since: string | null;
  /**
   * Bytes that the areas of the tracker cover.
   */
  changed_bytes: number | null;
  /**
   * Upper limit of the data in the areas, in whole blocks of 64 KiB; the rest are holes. Missing or null if unknown.
   */
  changed_data_bytes?: number | null;
  /**
   * The source cannot change while it is read, as far as the node can tell.
   */
  still: boolean;
  warnings: string[];
}
/**
 * The disk that an incremental is built on.
 */
export interface Parent {
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * qcow2, relative to the repository.
   */
  path: string;
  change_id: string | null;
  /**
   * sha256:<64 hex digits>
   */
  digest: string;
  /**
   * Block index, relative to the repository.
   */
  index_path: string;
}
/**
 * The decision for one disk, with the reason.
 */
export interface DiskDecision {
  /**
   * disk-<n>
   */
  disk: string;
  number: number;
  /**
   * The source's id of the disk.
   */
  key: string;
  uuid: string;
  label: string;
  source_path: string;
  source_format: string;
  still: boolean;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  mode: 'full' | 'incremental';
  /**
   * full: everything; areas: the changes that the source lists; digest: blocks whose digest differs.
   */
  method: 'full' | 'areas' | 'digest';
  /**
   * Why the disk is full, or how it is incremental.
   */
  reason: string;
  parent: Parent | null;
  /**
   * The qcow2 that the run will make, relative to the repository.
   */
  path: string;
  index_path: string;
  /**
   * Bytes that the run is expected to write; null if it is known only later.
   */
  estimated_bytes: number | null;
  /**
   * How its files will be encrypted; null if they will not be.
   */
  encryption?: DiskEncryption | null;
}
/**
 * How the file of a disk is encrypted.
 */
export interface DiskEncryption {
  format: 'luks';
  /**
   * Identifies the key: 16 hex digits derived from it.
   */
  key_id: string;
}
/**
 * One disk in run.finished.
 */
export interface DiskResult {
  /**
   * disk-<n>
   */
  disk: string;
  mode: 'full' | 'incremental';
  reason: string;
  /**
   * Bytes.
   */
  bytes_total: number;
  /**
   * Bytes.
   */
  bytes_transferred: number;
  /**
   * Data that the node read from the source; it skips known holes. Older versions do not report it.
   */
  bytes_read?: number;
  /**
   * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
   */
  bytes_sent?: number;
  /**
   * For a backup: length of the qcow2 in the repository.
   */
  bytes_stored?: number;
  change_id: string | null;
  /**
   * Absolute path of the qcow2 or restored file.
   */
  path: string | null;
}
export interface PortLease {
  port: number;
  disk: string;
}
/**
 * Distinguishes a process from a later one with the same pid.
 */
export interface ProcessIdentity {
  pid: number;
  /**
   * Field 22 of /proc/<pid>/stat: clock ticks since boot.
   */
  start_time: string;
  boot_id: string;
}
export interface NbdServer {
  disk: string;
  /**
   * Null: qemu-nbd serves it at a Unix socket.
   */
  port: number | null;
  export: string;
  uri: string;
  /**
   * Absolute path of the qcow2.
   */
  file: string;
  process: ProcessIdentity;
}
/**
 * One disk of a job.
 */
export interface JobDisk {
  /**
   * The source's id of the disk.
   */
  key: string;
  phase: 'waiting' | 'opening' | 'digesting' | 'copying' | 'flushing' | 'done' | 'failed' | 'cancelled';
  mode: 'full' | 'incremental';
  method: 'full' | 'areas' | 'digest';
  /**
   * Why the method differs from the one asked for, or empty.
   */
  reason: string;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  /**
   * Bytes this phase will handle.
   */
  bytes_total: number;
  /**
   * Bytes this phase has handled.
   */
  bytes_done: number;
  /**
   * Bytes that the updated areas or blocks cover, whatever they hold. Set at the end.
   */
  bytes_transferred: number;
  /**
   * Data that the node read from the source; it skips known holes. Older versions do not report it.
   */
  bytes_read?: number;
  /**
   * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
   */
  bytes_sent?: number;
  /**
   * Bytes per second, averaged over some seconds.
   */
  rate: number;
  change_id: string | null;
  /**
   * Root digest of the block index.
   */
  digest: string | null;
  index_bytes: number | null;
  /**
   * SHA-256 of the index file, hex.
   */
  index_sha256: string | null;
  error: string | null;
}
/**
 * A job on the node.
 */
export interface JobStatus {
  /**
   * Job id.
   */
  job_id: string;
  vm_name: string;
  status: 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /**
   * Milliseconds since the epoch.
   */
  started: number;
  finished: number | null;
  /**
   * Milliseconds since the epoch.
   */
  updated: number;
  error: ErrorOutput | null;
  warnings: string[];
  /**
   * Things that the job could not remove at its source, for example a snapshot. Absent if unknown, because the process of the job died or has not ended.
   */
  left_behind?: LeftBehind[];
  /**
   * The source refused user and password while the job ran. Sendense does not try them again for a while, because accounts lock.
   */
  login_refused?: boolean;
  /**
   * Notes that need no action, for example a connection that broke and came back.
   */
  remarks?: string[];
  /**
   * @maxItems 1024
   */
  disks: JobDisk[];
  snapshot?: SnapshotFacts | null;
  /**
   * Configuration of the VM, for the hub to fetch.
   */
  vm_config?: {
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
  } | null;
  /**
   * Disks of the VM that are not in this backup, as the snapshot showed them.
   *
   * @maxItems 1024
   */
  not_protected?: NotProtected[];
  /**
   * What the job does while no bytes move, for example removing its snapshot.
   */
  activity?: string | null;
  restored_vm?: RestoredVm | null;
}
/**
 * Something that Sendense made and that is still at a source.
 */
export interface LeftBehind {
  /**
   * The snapshot sendense-… of /DC1/vm/pgtest1.
   */
  what: string;
  /**
   * Why it could not be removed.
   */
  why: string;
}
/**
 * The snapshot that a backup was read from.
 */
export interface SnapshotFacts {
  name: string;
  /**
   * What was asked.
   */
  quiesce: 'required' | 'try' | 'off';
  /**
   * Whether the file systems of the guest were quiesced.
   */
  quiesced: boolean;
  /**
   * Why it was not quiesced, or why foreign snapshots were no obstacle.
   */
  note: string | null;
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transport: 'vddk' | 'https' | 'ssh';
  transport_reason: string;
  /**
   * When it existed, by the clock of the node; ISO 8601, UTC.
   */
  taken?: string;
}
/**
 * A disk that takes no part in the backup, and why.
 */
export interface NotProtected {
  label: string;
  uuid: string | null;
  reason: string;
}
/**
 * The VM that the job has made or gone on with.
 */
export interface RestoredVm {
  /**
   * Its managed object id.
   */
  vm: string;
  name: string;
  disks: RestoredVmDisk[];
  /**
   * What it does not have of the old one.
   */
  left_out: string[];
  /**
   * A restore in place has overwritten something that the backup before it does not have.
   */
  not_in_safety?: boolean;
}
export interface RestoredVmDisk {
  /**
   * In the saved configuration.
   */
  key: string;
  /**
   * Of the new VM.
   */
  device_key: string;
  file: string;
}
/**
 * A virtual disk of a VMware VM.
 */
export interface VsphereDisk {
  /**
   * Device key, as the hypervisor gives it.
   */
  key: number;
  /**
   * Hard disk 1
   */
  label: string;
  /**
   * Controller and unit, for example scsi0:1.
   */
  address: string;
  controller_key: number;
  /**
   * For example ParaVirtualSCSIController.
   */
  controller_type: string;
  unit: number | null;
  /**
   * Backing uuid: the identity of the disk across runs.
   */
  uuid: string | null;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  /**
   * persistent, independent_persistent, …
   */
  mode: string;
  /**
   * flat, sesparse, rdm-physical, rdm-virtual, sparse, other
   */
  backing: string;
  thin: boolean | null;
  datastore: string | null;
  /**
   * [datastore] folder/disk.vmdk
   */
  file: string;
  /**
   * The backing is a delta on top of another.
   */
  has_parent: boolean;
  /**
   * Its backing names a key, so the file holds encrypted data.
   */
  encrypted?: boolean;
  /**
   * sharingMultiWriter or null
   */
  sharing: string | null;
  /**
   * Where the backing says one.
   */
  change_id: string | null;
  /**
   * The disk takes part in snapshots.
   */
  protected: boolean;
  not_protected_reason: string | null;
}
/**
 * A snapshot of a VMware VM.
 */
export interface VsphereSnapshot {
  moref: string;
  name: string;
  description: string;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  quiesced: boolean;
  current: boolean;
  /**
   * Sendense made the snapshot: it has its mark.
   */
  ours: boolean;
}
/**
 * A finding that stops or weakens a backup.
 */
export interface VsphereFinding {
  level: 'stops' | 'weakens';
  /**
   * Stable, for example disk.independent.
   */
  code: string;
  message: string;
}
/**
 * A VMware VM as the node sees it. Sizes in bytes.
 */
export interface VsphereVm {
  path: string;
  moref: string;
  name: string;
  instance_uuid: string | null;
  bios_uuid: string | null;
  template: boolean;
  power_state: 'poweredOn' | 'poweredOff' | 'suspended' | 'unknown';
  connection_state: string;
  guest: string | null;
  /**
   * vmx-19
   */
  hardware_version: string | null;
  /**
   * running, not-running, not-installed or unknown.
   */
  tools: string;
  /**
   * Name of the ESXi host.
   */
  host: string | null;
  /**
   * Name of the datacenter.
   */
  datacenter: string | null;
  cbt: {
    supported: boolean;
    enabled: boolean;
  };
  /**
   * @maxItems 1024
   */
  disks: VsphereDisk[];
  snapshots: VsphereSnapshot[];
  consolidation_needed: boolean;
  /**
   * Milliseconds since the epoch, in the node's clock: when the VM was last reverted to a snapshot, where that is known.
   */
  last_revert: number | null;
  /**
   * Milliseconds since the epoch, in the node's clock: a revert to a snapshot after this moment would be known. Null or absent: none would be.
   */
  reverts_known_since?: number | null;
  findings: VsphereFinding[];
  /**
   * CATEGORY/NAME; null or absent if the hub did not ask.
   */
  tags?: string[] | null;
  /**
   * The restore in place that goes on, or was not finished; null: there is none. Not told of many VMs at once. Older nodes do not say.
   */
  half_restored?: null | HalfRestored;
  /**
   * The last restore in place that was finished; null: there was none. Lists of changes do not lead over it. Older nodes do not say.
   */
  restored_in_place?: null | RestoredInPlace;
}
export interface HalfRestored {
  run: string;
  point: string;
  /**
   * It may have written: the disks are not whole.
   */
  torn: boolean;
}
export interface RestoredInPlace {
  run: string;
  point: string;
}
/**
 * A VM of a group, with the facts for its run.
 */
export interface GroupMember {
  /**
   * Of the VM, as the source has it.
   */
  name: string;
  /**
   * Of the VM in plan and repository.
   */
  context: string;
  /**
   * Name of the VM's plan.
   */
  plan: string;
  moref: string | null;
  path: string | null;
  priority: number;
  repository: string;
  node: string;
  /**
   * Name of the source in sendense.yaml.
   */
  source: string;
  /**
   * Places of the overrides of the group that fit the VM, from 0.
   */
  overrides: number[];
}
/**
 * How the run of a VM of a group ended.
 */
export interface GroupedRun {
  vm: string;
  context: string;
  plan: string;
  /**
   * Null if it could not start.
   */
  run_id: string | null;
  status: 'succeeded' | 'failed' | 'cancelled';
  exit_code: number;
  backup_id: string | null;
  kind: 'full' | 'incremental' | null;
  bytes_transferred: number;
  /**
   * Data that the node read from the source; it skips known holes. Older versions do not report it.
   */
  bytes_read?: number;
  /**
   * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
   */
  bytes_sent?: number;
  /**
   * Length of its qcow2 files in the repository.
   */
  bytes_stored?: number;
  duration_ms: number;
  /**
   * Why it failed.
   */
  message: string | null;
  warnings: string[];
}
/**
 * How far a step is that works on many things, such as the VMs of a group.
 */
export interface OverallProgress {
  done: number;
  /**
   * Of those that are done.
   */
  failed: number;
  total: number;
  /**
   * Milliseconds that are left; null where it cannot be told yet.
   */
  left_ms: number | null;
}
/**
 * Bytes that the file system would get back; the same twice where it can be told.
 */
export interface FreedBytes {
  at_least: number;
  at_most: number;
}
export interface PrunedVm {
  vm: string;
  /**
   * Why nothing of this VM would be removed.
   */
  error: ErrorOutput | null;
  remarks: string[];
  /**
   * Oldest first.
   */
  points: PrunedPoint[];
  freed: FreedBytes;
}
export interface PrunedPoint {
  backup_id: string;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  kind: 'full' | 'incremental';
  keep: boolean;
  /**
   * Why it stays, for example `daily 2026-11-20`; empty if it goes.
   */
  reasons: string[];
  /**
   * If it goes: the restore points that its disks are merged into.
   */
  merges: {
    disk: string;
    into: string;
  }[];
  /**
   * Disk space of its own files.
   */
  held_bytes: number;
  /**
   * `created` in the time zone: 2026-11-21 01:30.
   */
  local: string;
}
export interface SlotOutput {
  plan: string;
  /**
   * When it was due, without jitter.
   */
  slot: number;
  /**
   * waiting: it waits for its turn; claimed: its run is about to start; missed: no daemon ran; skipped, paused, blackout: no run, for that reason; any other value: the result of its run.
   */
  state:
    | 'waiting'
    | 'claimed'
    | 'running'
    | 'succeeded'
    | 'failed'
    | 'cancelled'
    | 'crashed'
    | 'missed'
    | 'skipped'
    | 'paused'
    | 'blackout';
  reason: string | null;
  trigger: 'manual' | 'schedule' | 'timer' | 'catch-up' | 'backfill' | 'group';
  run_id: string | null;
  /**
   * When this became known.
   */
  decided: number;
}
/**
 * A VM that is made of restored disks.
 */
export interface WrittenMachine {
  name: string;
  uuid: string;
  /**
   * Where libvirt defines it; null: nowhere.
   */
  libvirt: string | null;
  /**
   * By which libvirt's definition of it is known as this run's.
   */
  mark: string;
  /**
   * How libvirt defines it.
   */
  xml: string;
  /**
   * What is written beside its disks.
   */
  files: {
    /**
     * Name of the file.
     */
    disk: string;
    temporary: string;
    file: string;
  }[];
  /**
   * What is not as it was.
   */
  notes: string[];
}
/**
 * Where what `boot keep` kept comes from.
 */
export interface KeptFrom {
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
  /**
   * Backup id of the restore point that the VM runs from.
   */
  of: string;
  /**
   * paused: the disks are as after a power cut; off: as the guest left them.
   */
  guest: 'paused' | 'off';
}
/**
 * What became of one VM of a plan of kind boot.
 */
export interface DrilledVm {
  vm: string;
  /**
   * Null: it was not started.
   */
  boot: string | null;
  /**
   * The restore point that it ran from.
   */
  backup_id: string | null;
  /**
   * skipped: a VM before it did not come up, or any at all where the plan says `onFailure: stop`.
   */
  state: 'up' | 'failed' | 'skipped';
  /**
   * The sign that the guest is up.
   */
  sign: 'serial' | 'agent' | 'picture' | 'time' | null;
  /**
   * Milliseconds since the epoch.
   */
  started: number | null;
  /**
   * From its start to the sign, or until nobody waited any more.
   */
  seconds: number | null;
  /**
   * Absolute path of the screenshot, PNG.
   */
  screenshot: string | null;
  problem: string | null;
}
/**
 * A VM in vSphere that is made of restored disks.
 */
export interface VsphereMachine {
  name: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * The vCenter or ESXi host.
   */
  host: string;
  /**
   * In the mark of the VM.
   */
  run: string;
  point: string;
  node: string;
  source: Source;
  power_on: boolean;
  disks: {
    disk: string;
    /**
     * Of the new VM.
     */
    device_key: string;
    /**
     * In the saved configuration.
     */
    key: string;
  }[];
  /**
   * What is not as it was.
   */
  notes: string[];
  attach_to?: AttachReceiver;
}
/**
 * The VM that gets its disks; this one goes then.
 */
export interface AttachReceiver {
  /**
   * Its managed object id.
   */
  vm: string;
  name: string;
  /**
   * The VM that the restore point is of.
   */
  of: string;
}
/**
 * A VM of libvirt that gets restored disks.
 */
export interface AttachedDomain {
  name: string;
  /**
   * Its uuid.
   */
  domain: string;
  /**
   * Where libvirt has it.
   */
  uri: string;
  /**
   * In the mark.
   */
  run: string;
  point: string;
  /**
   * The VM that the restore point is of.
   */
  of: string;
  disks: {
    disk: string;
    /**
     * What its guest and libvirt see of the mark.
     */
    serial: string;
  }[];
  /**
   * What is written beside the disks: the mark.
   */
  files: {
    /**
     * Name of the file.
     */
    disk: string;
    temporary: string;
    file: string;
  }[];
  /**
   * What to know of it.
   */
  notes: string[];
}
/**
 * A disk of a restore point that is attached to a VM.
 */
export interface AttachedDisk {
  /**
   * By which the disk is known: its uuid, or in KVM its serial number.
   */
  id: string;
  /**
   * The VM that has it.
   */
  vm: string;
  /**
   * Managed object id of that VM, or its uuid in KVM.
   */
  moref: string;
  /**
   * The VM that the restore point is of. null, as all the rest: the mark cannot be read.
   */
  of: string | null;
  /**
   * Id of the restore point.
   */
  point: string | null;
  /**
   * In the restore point.
   */
  disk: string | null;
  /**
   * The run that attached it.
   */
  run: string | null;
  /**
   * When.
   */
  attached: number | null;
  /**
   * As vSphere or libvirt calls it; null: the VM does not have it any more.
   */
  label: string | null;
  /**
   * Controller and unit, scsi0:1.
   */
  address: string | null;
  file: string | null;
  capacity_bytes: number | null;
  /**
   * Why `detach` leaves it alone; null: nothing speaks against that.
   */
  problem: string | null;
}
/**
 * Which VM the restore points are of.
 */
export interface HubAdoptRequest {
  /**
   * Identity of the VM that it is now.
   */
  identity: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
}
/**
 * Slots of the past that are to be run.
 */
export interface HubBackfill {
  /**
   * Milliseconds since the epoch.
   */
  from: number;
  /**
   * Milliseconds since the epoch. Default: now.
   */
  to?: number;
  /**
   * Only the newest of them.
   */
  latest?: boolean;
  /**
   * Only say which.
   */
  dry_run?: boolean;
}
/**
 * How far the backup of a VM has come, disk by disk.
 */
export interface BackupProgressOutput {
  version: 1;
  run_id: string;
  plan: string;
  vm_name: string;
  repository_id: string | null;
  /**
   * Id of the restore point that it makes; null: not decided yet.
   */
  backup_id: string | null;
  /**
   * Null: not decided yet.
   */
  backup_type: 'full' | 'incremental' | null;
  /**
   * `complete`: the restore point is flushed, checked and committed, and its change ids count.
   */
  status: 'running' | 'complete' | 'cancelled' | 'failed';
  disk_results: {
    /**
     * Name of the disk, such as `disk-0`.
     */
    disk: string;
    mode: 'full' | 'incremental';
    /**
     * Why.
     */
    reason: string;
    /**
     * The qcow2, relative to the repository.
     */
    path: string;
    /**
     * NBD port at which the hub serves it; null: not yet, not any more, or at a Unix socket.
     */
    port: number | null;
    status: 'decided' | 'served' | 'transferred' | 'complete' | 'cancelled' | 'failed';
    /**
     * Null: not known yet.
     */
    bytes_transferred: number | null;
    /**
     * The hypervisor's change id at the time of the snapshot. Null: not known yet, or there is none.
     */
    change_id: string | null;
  }[];
  /**
   * What the node writes to: `key:uri,key:uri`. Null: nothing is served.
   */
  nbd_targets_string: string | null;
  error: ErrorOutput | null;
}
/**
 * A VM that is to be backed up. A plan says how: the only one that backs this VM up into this repository, or the one that `policy_id` names.
 */
export interface HubBackupRequest {
  /**
   * Name of the VM, as the plan has it.
   */
  vm_name: string;
  /**
   * Name of a repository in the settings. Default: where the plan writes.
   */
  repository_id?: string;
  /**
   * Default: as the plan says.
   */
  backup_type?: 'auto' | 'full' | 'incremental';
  /**
   * Name of the plan, where several back the VM up.
   */
  policy_id?: string;
}
/**
 * `GET /api/v1/backups/{id}`: one restore point.
 */
export interface HubBackup {
  version: 1;
  backup: RestorePointOutput;
}
export interface RestorePointOutput {
  backup_id: string;
  vm: string;
  repository: string;
  /**
   * The VM that it counts as one of: its instance uuid, or what `adopt` said; null: it does not say.
   */
  identity?: string | null;
  kind: 'full' | 'incremental';
  parent: string | null;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  file_bytes: number;
  capacity_bytes: number;
  chain_length: number;
  disks: {
    disk: string;
    mode: string;
    reason: string;
    capacity_bytes: number;
    file_bytes: number;
    bytes_transferred: number;
    /**
     * Data that was read from the source; missing where an older version made it.
     */
    bytes_read?: number;
    /**
     * Data that was written to the target; missing where an older version made it.
     */
    bytes_sent?: number;
    change_id: string | null;
    parent: string | null;
    path: string;
    digest: string;
    /**
     * Of an encrypted disk: its key.
     */
    key_id?: string;
    /**
     * Of a compressed disk: length of its file before.
     */
    plain_bytes?: number;
  }[];
  warnings: string[];
  /**
   * Disks of the VM that are not in this restore point.
   */
  not_protected?: NotProtected[];
  snapshot?: SnapshotFacts | null;
  /**
   * Absolute path of the VM's configuration.
   */
  vm_config?: string | null;
  protected: {
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Null: for ever.
     */
    until: number | null;
    reason: string;
    by: string;
  } | null;
  broken: {
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Numbers of the damaged disks; none: the manifest or the VM's configuration is damaged.
     */
    disks: number[];
    reason: string;
    /**
     * The run that found it.
     */
    run_id: string | null;
    /**
     * What was looked at; where the files are others since, the mark is about nothing that is there.
     */
    judged?: {
      /**
       * `checksum` of the manifest; null: it could not be read.
       */
      manifest: string | null;
      /**
       * The damaged disks, as the manifest has them.
       */
      disks: {
        number: number;
        file_bytes: number;
        file_mtime_ns: string;
        envelope: string | null;
      }[];
    };
  } | null;
  /**
   * What the last verification of each level found, in the order of the levels. Empty: nobody has verified it.
   */
  verifications?: VerificationOutput[];
  /**
   * What its own files take on the disk; only in `show`.
   */
  held_bytes?: number;
  /**
   * `boot keep` made it; null: a backup made it.
   */
  kept: KeptFrom | null;
  used_by?: UsedBy;
  /**
   * It is the safety backup before a restore in place of that restore point; null or missing: it is none.
   */
  before_restore?: string | null;
}
export interface VerificationOutput {
  /**
   * quick, digests, deep: how much of its files was read. boot: its guest came up. files: its file systems opened.
   */
  level: 'quick' | 'digests' | 'deep' | 'boot' | 'files';
  ok: boolean;
  /**
   * Milliseconds since the epoch.
   */
  finished: number;
  /**
   * What was wrong, or a remark; null: nothing.
   */
  detail: string | null;
}
/**
 * `GET /api/v1/backups`: restore points, newest first.
 */
export interface HubBackups {
  version: 1;
  backups: RestorePointOutput[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * How what a guest wrote is stored.
 */
export interface HubBootKeep {
  /**
   * Default: as the repository says.
   */
  compress?: 'none' | 'zstd';
}
/**
 * Where the disks of a VM that runs from a restore point go.
 */
export interface HubBootMove {
  /**
   * An absolute path below one of `hub: restoreTo`.
   */
  directory: string;
  /**
   * Bytes in a second: 100MiB. Default: as fast as it can be.
   */
  limit?: string;
}
/**
 * How a VM that runs from a restore point is switched off.
 */
export interface HubBootOff {
  /**
   * Pull its plug instead of asking the guest to shut down.
   */
  force?: boolean;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout?: string;
}
/**
 * A VM that is to run from a restore point.
 */
export interface HubBootRequest {
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  identity?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
  /**
   * As `--point`: latest, an id, a day, a time, or `before` one of these. Default: latest.
   */
  point?: string;
  /**
   * none; isolated: network cards that reach nothing; bridge:NAME: a bridge of the hub; or the name of a network of libvirt. Default: none.
   */
  network?: string;
  /**
   * Keep the MAC addresses; only if the old VM is off.
   */
  keep_mac?: boolean;
  /**
   * Keep the uuid that the guest sees; only if the old VM is off.
   */
  keep_identity?: boolean;
  /**
   * Instead of what was saved: 4GiB.
   */
  memory?: string;
  /**
   * Instead of what was saved.
   */
  cpus?: number;
  /**
   * Instead of what was saved.
   */
  firmware?: 'bios' | 'efi';
  /**
   * What runs the guest. Default: auto.
   */
  accel?: 'auto' | 'kvm' | 'tcg';
  /**
   * Where the folder with what the guest writes is made: an absolute path below one of `hub: restoreTo`. Default: beside the state database.
   */
  folder?: string;
  /**
   * The guest is paused while the disk that it writes to has less free. Default: 1GiB.
   */
  reserve?: string;
  /**
   * The guest is paused when it has written so much. Default: no limit.
   */
  quota?: string;
}
/**
 * `GET /api/v1/backups/chain/{vm_name}`: the restore points of a VM, oldest first. The next page has older ones.
 */
export interface HubChain {
  version: 1;
  vm: string;
  points: RestorePointOutput[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * What the next incremental backup of a VM asks the hypervisor for.
 */
export interface ChangeIdsOutput {
  version: 1;
  vm_name: string;
  repository_id: string;
  /**
   * The newest restore point.
   */
  backup_id: string;
  disks: {
    disk: string;
    /**
     * Of the disk, as the hypervisor has it.
     */
    uuid: string | null;
    /**
     * Null: there is none, and the next backup compares, or is full.
     */
    change_id: string | null;
  }[];
}
/**
 * How a repository is checked.
 */
export interface HubCheckRequest {
  /**
   * Without reading the images; default false.
   */
  quick?: boolean;
  /**
   * Only the restore points of this VM.
   */
  vm?: string;
  /**
   * Backup id, sortable by time.
   */
  point?: string;
}
/**
 * `GET /api/v1/repositories/{name}/check`: the last check that this API began.
 */
export interface HubCheck {
  version: 1;
  repository: string;
  /**
   * never: nobody has asked since the hub was started.
   */
  state: 'never' | 'running' | 'ended';
  /**
   * Who asked.
   */
  by: string | null;
  /**
   * Milliseconds since the epoch.
   */
  begun: number | null;
  /**
   * Milliseconds since the epoch.
   */
  ended: number | null;
  /**
   * Why there is no answer.
   */
  error: null | ErrorOutput;
  /**
   * null: it has none yet.
   */
  result: null | HubCheckResult;
}
export interface HubCheckResult {
  ok: boolean;
  quick: boolean;
  points_checked: number;
  /**
   * Bytes.
   */
  bytes_read: number;
  findings: Findings;
  findings_total: number;
}
/**
 * What is copied, and where to. Say `vm` or `point`.
 */
export interface HubCopyRequest {
  /**
   * All restore points of this VM.
   */
  vm?: string;
  /**
   * Backup id, sortable by time.
   */
  point?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  to: string;
  /**
   * Remove what was copied and proven where it was.
   */
  move?: boolean;
}
/**
 * Restore points that are copied, or moved, to another repository of the hub.
 */
export interface HubCopy {
  version: 1;
  from: string;
  to: string;
  /**
   * never: nobody has asked since the hub was started.
   */
  state: 'never' | 'running' | 'ended';
  /**
   * Who asked.
   */
  by: string | null;
  /**
   * Milliseconds since the epoch.
   */
  begun: number | null;
  /**
   * Milliseconds since the epoch.
   */
  ended: number | null;
  /**
   * Why there is no answer.
   */
  error: null | ErrorOutput;
  /**
   * null: it has none yet.
   */
  result: CopyOutput | null;
}
export interface CopyOutput {
  version: 1;
  vm: string;
  from: string;
  to: string;
  move: boolean;
  points: {
    backup_id: string;
    state: 'copied' | 'present';
    /**
     * Bytes.
     */
    bytes: number;
    /**
     * From where it was copied.
     */
    removed: boolean;
    /**
     * Why a move left it where it was.
     */
    kept_because: string | null;
  }[];
  /**
   * Bytes.
   */
  bytes_sent: number;
  files_sent: number;
  files_present: number;
  warnings: string[];
}
/**
 * A user and a password for a source.
 */
export interface HubCredentialAdd {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * User at the source.
   */
  user: string;
  /**
   * Kept encrypted, and never answered.
   */
  password: string;
}
/**
 * Another password for a credential.
 */
export interface HubCredentialPassword {
  /**
   * Kept encrypted, and never answered.
   */
  password: string;
}
/**
 * How a credential is tried.
 */
export interface HubCredentialTest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  source?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node?: string;
  /**
   * What its user has to be able to do. Default: backup.
   */
  purpose?: 'backup' | 'restore';
}
/**
 * Which attached disks go: all of them or none.
 */
export interface HubDetachRequest {
  /**
   * Managed object id of the VM that has them, `moref` of the list.
   */
  vm: string;
  /**
   * Their ids, `id` of the list.
   *
   * @minItems 1
   * @maxItems 60
   */
  disks: [string, ...string[]];
  /**
   * Of disks that are not what their marks say, the marks go and the disks stay. Default: false.
   */
  forget?: boolean;
  /**
   * The node that asks. Default: local.
   */
  node?: string;
}
/**
 * Which node asks the source.
 */
export interface HubDiscoverRequest {
  /**
   * Default: local.
   */
  node?: string;
}
/**
 * `GET /api/v1/sources/{name}/discovery`: the VMs that a source had when it was asked last, and the plans that back them up.
 */
export interface HubDiscovery {
  version: 1;
  source: string;
  /**
   * never: nobody has asked since the hub was started.
   */
  state: 'never' | 'running' | 'ended';
  /**
   * Who asked.
   */
  by: string | null;
  /**
   * Milliseconds since the epoch.
   */
  begun: number | null;
  /**
   * Milliseconds since the epoch.
   */
  ended: number | null;
  /**
   * Why there is no answer.
   */
  error: null | ErrorOutput;
  /**
   * That asked.
   */
  node: string | null;
  /**
   * VMs of the source.
   */
  total: number;
  /**
   * Of these, VMs that no plan backs up; without templates.
   */
  unprotected: number;
  warnings: string[];
  /**
   * A page of them: those that no plan backs up first, then by name.
   */
  vms: HubDiscoveredVm[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
export interface HubDiscoveredVm {
  name: string;
  /**
   * In the inventory. null: the source has none.
   */
  path: string | null;
  /**
   * Managed object id. null: the source has none.
   */
  id: string | null;
  power: 'poweredOn' | 'poweredOff' | 'suspended' | 'unknown';
  template: boolean;
  guest: string | null;
  disks: number;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  /**
   * What stops or weakens a backup.
   */
  findings: string[];
  /**
   * A finding stops every backup of it.
   */
  stopped: boolean;
  /**
   * That back it up.
   */
  plans: string[];
  /**
   * Its name in plans and repositories. null: none has it.
   */
  vm: string | null;
  /**
   * Why a plan should back it up. null: one does.
   */
  reason: string | null;
}
/**
 * The VM of another hub that is gone.
 */
export interface HubForgetBoot {
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
}
/**
 * What is put aside, or removed.
 */
export interface HubGcRequest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
  /**
   * Remove for good, also what was put aside before.
   */
  purge?: boolean;
  /**
   * Only say what.
   */
  dry_run?: boolean;
}
/**
 * `GET /api/v1/groups/{name}`: a group, its VMs as its newest run found them, and how the last run of each went.
 */
export interface HubGroup {
  version: 1;
  plan: HubPlan;
  /**
   * The last one that has ended. Null: none has.
   */
  last_run: HistoryRun | null;
  /**
   * In the order in which the group runs them.
   */
  members: {
    /**
     * Of the VM, as the source has it.
     */
    name: string;
    /**
     * Name of the VM in plan and repository.
     */
    vm: string;
    /**
     * Name of its own plan, which the group makes.
     */
    plan: string;
    /**
     * The run of the group has not begun with it yet.
     */
    waits: boolean;
    /**
     * Its newest run; null: there was none.
     */
    run: {
      run_id: string;
      status: string;
      /**
       * Milliseconds since the epoch.
       */
      started: number;
      finished: number | null;
      warnings: number;
      error: ErrorOutput | null;
    } | null;
  }[];
  /**
   * The run of the group that found the VMs; null: none has.
   */
  run_id: string | null;
  /**
   * That run goes on.
   */
  running: boolean;
}
/**
 * A plan that ran, or that is scheduled.
 */
export interface HubPlan {
  plan: string;
  kind: string | null;
  /**
   * The right that running it takes.
   */
  right: string;
  /**
   * `*` for plans about several VMs.
   */
  vm: string | null;
  file: string;
  /**
   * Its file, as it is now, is in force.
   */
  valid: boolean;
  /**
   * null: it was never watched, or is no more.
   */
  health: Items | null;
  /**
   * null: it has none.
   */
  schedule: ScheduleOutput | null;
}
export interface Items {
  plan: string;
  kind: string;
  /**
   * *: several.
   */
  vm: string;
  repository: string | null;
  file: string;
  /**
   * late: no success within the rpo; failing: the last run failed; never: none succeeded yet; clock: the last success or slot is in the future; gone: its file is not there.
   */
  state: 'ok' | 'late' | 'failing' | 'never' | 'running' | 'paused' | 'clock' | 'gone';
  /**
   * No success within the rpo, whatever goes on.
   */
  late: boolean;
  /**
   * When the last successful run ended, milliseconds since the epoch.
   */
  last_success: number | null;
  last_success_run: string | null;
  /**
   * Since the last successful run began; null: there was none.
   */
  age_ms: number | null;
  /**
   * Null: the plan has none.
   */
  rpo_ms: number | null;
  last_failure: number | null;
  last_failure_run: string | null;
  /**
   * Null: the last run did not fail.
   */
  failing_since: number | null;
  /**
   * Failed runs one after another.
   */
  failures: number;
  /**
   * Of the last run, where it failed.
   */
  error: ErrorOutput | null;
  /**
   * Slots of the schedule that were missed since the last success.
   */
  missed_slots: number;
  /**
   * Since when.
   */
  paused: number | null;
}
export interface ScheduleOutput {
  plan: string;
  kind: string | null;
  /**
   * * where the plan is about several.
   */
  vm: string | null;
  file: string;
  cron: string | null;
  timezone: string | null;
  enabled: boolean;
  /**
   * The next slot; null: none, because the plan is invalid, not enabled, paused, or no day ever comes.
   */
  next: number | null;
  /**
   * The next slot with the jitter of this host.
   */
  begins: number | null;
  paused: Paused;
  /**
   * Failed runs one after another.
   */
  failures: number;
  /**
   * Why the file as it is now is not in force; the last valid text is, where there was one.
   */
  error: null | ErrorOutput;
  /**
   * The newest slot of which something became.
   */
  last: null | SlotOutput;
}
export interface HistoryRun {
  run_id: string;
  plan: string;
  kind: string;
  /**
   * `*` for plans about several VMs.
   */
  vm: string;
  /**
   * manual, command (no plan, but what a command made of its options), schedule, timer, catch-up, backfill or group.
   */
  trigger: string;
  /**
   * The time of the schedule that it is for, milliseconds since the epoch.
   */
  slot: number | null;
  /**
   * The run of the group that it belongs to.
   */
  parent_run: string | null;
  node: string | null;
  repository: string | null;
  status: string;
  exit_code: number | null;
  /**
   * Milliseconds since the epoch.
   */
  started: number;
  finished: number | null;
  duration_ms: number | null;
  bytes_transferred: number;
  /**
   * Data that was read from the source. Null: the run does not say.
   */
  bytes_read: number | null;
  /**
   * Data that was sent to the repository. Null: the run does not say.
   */
  bytes_sent: number | null;
  /**
   * What the qcow2 files of the run take. Null: the run does not say.
   */
  bytes_stored: number | null;
  backup_id: string | null;
  warnings: number;
  error: ErrorOutput | null;
}
/**
 * `GET /api/v1/groups`: plans that back up many VMs, by name.
 */
export interface HubGroups {
  version: 1;
  groups: HubGroupLine[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
export interface HubGroupLine {
  plan: HubPlan;
  /**
   * The last one that has ended. Null: none has.
   */
  last_run: HistoryRun | null;
  /**
   * VMs that the last run was about.
   */
  members: number;
  /**
   * Of these, those that it did not back up.
   */
  failed: number;
}
/**
 * `GET /api/v1/repositories/{name}/growth`: what restore points added to a repository day by day, and when it will be full.
 */
export interface HubGrowth {
  version: 1;
  repository: string;
  /**
   * 2026-10-26; of `days`.
   */
  first_day: string;
  /**
   * Bytes that the restore points of each day added, oldest first; the last one is today, which is not over. The first restore point of a VM does not count, and neither do those that were pruned.
   *
   * Items: Bytes.
   */
  days: number[];
  /**
   * Bytes that may still be filled: what is free without `minFree`, and what the quota leaves. null: not known.
   */
  room: number | null;
  forecast: GrowthForecast;
}
export interface GrowthForecast {
  /**
   * not-enough: fewer than 7 whole days are known; steady: it does not grow.
   */
  state: 'known' | 'not-enough' | 'steady';
  /**
   * Whole days that were counted, 30 at most.
   */
  days: number;
  /**
   * Bytes: the mean of these days.
   */
  per_day: number | null;
  /**
   * Two standard errors of the mean below it.
   */
  per_day_low: number | null;
  /**
   * Two standard errors of the mean above it.
   */
  per_day_high: number | null;
  /**
   * By the mean. null: never, as far as that tells.
   */
  full_in_days: number | null;
  /**
   * By `per_day_high`.
   */
  earliest_days: number | null;
  /**
   * By `per_day_low`. null: perhaps never.
   */
  latest_days: number | null;
}
/**
 * `GET /api/v1/health` of the hub.
 */
export interface HubHealth {
  status: 'ok';
  version: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  ssh: 'builtin' | 'openssh';
  nodes_connected: number;
  /**
   * Runs that are going on.
   */
  runs: number;
}
/**
 * How restore points are entered.
 */
export interface HubImportRequest {
  /**
   * Forget those that the repository has no longer.
   */
  forget_missing?: boolean;
}
/**
 * How far a question is that takes longer than a request. The hub forgets the answer when it ends.
 */
export interface HubInquiry {
  /**
   * never: nobody has asked since the hub was started.
   */
  state: 'never' | 'running' | 'ended';
  /**
   * Who asked.
   */
  by: string | null;
  /**
   * Milliseconds since the epoch.
   */
  begun: number | null;
  /**
   * Milliseconds since the epoch.
   */
  ended: number | null;
  /**
   * Why there is no answer.
   */
  error: null | ErrorOutput;
}
/**
 * Which disks of a VM of libvirt go: all of them or none.
 */
export interface HubKvmDetachRequest {
  /**
   * uuid of the VM that has them, `moref` of the list.
   */
  vm: string;
  /**
   * Their ids, `id` of the list.
   *
   * @minItems 1
   * @maxItems 60
   */
  disks: [string, ...string[]];
  /**
   * Of disks that are not what their marks say, the marks go and the disks stay. Default: false.
   */
  forget?: boolean;
  /**
   * Where libvirt answers. Default: qemu:///system.
   */
  libvirt?: 'qemu:///system' | 'qemu:///session';
}
/**
 * How one can log in, beside name and password.
 */
export interface LoginWays {
  /**
   * The identity provider of `hub: oidc`; null: none.
   */
  oidc: {
    /**
     * What people call it.
     */
    name: string;
  } | null;
}
/**
 * Name and password of a user.
 */
export interface LoginRequest {
  name: string;
  password: string;
}
/**
 * What is measured.
 */
export interface HubMeasureRequest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
}
/**
 * A node that is to join.
 */
export interface HubNodeAdd {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * How long the token is good, ms. Default: an hour.
   */
  expires_ms?: number;
}
/**
 * Another name for a node.
 */
export interface HubNodeRename {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  to: string;
}
/**
 * A new token for a node that is there.
 */
export interface HubNodeToken {
  /**
   * How long the token is good, ms. Default: an hour.
   */
  expires_ms?: number;
}
/**
 * Which channel gets a message that says that it is a test.
 */
export interface HubNoticeTest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  channel?: string;
}
/**
 * `GET /api/v1/notices`: notices and what became of them, newest first.
 */
export interface HubNotices {
  version: 1;
  notices: Notices;
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * `GET /api/v1/plans/{name}`.
 */
export interface HubOnePlan {
  version: 1;
  plan: HubPlan;
}
/**
 * `GET /api/v1/repositories/{name}`: what `sendense-run repo usage NAME --json` prints, and when it was measured.
 */
export interface HubOneRepository {
  version: 1;
  /**
   * Milliseconds since the epoch.
   */
  measured: number;
  repository: Items1;
}
export interface Items1 {
  repository: string;
  path: string;
  /**
   * In its marker.
   */
  id: string | null;
  /**
   * new: nothing was made there yet.
   */
  state: 'ready' | 'new' | 'unusable';
  error: string | null;
  points: number;
  /**
   * Bytes of its file system that are free.
   */
  free: number | null;
  /**
   * Bytes of its file system.
   */
  total: number | null;
  /**
   * Bytes that its files take on the disk.
   */
  used: number | null;
  /**
   * Of these, what `repo gc` has put aside.
   */
  trash: number | null;
  /**
   * Bytes.
   */
  min_free: number;
  /**
   * Bytes.
   */
  quota: number | null;
  /**
   * Bytes.
   */
  vm_quota: number | null;
  /**
   * Bytes, from the restore points of the last 30 days; null: they span less than a day.
   */
  growth_per_day: number | null;
  /**
   * If it grows as it does and nothing is removed.
   */
  full_in_days: number | null;
  immutable: {
    wanted: 'off' | 'try' | 'require';
    /**
     * Why it does not work here; null: it does, or it was not tried.
     */
    problem: string | null;
  };
  vms: {
    vm: string;
    context: string;
    points: number;
    /**
     * Bytes.
     */
    allocated_bytes: number;
    /**
     * Bytes.
     */
    logical_bytes: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Bytes, from the restore points of the last 30 days; null: they span less than a day.
     */
    growth_per_day: number | null;
    /**
     * Milliseconds since the epoch.
     */
    oldest: number | null;
    /**
     * Milliseconds since the epoch.
     */
    newest: number | null;
  }[];
}
/**
 * `GET /api/v1/vms/{vm}`.
 */
export interface HubOneVm {
  version: 1;
  /**
   * When the answer was made.
   */
  time: number;
  first_day: string | null;
  vm: HubVm;
}
/**
 * A VM: how well it is protected, and what there is of it.
 */
export interface HubVm {
  vm: string;
  /**
   * protected: as its plans want; late: the newest restore point is older than the rpo; failing: the last backup failed; never: it has no restore point; paused: its plan is paused; clock: the newest restore point is in the future; unplanned: no plan wants backups of it.
   */
  state: 'protected' | 'late' | 'failing' | 'never' | 'paused' | 'clock' | 'unplanned';
  /**
   * What is wrong, in words. null: nothing.
   */
  reason: string | null;
  /**
   * Plans that make backups of it.
   */
  plans: string[];
  repositories: string[];
  /**
   * The shortest of its plans. null: they have none.
   */
  rpo_ms: number | null;
  /**
   * Since the backup of the newest restore point began that is not known to be damaged, nor built on one that is. null: there is none.
   */
  age_ms: number | null;
  points: number;
  /**
   * Restore points that are known to be damaged.
   */
  damaged: number;
  /**
   * When the last of them was found. null: there is none.
   */
  damaged_since: number | null;
  /**
   * Restore points that somebody has protected.
   */
  protected: number;
  /**
   * Size of the files of its restore points.
   */
  file_bytes: number;
  /**
   * When its oldest restore point was made.
   */
  oldest: number | null;
  newest: {
    backup_id: string;
    repository: string;
    kind: 'full' | 'incremental';
    created: number;
  } | null;
  /**
   * When a restore point of it was last verified. null: never.
   */
  verified: number | null;
  /**
   * Its last backup that has ended.
   */
  last_run: {
    run_id: string;
    plan: string;
    status: string;
    started: number;
    finished: number;
    /**
     * Of its error.
     */
    code: string | null;
    /**
     * Of its error.
     */
    message: string | null;
  } | null;
  /**
   * Id of the run that makes a backup of it now.
   */
  running: string | null;
  /**
   * When its next backup is due. null: no schedule says so.
   */
  next: number | null;
  /**
   * One letter for each day that was asked for, oldest first: s all backups succeeded, w with warnings, f one failed, c cancelled, r runs, . no backup. The worst of the day counts.
   */
  days?: string;
}
/**
 * A new password of who is logged in.
 */
export interface OwnPasswordRequest {
  /**
   * The password until now.
   */
  present: string;
  /**
   * The new one.
   */
  password: string;
}
/**
 * A plan file that is to be made.
 */
export interface PlanFileNew {
  /**
   * Path below the folder of the plans. Folders in it have to be there.
   */
  file: string;
  /**
   * It is saved byte for byte.
   */
  text: string;
  /**
   * Also a text that is no valid plan.
   */
  force?: boolean;
}
/**
 * The new text of a plan file.
 */
export interface PlanFileSave {
  /**
   * It is saved byte for byte.
   */
  text: string;
  /**
   * Also a text that is no valid plan.
   */
  force?: boolean;
}
/**
 * A plan file. The ETag of the answer is the version of its bytes.
 */
export interface HubPlanFile {
  version: 1;
  /**
   * Path below the folder of the plans.
   */
  file: string;
  /**
   * The version of its bytes, as the ETag of the answer: `If-Match` of a change.
   */
  etag: string;
  /**
   * All of it, with its comments.
   */
  text: string;
}
/**
 * `GET /api/v1/plan-files`: every plan file, by name.
 */
export interface HubPlanFiles {
  version: 1;
  /**
   * Whether the settings let files be read and written over HTTP (`hub: editPlans`).
   */
  editable: boolean;
  /**
   * Where they are, on the hub.
   */
  folder: string;
  files: {
    /**
     * Path below the folder.
     */
    file: string;
    /**
     * Name of the plan; null: it cannot be read.
     */
    plan: string | null;
    kind: string | null;
    valid: boolean;
    /**
     * The first error, with line and column; null: there is none.
     */
    problem: string | null;
    /**
     * A symbolic link: it can be run, and neither read nor changed here.
     */
    link: boolean;
    bytes: number;
    /**
     * Milliseconds since the epoch.
     */
    modified: number;
  }[];
}
/**
 * A plan that nobody has saved yet.
 */
export interface HubPlanProposal {
  version: 1;
  /**
   * What its file could be called.
   */
  file: string;
  /**
   * It is valid.
   */
  text: string;
}
/**
 * `GET /api/v1/plans/{name}/text`: the text of a plan, to be read.
 */
export interface HubPlanText {
  version: 1;
  plan: string;
  /**
   * Where a secret may stand there are asterisks. With a schedule, the text that is in force.
   */
  text: string;
  /**
   * Its name among the plan files; null: it is not below the folder of the plans, or the settings do not let plans be edited.
   */
  file: string | null;
}
/**
 * The text of a plan.
 */
export interface PlanTextRequest {
  /**
   * YAML.
   */
  text: string;
  mode?: 'auto' | 'full' | 'incremental';
  /**
   * Path below the folder of the plans that messages name, and from which paths in the text count; the file need not be there. It takes the right `plan`. Default: none.
   */
  file?: string;
}
/**
 * `GET /api/v1/plans`: plans, by name.
 */
export interface HubPlans {
  version: 1;
  plans: HubPlan[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * Which restore point of a VM is meant.
 */
export interface HubPointChoose {
  /**
   * Name of the VM.
   */
  vm_name: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
  /**
   * As `--point`: latest, an id, a day, a time, or `before` one of these. Or as in a plan. Default: latest.
   */
  point?:
    | string
    | (
        | string
        | {
            /**
             * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
             */
            before: string;
            /**
             * Together with `before`: no point older than this time. ISO 8601 with a zone.
             */
            from?: string;
          }
        | {
            /**
             * The last point made at this time or before it. ISO 8601 with a zone.
             */
            at: string;
          }
      );
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  identity?: string;
}
/**
 * The restore point that is meant.
 */
export interface HubPointChosen {
  version: 1;
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  repository: string;
  /**
   * Why it is this one.
   */
  why: string;
}
/**
 * How far the runs are that go on, newest first. A run that has not said anything yet is not in it.
 */
export interface HubProgress {
  version: 1;
  runs: {
    run_id: string;
    plan: string;
    /**
     * *: several.
     */
    vm: string;
    /**
     * The run of the group that it belongs to.
     */
    parent_run: string | null;
    /**
     * What the step that runs does, in words.
     */
    title: string | null;
    /**
     * Milliseconds since the epoch.
     */
    time: number;
    /**
     * Bytes.
     */
    bytes_done: number;
    /**
     * Bytes.
     */
    bytes_total: number;
    /**
     * Bytes per second.
     */
    rate: number;
    overall: OverallProgress | null;
  }[];
}
/**
 * Keeps a restore point whatever a policy says.
 */
export interface ProtectionRequest {
  /**
   * Milliseconds since 1970; null: for ever.
   */
  until: number | null;
  reason?: string;
}
/**
 * The password of who is logged in.
 */
export interface ProveRequest {
  password: string;
}
/**
 * `GET /api/v1/plans/{name}/prune-preview`: what the retention of a plan would remove now, by VM.
 */
export interface HubPrunePreview {
  version: 1;
  plan: string;
  /**
   * never: nobody has asked since the hub was started.
   */
  state: 'never' | 'running' | 'ended';
  /**
   * Who asked.
   */
  by: string | null;
  /**
   * Milliseconds since the epoch.
   */
  begun: number | null;
  /**
   * Milliseconds since the epoch.
   */
  ended: number | null;
  /**
   * Why there is no answer.
   */
  error: null | ErrorOutput;
  /**
   * null: it has none yet.
   */
  result: null | HubPruneResult;
}
export interface HubPruneResult {
  repository: string;
  freed: FreedBytes;
  /**
   * Restore points.
   */
  stay: number;
  /**
   * Restore points.
   */
  go: number;
  /**
   * Patterns that no VM of the repository fits.
   */
  unmatched: string[];
  vms: HubPrunedVm[];
}
export interface HubPrunedVm {
  vm: string;
  stay: number;
  go: number;
  freed: FreedBytes;
  /**
   * Why nothing of this VM would be removed.
   */
  error: string | null;
  remarks: string[];
}
/**
 * Which restore points go: by the retention of a plan, by rules, or by their names.
 */
export interface HubPruneRequest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  plan?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository?: string;
  vms?: VmPatterns;
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  identity?: string;
  retention?: Retention1;
  /**
   * In place of `plan` and `retention`: ids of the restore points that go.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: Backup id, sortable by time.
   */
  points?: [string, ...string[]];
}
/**
 * Which restore points stay. A point stays if any rule keeps it.
 */
export interface Retention1 {
  /**
   * Keep the newest N points.
   */
  last?: number;
  /**
   * Keep the newest point of each of the last N hours that have one.
   */
  hourly?: number;
  /**
   * Keep the newest point of each of the last N days that have one.
   */
  daily?: number;
  /**
   * Keep the newest point of each of the last N weeks (Monday to Sunday) that have one.
   */
  weekly?: number;
  /**
   * Keep the newest point of each of the last N months that have one.
   */
  monthly?: number;
  /**
   * Keep the newest point of each of the last N years that have one.
   */
  yearly?: number;
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  minAge?: string;
  /**
   * IANA time zone in which hours, days, weeks, months and years are counted. Default: the zone of the schedule, else UTC.
   */
  timezone?: string;
}
/**
 * What is cleaned up.
 */
export interface HubRecoverRequest {
  /**
   * Id of a run, sortable by time.
   */
  ended?: string;
}
/**
 * `GET /api/v1/repositories`: what `sendense-run repo list --json` prints, and when it was measured.
 */
export interface HubRepositories {
  version: 1;
  /**
   * When what the files take was measured.
   */
  measured: number;
  repositories: Repositories;
}
/**
 * Opens a restore point to read files of it.
 */
export interface RestoreMountRequest {
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * `latest`, an id, a day, or a time, as `--point` takes them. Default: latest.
   */
  point?: string;
  /**
   * Default: the one that has the VM.
   */
  repository?: string;
  /**
   * Uuid of the VM, where several have the name.
   */
  identity?: string;
}
/**
 * Where the content of a file lies in the files of a restore point.
 */
export interface RestorePlaces {
  /**
   * As `download` has it.
   */
  etag: string;
  /**
   * Of the file, bytes.
   */
  size: number;
  /**
   * Absolute paths.
   */
  files: string[];
  /**
   * Bytes, in the order of the file. Between them there are zeros. null: not all of it lies in files as it is, use `download`.
   */
  places:
    | {
        /**
         * In the file.
         */
        at: number;
        length: number;
        /**
         * Which of `files`.
         */
        file: number;
        /**
         * In that file.
         */
        offset: number;
      }[]
    | null;
}
/**
 * A selection that can be downloaded as an archive.
 */
export interface RestoreSelected {
  version: 1;
  /**
   * Of the selection. It is known until the restore point is closed.
   */
  id: string;
}
/**
 * Files and folders of one volume for one archive.
 */
export interface RestoreSelectionRequest {
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Bytes of the paths in the volume as base64url, from `id` of a listing.
   *
   * @maxItems 10000
   */
  paths: string[];
  /**
   * Folders that come without what is in them, with their owners, modes and times.
   *
   * @maxItems 10000
   */
  folders?: string[];
  /**
   * The folder below which names in the archive begin; all paths are in it. Default: the root. For tar.
   */
  from?: string;
  /**
   * Default: tar.
   */
  format?: 'tar' | 'tar.gz' | 'zip';
}
/**
 * A restore of disks, or of a whole VM.
 */
export interface HubRestoreRequest {
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  identity?: string;
  /**
   * Name of a repository. Default: the one that has the VM.
   */
  repository?: string;
  /**
   * As `--point`: latest, an id, a day, a time, or `before` one of these. Default: latest.
   */
  point?: string;
  /**
   * Numbers of the disks, from 0. Default: all.
   *
   * @minItems 1
   * @maxItems 1000
   */
  disks?: [number, ...number[]];
  /**
   * Where to, as `to` of a plan of kind restore (docs/plans/restore.md): `{ "vsphere": "vcenter1", "name": "pgtest1-monday" }`. Folders and files are absolute paths below one of `hub: restoreTo`.
   */
  to: {};
  /**
   * Compare the restored disks with the block index. Default: true.
   */
  verify?: boolean;
}
/**
 * Where restores over HTTP can go.
 */
export interface HubRestoreTargets {
  version: 1;
  /**
   * Folders of the hub below which they may write: `hub: restoreTo`.
   */
  folders: string[];
  /**
   * Block devices of the hub that they may write to.
   */
  devices: string[];
  /**
   * What disks in a folder can be: `to.format`.
   */
  formats: string[];
  /**
   * vCenters and ESXi hosts: `to.vsphere`.
   */
  vspheres: string[];
  /**
   * Nodes that can write disks to them: `to.node`.
   */
  nodes: string[];
}
/**
 * Downloads and archives of an open restore point, and how they ended. Times are milliseconds since 1970.
 */
export interface RestoreTransfers {
  version: 1;
  /**
   * The newest last; of many the last 100.
   */
  transfers: {
    /**
     * The name that its caller gave it (`transfer` of the request).
     */
    transfer: string | null;
    action: 'download' | 'archive';
    /**
     * Id of the volume.
     */
    volume: string;
    /**
     * The file, or the first one of an archive, for people.
     */
    path: string;
    begun: number;
    /**
     * null: it goes on.
     */
    ended: number | null;
    /**
     * That were handed over; of `tar.gz` before they were packed.
     */
    bytes: number;
    /**
     * Why it broke off; null: it did not.
     */
    error: ErrorOutput | null;
    /**
     * A line for each file that is not in the archive, or not whole; of many the first.
     */
    left_out: string[];
  }[];
}
/**
 * What is the same in two restore points, by their block indexes.
 */
export interface RestoreUnchanged {
  version: 1;
  /**
   * Id of the restore point.
   */
  before: string;
  /**
   * Id of the restore point.
   */
  after: string;
  /**
   * Both have the same disks with the same content.
   */
  same: boolean;
  /**
   * Volumes that both have, and of which no block differs; null: not both are open.
   */
  volumes: string[] | null;
  /**
   * Block indexes that were not used, and why.
   */
  remarks: string[];
}
/**
 * Two restore points.
 */
export interface RestoreUnchangedRequest {
  before: RestoreMountRequest;
  after: RestoreMountRequest;
}
/**
 * The passphrase of a volume. It is not kept.
 */
export interface RestoreUnlockRequest {
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Of LUKS.
   */
  passphrase: string;
}
/**
 * A restore: how far it is, and what it has made.
 */
export interface HubRestore {
  version: 1;
  /**
   * Id of a run, sortable by time.
   */
  run_id: string;
  /**
   * Name of its plan; a request makes one that is called `restore-` and the VM.
   */
  plan: string;
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * Name of the repository.
   */
  repository: string;
  status: 'running' | 'complete' | 'cancelled' | 'failed';
  /**
   * Milliseconds since the epoch.
   */
  started: number;
  /**
   * Milliseconds since the epoch; null: it goes on.
   */
  finished: number | null;
  /**
   * The restore point; null: it is not chosen yet.
   */
  backup_id: string | null;
  /**
   * When that was made, milliseconds since the epoch.
   */
  created: number | null;
  /**
   * Why it is this one: `the latest`.
   */
  why: string | null;
  /**
   * Kind of what it restores to: directory, kvm, vsphere and so on; null: nothing is written yet, or it restores files.
   */
  target: string | null;
  /**
   * Folder of the hub that has the files; null: none.
   */
  directory: string | null;
  /**
   * Those that were written.
   */
  disks: {
    /**
     * disk-0, disk-1, …
     */
    disk: string;
    /**
     * Bytes.
     */
    bytes_total: number;
    /**
     * Bytes.
     */
    bytes_written: number;
    /**
     * Where it is.
     */
    path: string | null;
  }[];
  machine: {
    name: string;
    /**
     * Where it is, in words.
     */
    place: string;
    /**
     * Whether it was started.
     */
    started: boolean;
    /**
     * The command that starts it on the hub; null: it is started elsewhere.
     */
    start: string | null;
    /**
     * What is not as it was.
     */
    notes: string[];
  } | null;
  files: {
    files: number;
    /**
     * Bytes.
     */
    bytes: number;
    directory: string;
  } | null;
  error: ErrorOutput | null;
}
/**
 * `GET /api/v1/restores`: restores, newest first.
 */
export interface HubRestores {
  version: 1;
  restores: HistoryRun[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * What became of a request to cancel a run.
 */
export interface RunCancelOutput {
  version: 1;
  run_id: string;
  /**
   * `asked`: it stops and cleans up now; `ended`: it had ended before.
   */
  state: 'asked' | 'ended';
}
/**
 * A part of the log of a run.
 */
export interface HubRunLog {
  version: 1;
  run_id: string;
  /**
   * Number of the first event in the log, from 1.
   */
  first_line: number;
  events: RunEvent[];
  /**
   * `after` of the next part; also where there is none yet.
   */
  next: string;
  /**
   * There is more already.
   */
  more: boolean;
  /**
   * Nothing will be added to the log.
   */
  ended: boolean;
}
/**
 * First line.
 */
export interface RunStartedEvent {
  type: 'run.started';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  plan: string;
  kind: string;
  vm: string;
  file: string;
  steps: {
    id: string;
    uses: string;
    title: string;
  }[];
}
/**
 * A step began.
 */
export interface StepStartedEvent {
  type: 'step.started';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  uses: string;
  title: string;
  attempt: number;
}
/**
 * Bytes moved.
 */
export interface StepProgressEvent {
  type: 'step.progress';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  disks: {
    disk: string;
    phase: string;
    bytes_done: number;
    bytes_total: number;
    rate: number;
  }[];
  /**
   * Of a step that works on many things, such as the VMs of a group.
   */
  overall?: {
    done: number;
    /**
     * Of those that are done.
     */
    failed: number;
    total: number;
    /**
     * Milliseconds that are left; null where it cannot be told yet.
     */
    left_ms: number | null;
  };
}
/**
 * Something worth saying.
 */
export interface StepLogEvent {
  type: 'step.log';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  level: 'info' | 'warning';
  message: string;
}
/**
 * A step ended well.
 */
export interface StepSucceededEvent {
  type: 'step.succeeded';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  duration_ms: number;
  output: unknown;
}
/**
 * A step's condition was false.
 */
export interface StepSkippedEvent {
  type: 'step.skipped';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  reason: string;
}
/**
 * A step failed; retry_in_ms is null when it is not tried again.
 */
export interface StepFailedEvent {
  type: 'step.failed';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  duration_ms: number;
  error: ErrorOutput;
  retry_in_ms: number | null;
}
/**
 * A step is being undone.
 */
export interface UndoStartedEvent {
  type: 'undo.started';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
}
/**
 * A step was undone.
 */
export interface UndoFinishedEvent {
  type: 'undo.finished';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
}
/**
 * A step could not be undone.
 */
export interface UndoFailedEvent {
  type: 'undo.failed';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  step: string;
  error: ErrorOutput;
}
/**
 * The first signal came, or somebody asked for the end of the run over HTTP: then `signal` says who.
 */
export interface RunCancellingEvent {
  type: 'run.cancelling';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  signal: string;
}
/**
 * Last line.
 */
export interface RunFinishedEvent {
  type: 'run.finished';
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  run_id: string;
  plan: string;
  kind: string;
  vm: string;
  status: 'succeeded' | 'failed' | 'cancelled';
  exit_code: number;
  duration_ms: number;
  backup_id: string | null;
  error: ErrorOutput | null;
  undo_errors: ErrorOutput[];
  warnings: string[];
  disks: DiskResult[];
  /**
   * Of a group: how the run of each VM ended.
   */
  runs?: GroupedRun[];
}
/**
 * How far a run is, disk by disk.
 */
export interface HubRunProgress {
  version: 1;
  run_id: string;
  /**
   * Id of the step that runs; null: none has begun, or the run has ended.
   */
  step: string | null;
  /**
   * What the step does, in words.
   */
  title: string | null;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  /**
   * The disks that the step works on. Of a group: its VMs that are at work.
   */
  disks: {
    disk: string;
    phase: string;
    /**
     * Bytes.
     */
    bytes_done: number;
    /**
     * Bytes.
     */
    bytes_total: number;
    /**
     * Bytes per second.
     */
    rate: number;
  }[];
  overall: OverallProgress | null;
}
/**
 * How a plan is to be run.
 */
export interface RunStartRequest {
  /**
   * Of a backup plan: instead of what the plan says. The file of the plan is run then, also where its schedule has an older text in force.
   */
  mode?: 'auto' | 'full' | 'incremental';
}
/**
 * A run that has begun. It is a process of its own.
 */
export interface RunStartedOutput {
  version: 1;
  /**
   * `GET /api/v1/runs/{id}` tells how it goes.
   */
  run_id: string;
  /**
   * Name of the plan; null: it was made for this request.
   */
  plan: string | null;
}
/**
 * `GET /api/v1/runs`: runs, newest first.
 */
export interface HubRuns {
  version: 1;
  runs: HistoryRun[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * Why a schedule rests.
 */
export interface SchedulePauseRequest {
  /**
   * Shown beside the schedule.
   */
  reason?: string | null;
}
/**
 * `GET /api/v1/schedules`: what `sendense-run schedule list --json` prints, page by page.
 */
export interface HubSchedules {
  version: 1;
  schedules: ScheduleOutput[];
  duplicates: Duplicates;
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * Who is logged in, and what it may do.
 */
export interface SessionInfo {
  /**
   * Name of the user or token.
   */
  user: string;
  /**
   * Roles of the user.
   */
  roles: string[];
  /**
   * What the routes name as `x-right`.
   */
  rights: string[];
  /**
   * Patterns: the rights hold for VMs that fit one; null: for all.
   */
  vms: string[] | null;
  /**
   * When the session ends at the latest, milliseconds since the epoch; null: never.
   */
  expires: number | null;
  /**
   * After so long without a use it ends; null: never.
   */
  idle_ms: number | null;
  /**
   * Until then the password counts as typed lately, milliseconds since the epoch; null: always.
   */
  fresh_until: number | null;
  /**
   * Who knows the user: the hub, an identity provider, a trusted proxy; or it is a token.
   */
  kind: 'local' | 'oidc' | 'proxy' | 'token';
}
/**
 * How many sessions were ended.
 */
export interface SessionsEnded {
  ended: number;
}
/**
 * Who is logged in. Never a secret.
 */
export interface SessionsOutput {
  version: 1;
  sessions: Sessions;
  /**
   * Id of the session that asks; null: a token asks.
   */
  current: string | null;
}
/**
 * The VM that a plan is wanted for.
 */
export interface HubSourcePlanRequest {
  /**
   * Its name, inventory path or managed object id.
   */
  vm: string;
  /**
   * Node that asks the source. Default: local.
   */
  node?: string;
}
/**
 * Which VMs of a source are asked for.
 */
export interface HubSourceVms {
  /**
   * Only this one: its name, inventory path or managed object id.
   */
  vm?: string;
  /**
   * Only those below this inventory path.
   */
  folder?: string;
  /**
   * The node that asks. Default: local.
   */
  node?: string;
}
/**
 * `GET /api/v1/sources`: sources of sendense.yaml, without what they are logged in with.
 */
export interface HubSources {
  version: 1;
  sources: HubSource[];
  /**
   * That can be asked; `local` is the hub's own machine.
   */
  nodes: string[];
}
export interface HubSource {
  source: string;
  /**
   * vsphere, image.
   */
  type: string;
}
/**
 * `GET /api/v1/status`: what `sendense-run status --json` prints, what is wrong now, and how many VMs are protected.
 */
export interface HubStatus {
  version: 1;
  /**
   * When the answer was made.
   */
  time: number;
  /**
   * `38 of 41 VMs are protected as their plans want.`
   */
  sentence: string;
  /**
   * How many VMs are in each state; `total` is without `unplanned`.
   */
  vms: {
    total: number;
    protected: number;
    late: number;
    failing: number;
    never: number;
    paused: number;
    clock: number;
    unplanned: number;
  };
  /**
   * The worst first; at most 200.
   */
  wrong: HubTrouble[];
  wrong_total: number;
  /**
   * The next run that a schedule will begin.
   */
  next: {
    plan: string;
    begins: number;
  } | null;
  status: StatusOutput;
}
/**
 * Something that is wrong now.
 */
export interface HubTrouble {
  /**
   * failed: the last run failed; late: older than the rpo; never: no backup succeeded yet; missed: slots of the schedule passed without a run; damaged: restore points; invalid: a plan is not in force; gone: the file of a plan; clock: times in the future; disconnected: a node; full: a repository, nearly; left-behind: a run could not clean up; unread: restore points were not read for too long; channel: notices are not delivered; stuck: a prune; daemon: none runs, so that no schedule begins anything.
   */
  kind:
    | 'failed'
    | 'late'
    | 'never'
    | 'missed'
    | 'damaged'
    | 'invalid'
    | 'gone'
    | 'clock'
    | 'disconnected'
    | 'full'
    | 'left-behind'
    | 'unread'
    | 'channel'
    | 'stuck'
    | 'daemon';
  /**
   * In words.
   */
  message: string;
  /**
   * null: not known.
   */
  since: number | null;
  vm: string | null;
  plan: string | null;
  node: string | null;
  repository: string | null;
  /**
   * The run that says so.
   */
  run_id: string | null;
}
export interface StatusOutput {
  version: 1;
  runs: Items2[];
  leases: {
    port: number;
    run_id: string;
  }[];
  locks: {
    name: string;
    run_id: string;
    owner_alive: boolean;
  }[];
  /**
   * Plans that have run, and those of --plans, by name.
   */
  plans: Items[];
  /**
   * Repositories of the settings that have restore points: how far each is with reading the files of all of them again.
   */
  repositories: {
    repository: string;
    points: number;
    /**
     * `rereadWithin` of the repository; null: never.
     */
    reread_within_ms: number | null;
    /**
     * When the files of the restore point that was read longest ago were read. Milliseconds since the epoch.
     */
    oldest_read: number;
    /**
     * Restore points whose files were not read within that time.
     */
    late_points: number;
    /**
     * How long ago that was.
     */
    oldest_age_ms: number;
  }[];
  /**
   * VMs whose last prune could not remove restore points that no rule keeps. The reason does not go away by itself.
   */
  stuck_prunes?: {
    repository: string;
    /**
     * Directory of the VM in the repository.
     */
    vm: string;
    /**
     * Number of restore points that stay.
     */
    points: number;
    /**
     * Why the first of them stays.
     */
    reason: string;
    /**
     * Time of the first prune that found this; every prune since then found it too. Milliseconds since the epoch.
     */
    since: number;
  }[];
  /**
   * Repositories that the settings do not name, although this hub knows restore points in them.
   */
  unlisted?: {
    repository: string;
    points: number;
    vms: string[];
  }[];
  /**
   * Channels of notices that do not work.
   */
  channels: {
    channel: string;
    failing_since: number;
    failures: number;
    error: string | null;
    waiting: number;
  }[];
  /**
   * What is dated more than 10 minutes later than the clock: the clock was ahead, or is behind now.
   */
  in_future: {
    /**
     * success: of a plan; slot: until it the schedule of a plan counts as decided; restore-point: the newest of a VM.
     */
    what: 'success' | 'slot' | 'restore-point';
    plan: string | null;
    vm: string | null;
    repository: string | null;
    /**
     * Milliseconds since the epoch.
     */
    time: number;
  }[];
}
export interface Items2 {
  run_id: string;
  plan: string;
  vm: string;
  kind: string;
  status: string;
  /**
   * Milliseconds since the epoch.
   */
  started: number;
  finished: number | null;
  exit_code: number | null;
  backup_id: string | null;
  error: ErrorOutput | null;
  owner_alive: boolean;
  /**
   * What could not be cleaned up and is still there, such as a snapshot; `sendense-run recover` tries again.
   */
  left_behind?: string[];
}
/**
 * `GET /api/v1/timetable`: what schedules began and will begin in a span of time. Times are milliseconds since the epoch.
 */
export interface HubTimetable {
  version: 1;
  /**
   * Milliseconds since the epoch.
   */
  from: number;
  /**
   * Milliseconds since the epoch.
   */
  to: number;
  /**
   * By name.
   */
  plans: TimetablePlan[];
  /**
   * When plans may not begin, in the order in which it begins.
   */
  blackouts: TimetableBlackout[];
  /**
   * Where runs of this span will wait for others, by how long each took last. The first fifty.
   */
  conflicts: TimetableConflict[];
}
export interface TimetablePlan {
  plan: string;
  kind: string | null;
  /**
   * `*` for plans about several VMs.
   */
  vm: string | null;
  cron: string | null;
  timezone: string | null;
  enabled: boolean;
  /**
   * Since when, and why; null: it is not.
   */
  paused: null | Paused;
  /**
   * Why its file, as it is now, is not in force.
   */
  error: string | null;
  /**
   * When its next run begins.
   */
  next: number | null;
  /**
   * How long its last run that succeeded took, ms. null: none did.
   */
  takes: number | null;
  /**
   * Slots of this span that were decided, oldest first: when, what became of it, and its run.
   */
  past: {
    /**
     * Milliseconds since the epoch.
     */
    at: number;
    /**
     * waiting: it waits for its turn; claimed: its run is about to start; missed: no daemon ran; skipped, paused, blackout: no run, for that reason; any other value: the result of its run.
     */
    state:
      | 'waiting'
      | 'claimed'
      | 'running'
      | 'succeeded'
      | 'failed'
      | 'cancelled'
      | 'crashed'
      | 'missed'
      | 'skipped'
      | 'paused'
      | 'blackout';
    /**
     * Missing: it had none.
     */
    run?: string;
  }[];
  /**
   * When the runs of this span begin, jitter included.
   */
  coming: number[];
  /**
   * Slots of this span that a blackout keeps from beginning.
   */
  hindered: number[];
  /**
   * This span has more slots of it than are told.
   */
  more: boolean;
}
export interface TimetableBlackout {
  /**
   * Milliseconds since the epoch.
   */
  from: number;
  /**
   * Milliseconds since the epoch.
   */
  to: number;
  /**
   * As its plans say.
   */
  reason: string | null;
  /**
   * How many plans have it.
   */
  plans: number;
}
export interface TimetableConflict {
  /**
   * vm: two plans work on one VM; limit: more runs than `limits` of the settings allow.
   */
  kind: 'vm' | 'limit';
  /**
   * Milliseconds since the epoch.
   */
  at: number;
  /**
   * How often in this span.
   */
  times: number;
  /**
   * The first twenty.
   */
  plans: string[];
  message: string;
}
/**
 * A token for a script.
 */
export interface TokenCreateRequest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What it may do; several add up.
   *
   * @minItems 1
   * @maxItems 4
   */
  roles:
    | ['viewer' | 'operator' | 'restorer' | 'admin']
    | ['viewer' | 'operator' | 'restorer' | 'admin', 'viewer' | 'operator' | 'restorer' | 'admin']
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ]
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ];
  /**
   * Only VMs whose names fit one of these patterns; null: all.
   *
   * @minItems 1
   * @maxItems 64
   */
  vms: [string, ...string[]] | null;
  /**
   * When it ends, milliseconds since the epoch; null: never.
   */
  expires: number | null;
}
/**
 * Somebody who may log in from now on.
 */
export interface UserAddRequest {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  password: string;
  /**
   * What it may do; several add up.
   *
   * @minItems 1
   * @maxItems 4
   */
  roles:
    | ['viewer' | 'operator' | 'restorer' | 'admin']
    | ['viewer' | 'operator' | 'restorer' | 'admin', 'viewer' | 'operator' | 'restorer' | 'admin']
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ]
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ];
  /**
   * Only VMs whose names fit one of these patterns; null: all.
   *
   * @minItems 1
   * @maxItems 64
   */
  vms: [string, ...string[]] | null;
}
/**
 * A new password of a user.
 */
export interface UserPasswordRequest {
  password: string;
}
/**
 * What a user may do from now on.
 */
export interface UserRolesRequest {
  /**
   * What it may do; several add up.
   *
   * @minItems 1
   * @maxItems 4
   */
  roles:
    | ['viewer' | 'operator' | 'restorer' | 'admin']
    | ['viewer' | 'operator' | 'restorer' | 'admin', 'viewer' | 'operator' | 'restorer' | 'admin']
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ]
    | [
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
        'viewer' | 'operator' | 'restorer' | 'admin',
      ];
  /**
   * Only VMs whose names fit one of these patterns; null: all.
   *
   * @minItems 1
   * @maxItems 64
   */
  vms: [string, ...string[]] | null;
}
/**
 * What is to be read and compared.
 */
export interface VerifyStartRequest {
  repository: string;
  /**
   * Default: all.
   *
   * @minItems 1
   * @maxItems 100
   */
  vms?: [string, ...string[]];
  /**
   * Id of a restore point, `latest`, or a time. Default: what `points` says.
   */
  point?: string;
  /**
   * Default: digests.
   */
  level?: 'quick' | 'digests' | 'deep';
  /**
   * Without `point`: `latest` (default), `all`, a share such as `10%`, or what was not verified for a time such as `30d`.
   */
  points?: string;
  /**
   * Bytes in a second that are read at most: 100MiB.
   */
  rate?: string;
  /**
   * Open the file systems of each restore point, too.
   */
  files?: boolean;
  boot?: HubVerifyBoot;
}
/**
 * Start the newest verified restore point of each VM, too.
 */
export interface HubVerifyBoot {
  /**
   * Text on the first serial port that shows that the guest is up.
   */
  serial?: string;
  /**
   * The guest is up when its QEMU guest agent answers.
   */
  agent?: boolean;
  /**
   * Default: tcg.
   */
  accel?: 'auto' | 'kvm' | 'tcg';
}
/**
 * `GET /api/v1/vms`: all VMs that a plan or a restore point names, by name.
 */
export interface HubVms {
  version: 1;
  /**
   * When the answer was made.
   */
  time: number;
  /**
   * Of `days`: 2026-11-21. null: no days were asked for.
   */
  first_day: string | null;
  vms: HubVm[];
  /**
   * `cursor` of the next page; null: this is the last one.
   */
  next_cursor: string | null;
}
/**
 * One line from the hub after an enrolment.
 */
export interface EnrollAnswer {
  version: 1;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * Port of the hub's loopback address that leads to the node's API.
   */
  reverse_port: number;
  /**
   * Loopback address of the hub at which the disks for this node are served.
   */
  nbd_address: string;
  /**
   * First and last NBD port, the same on both sides.
   */
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
  /**
   * How the disks are reached: with the other forwards, or by connections of their own, for which the hub gives tickets.
   */
  data: 'tunnel' | 'connection';
  hub_version: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
}
/**
 * One line from the node to `sendense-enroll`.
 */
export interface EnrollRequest {
  version: 1;
  /**
   * The node's own key: `ssh-ed25519 AAAA…`.
   */
  public_key: string;
  /**
   * What the hub must bring to the node's API.
   */
  api_token: string;
  hostname: string;
  node_version: string;
}
/**
 * STATE/link/hub.json: the hub that this node is enrolled at. Holds no secret.
 */
export interface Enrolment {
  version: 1;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  hub: {
    host: string;
    port: number;
    user: string;
    /**
     * Pinned at the enrolment.
     */
    host_key: string;
  };
  /**
   * The node's private key, in the same folder.
   */
  key_file: string;
  public_key: string;
  reverse_port: number;
  /**
   * Loopback address of the hub at which the disks for this node are served. Missing where the hub has not said it yet.
   */
  nbd_address?: string;
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
  /**
   * How the disks are reached: with the other forwards, or by connections of their own, for which the hub gives tickets.
   */
  data?: 'tunnel' | 'connection';
  hub_version: string;
  /**
   * Milliseconds since the epoch.
   */
  enrolled: number;
}
/**
 * A refusal, instead of an answer; the session ends.
 */
export interface LinkError {
  error: ErrorOutput;
}
/**
 * The first line of a node in the session `sendense-link`.
 */
export interface LinkHello {
  version: 1;
  node_version: string;
  hostname: string;
  /**
   * Of the start of the machine: /proc/sys/kernel/random/boot_id.
   */
  boot_id: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
}
/**
 * The answer to a ping.
 */
export interface LinkPong {
  /**
   * Milliseconds since the epoch.
   */
  pong: number;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
}
/**
 * STATE/link/status.json: what the process that keeps the link last said. Times in ms since 1970.
 */
export interface LinkStatus {
  version: 1;
  state: 'connecting' | 'up' | 'down' | 'stopped';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * host:port
   */
  hub: string;
  connected_since: number | null;
  program: ('openssh' | 'ssh2') | null;
  /**
   * How often the link came up since the process started.
   */
  connections: number;
  /**
   * Since the link was last up.
   */
  attempts: number;
  retry_at: number | null;
  last_error: {
    code: string;
    message: string;
    remedy: string;
    /**
     * Milliseconds since the epoch.
     */
    time: number;
  } | null;
  /**
   * How the disks at the hub are reached.
   */
  data: {
    /**
     * With the other forwards, or by connections of their own.
     */
    way: 'tunnel' | 'connection';
    state: 'connecting' | 'up' | 'down';
    /**
     * Why the connections of their own are not up, or were given up for now.
     */
    error: string | null;
    /**
     * How many connections carry them. At as many loopback addresses of this machine, from 127.0.0.1 on, each disk answers, at each by another connection.
     */
    connections: number;
  };
  reverse_port: number;
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
  hub_version: string | null;
  /**
   * How far the hub's clock is ahead of the node's.
   */
  clock_skew_ms: number | null;
  process: ProcessIdentity;
  /**
   * Milliseconds since the epoch.
   */
  updated: number;
}
/**
 * What an enrolment token holds: `sendense1.` and this as JSON in base64url.
 */
export interface EnrollToken {
  v: 1;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * The hub's host key, pinned: `ssh-ed25519 AAAA…`.
   */
  host_key: string;
  /**
   * User name at the hub.
   */
  user: string;
  /**
   * Seed of the one-time ed25519 key: 32 bytes, base64url.
   */
  seed: string;
  /**
   * Milliseconds since the epoch.
   */
  expires: number;
}
/**
 * The answer of the hub to the first line.
 */
export interface LinkWelcome {
  version: 1;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * Port of the hub's loopback address that leads to the node's API.
   */
  reverse_port: number;
  /**
   * Loopback address of the hub at which the disks for this node are served.
   */
  nbd_address: string;
  /**
   * First and last NBD port, the same on both sides.
   */
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
  /**
   * How the disks are reached: with the other forwards, or by connections of their own, for which the hub gives tickets.
   */
  data: 'tunnel' | 'connection';
  hub_version: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
}
/**
 * One restore point; lies beside its disks in the repository.
 */
export interface Manifest {
  format: 'sendense-restore-point/1';
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  vm: {
    name: string;
    /**
     * Directory of the VM in the repository.
     */
    context: string;
    /**
     * vSphere's instanceUuid.
     */
    instance_uuid?: string | null;
    /**
     * Inventory path.
     */
    path?: string | null;
  };
  kind: 'full' | 'incremental';
  /**
   * Name of the plan.
   */
  plan: string | null;
  run_id: string;
  /**
   * Backup id of the restore point before this one.
   */
  parent: string | null;
  /**
   * ISO 8601, UTC.
   */
  started: string;
  /**
   * ISO 8601, UTC, as the clock of the hub was.
   */
  created: string;
  /**
   * Place among the restore points of the VM, later ones have more. Without it: created, in milliseconds since the epoch. Written where the clock had gone back, so that its time does not tell.
   */
  sequence?: number;
  producer: {
    name: 'sendense';
    version: string;
    qemu: string;
  };
  /**
   * @minItems 1
   */
  disks: [
    {
      number: number;
      key: string;
      uuid: string;
      label: string;
      source_path: string;
      source_format: string;
      capacity_bytes: number;
      mode: 'full' | 'incremental';
      method: 'full' | 'areas' | 'digest';
      reason: string;
      /**
       * Backup id whose file of this disk is the backing file.
       */
      parent: string | null;
      /**
       * qcow2, relative to this manifest.
       */
      path: string;
      /**
       * Length of the qcow2 file: what is stored.
       */
      file_bytes: number;
      /**
       * Modification time of the qcow2, nanoseconds since the epoch.
       */
      file_mtime_ns: string;
      /**
       * sha256:<64 hex digits>
       */
      digest: string;
      change_id: string | null;
      /**
       * What the areas or blocks cover that were brought up to date, whatever they hold.
       */
      bytes_transferred: number;
      /**
       * Data that the node read from the source; it skips known holes. Older versions do not report it.
       */
      bytes_read?: number;
      /**
       * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
       */
      bytes_sent?: number;
      index: {
        /**
         * Relative to this manifest.
         */
        path: string;
        bytes: number;
        sha256: string;
      };
      /**
       * Digest of all bytes of the qcow2 that are not whole blocks of the guest's disk; older versions have none.
       */
      envelope?: string;
      /**
       * How the file is encrypted; missing or null: not.
       */
      encryption?: DiskEncryption | null;
      /**
       * How the data in the file is compressed; missing or null: not.
       */
      compression?: {
        type: 'zstd';
        /**
         * Length of the file before it was compressed.
         */
        plain_bytes: number;
      } | null;
    },
    ...{
      number: number;
      key: string;
      uuid: string;
      label: string;
      source_path: string;
      source_format: string;
      capacity_bytes: number;
      mode: 'full' | 'incremental';
      method: 'full' | 'areas' | 'digest';
      reason: string;
      /**
       * Backup id whose file of this disk is the backing file.
       */
      parent: string | null;
      /**
       * qcow2, relative to this manifest.
       */
      path: string;
      /**
       * Length of the qcow2 file: what is stored.
       */
      file_bytes: number;
      /**
       * Modification time of the qcow2, nanoseconds since the epoch.
       */
      file_mtime_ns: string;
      /**
       * sha256:<64 hex digits>
       */
      digest: string;
      change_id: string | null;
      /**
       * What the areas or blocks cover that were brought up to date, whatever they hold.
       */
      bytes_transferred: number;
      /**
       * Data that the node read from the source; it skips known holes. Older versions do not report it.
       */
      bytes_read?: number;
      /**
       * Data that the node wrote to the target; it announces zeros and does not send them. Older versions do not report it.
       */
      bytes_sent?: number;
      index: {
        /**
         * Relative to this manifest.
         */
        path: string;
        bytes: number;
        sha256: string;
      };
      /**
       * Digest of all bytes of the qcow2 that are not whole blocks of the guest's disk; older versions have none.
       */
      envelope?: string;
      /**
       * How the file is encrypted; missing or null: not.
       */
      encryption?: DiskEncryption | null;
      /**
       * How the data in the file is compressed; missing or null: not.
       */
      compression?: {
        type: 'zstd';
        /**
         * Length of the file before it was compressed.
         */
        plain_bytes: number;
      } | null;
    }[],
  ];
  /**
   * Disks that the restore point before had and the VM no longer has.
   */
  removed_disks: {
    number: number;
    uuid: string;
    label: string;
  }[];
  warnings: string[];
  /**
   * SHA-256 of this document without this field, as JSON with sorted keys and no spaces.
   */
  checksum: string;
  vm_config?: {
    /**
     * Relative to this manifest; schemas/vm-config.json.
     */
    path: string;
    bytes: number;
    sha256: string;
    /**
     * How the file is encrypted; missing or null: not.
     */
    encryption?: {
      format: 'openssl-enc';
      key_id: string;
    } | null;
  } | null;
  snapshot?: SnapshotFacts | null;
  /**
   * Disks of the VM that are not in this restore point.
   */
  not_protected?: NotProtected[];
  /**
   * `boot keep` made this restore point of what the guest of a running VM wrote. Missing or null: a backup made it.
   */
  kept?: KeptFrom | null;
  /**
   * The backup was made before this restore point was written to the VM; `latest` never means it. Missing or null: it was not.
   */
  before_restore?: string | null;
  /**
   * The run that had restored the VM in place last, at the time of the backup. Missing or null: none had, or nobody could tell.
   */
  restored_in_place?: string | null;
}
/**
 * A removal of restore points that is under way: lies beside the manifests until it is done, and says all that is needed to finish it.
 */
export interface MergeIntent {
  format: 'sendense-merge/1';
  /**
   * Directory of the VM in the repository.
   */
  context: string;
  /**
   * Backup id, sortable by time.
   */
  name: string;
  /**
   * What is done: nothing yet; the manifests are gone; the merged files are complete and proven; they have their names.
   */
  phase: 'prepared' | 'unpublished' | 'merged' | 'published';
  /**
   * The restore points that go, newest first.
   *
   * @minItems 1
   */
  removed: [
    {
      /**
       * Backup id, sortable by time.
       */
      backup_id: string;
      /**
       * Of its manifest.
       */
      checksum: string;
      /**
       * Its files, relative to the VM's directory.
       */
      files: string[];
    },
    ...{
      /**
       * Backup id, sortable by time.
       */
      backup_id: string;
      /**
       * Of its manifest.
       */
      checksum: string;
      /**
       * Its files, relative to the VM's directory.
       */
      files: string[];
    }[],
  ];
  /**
   * The kept restore point that takes in what it is built on; null: nothing that is kept is built on what goes.
   */
  child: {
    /**
     * Backup id, sortable by time.
     */
    backup_id: string;
    /**
     * Of its manifest before the merge.
     */
    checksum: string;
    /**
     * The restore point before it once the merge is done.
     */
    parent: string | null;
    /**
     * @minItems 1
     */
    disks: [
      {
        number: number;
        /**
         * commit: its data goes down into the last of `run`, which takes its name; rebase: a clone of it takes in what it needs of `run`.
         */
        direction: 'commit' | 'rebase';
        /**
         * What is merged with it, newest first.
         *
         * @minItems 1
         *
         * Items: A qcow2 as it was before the merge.
         */
        run: [
          {
            /**
             * Backup id, sortable by time.
             */
            backup_id: string;
            file_bytes: number;
            file_mtime_ns: string;
          },
          ...{
            /**
             * Backup id, sortable by time.
             */
            backup_id: string;
            file_bytes: number;
            file_mtime_ns: string;
          }[],
        ];
        /**
         * What it is built on once the merge is done.
         */
        parent: string | null;
        /**
         * A qcow2 as it was before the merge.
         */
        before: {
          /**
           * Backup id, sortable by time.
           */
          backup_id: string;
          file_bytes: number;
          file_mtime_ns: string;
        };
        /**
         * Its merged file may have been written to.
         */
        begun: boolean;
        /**
         * All of it is read back, not only what was written.
         */
        whole: boolean;
        /**
         * The merged file, once it is complete and proven.
         */
        after: {
          file_bytes: number;
          file_mtime_ns: string;
          envelope: string;
          /**
           * Its block index in another form; absent: it stays as it is.
           */
          index?: {
            bytes: number;
            /**
             * SHA-256, hex.
             */
            sha256: string;
            file_mtime_ns: string;
          };
        } | null;
      },
      ...{
        number: number;
        /**
         * commit: its data goes down into the last of `run`, which takes its name; rebase: a clone of it takes in what it needs of `run`.
         */
        direction: 'commit' | 'rebase';
        /**
         * What is merged with it, newest first.
         *
         * @minItems 1
         *
         * Items: A qcow2 as it was before the merge.
         */
        run: [
          {
            /**
             * Backup id, sortable by time.
             */
            backup_id: string;
            file_bytes: number;
            file_mtime_ns: string;
          },
          ...{
            /**
             * Backup id, sortable by time.
             */
            backup_id: string;
            file_bytes: number;
            file_mtime_ns: string;
          }[],
        ];
        /**
         * What it is built on once the merge is done.
         */
        parent: string | null;
        /**
         * A qcow2 as it was before the merge.
         */
        before: {
          /**
           * Backup id, sortable by time.
           */
          backup_id: string;
          file_bytes: number;
          file_mtime_ns: string;
        };
        /**
         * Its merged file may have been written to.
         */
        begun: boolean;
        /**
         * All of it is read back, not only what was written.
         */
        whole: boolean;
        /**
         * The merged file, once it is complete and proven.
         */
        after: {
          file_bytes: number;
          file_mtime_ns: string;
          envelope: string;
          /**
           * Its block index in another form; absent: it stays as it is.
           */
          index?: {
            bytes: number;
            /**
             * SHA-256, hex.
             */
            sha256: string;
            file_mtime_ns: string;
          };
        } | null;
      }[],
    ];
    /**
     * Its manifest after the merge, once all disks are merged.
     */
    manifest: Manifest | null;
  } | null;
  /**
   * SHA-256 of this document without this field, as JSON with sorted keys and no spaces.
   */
  checksum: string;
}
/**
 * node.yaml: settings of sendense-node. Relative paths count from this file; options of the command line override it.
 */
export interface NodeSettings {
  version: 1;
  /**
   * Folder for jobs, block indexes and the enrolment. It must belong to this user alone.
   */
  stateDir: string;
  /**
   * Where the API listens: host:port, or unix: and the path of a socket.
   */
  listen: string;
  /**
   * File with the token that every request to the API must have; made if it is missing. Default: the file token in stateDir.
   */
  tokenFile?: string;
  /**
   * Log messages of this level and above.
   */
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /**
   * Address of the hub's SSH server: host or host:port. Default: the address of the enrolment. The pinned host key stays the same.
   */
  hub?: string;
  tunnel: {
    /**
     * Program for the connection to the hub: the system's OpenSSH, the built-in ssh2, or OpenSSH if it is installed (auto).
     */
    program: 'auto' | 'openssh' | 'ssh2';
  };
  nbd: {
    /**
     * Further hosts, by name or address, to which this node may send disks. Always allowed: loopback, where tunnels end; the address from which the hub asks; the hub of the enrolment.
     *
     * Items: A host name or address, without scheme and port.
     */
    hosts: string[];
  };
  limits: {
    /**
     * Connections to the API at a time. Default: 512.
     */
    connections?: number;
    /**
     * Requests of one peer in a minute, with the token. Default: 60000.
     */
    requestsPerMinute?: number;
    /**
     * Requests of one peer in a minute without the right token. Default: 30.
     */
    refusedPerMinute?: number;
  };
}
/**
 * What speaks against attaching disks of a restore point to a VM. Nothing is changed.
 */
export interface AttachCheckRequest {
  source: Source1;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The VM that gets the disks: its name, inventory path or managed object id. null: the one that the restore point is of.
   */
  vm: string | null;
  /**
   * Of the VM that the restore point is of; null: nobody knows.
   */
  instance_uuid: string | null;
  /**
   * The VM that the restore point is of, for messages.
   */
  of: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * @minItems 1
   * @maxItems 60
   *
   * Items: In the restore point.
   */
  disks: [string, ...string[]];
  /**
   * Of the new disks. null: that of the VM.
   */
  datastore: string | null;
}
/**
 * The VM that gets the disks, and where they are made.
 */
export interface AttachChecked {
  /**
   * Its managed object id.
   */
  vm: string;
  name: string;
  /**
   * What no copy of the VM has.
   */
  identity: string;
  powered_on: boolean;
  /**
   * Where the disks would go, in the order of the request.
   */
  places: AttachPlace[];
  /**
   * Inventory path.
   */
  folder: string;
  /**
   * Inventory path; null: the only one that there is.
   */
  pool: string | null;
  datastore: string;
  /**
   * `[datastore] folder` of the VM's own files; null: the disks go to another datastore.
   */
  directory: string | null;
  hardware_version: string | null;
}
export interface AttachPlace {
  controller: string;
  unit: number;
}
/**
 * The last step of attaching disks.
 */
export interface AttachEndRequest {
  source: Source2;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The run that made the disks.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * The VM that the restore point is of.
   */
  of: string;
  /**
   * Managed object id of the VM that gets the disks.
   */
  vm: string;
  /**
   * @minItems 1
   * @maxItems 60
   */
  disks: [AttachDisk, ...AttachDisk[]];
  /**
   * finish: the VM gets the disks, unless it has them, and the VM that they were made with goes. look: says whether the VM has them; if it does, the VM that they were made with goes. undo: takes them off again.
   */
  action: 'finish' | 'look' | 'undo';
}
export interface AttachDisk {
  /**
   * In the restore point.
   */
  disk: string;
  /**
   * The source's id of the disk.
   */
  key: string;
  /**
   * The source's id of the disk.
   */
  device_key: string;
}
/**
 * How the VM is now.
 */
export interface AttachEnded {
  /**
   * Whether it has the disks of this run.
   */
  attached: boolean;
  disks: AttachedAs[];
  warnings: string[];
}
export interface AttachedAs {
  /**
   * In the restore point.
   */
  disk: string;
  label: string;
  address: string;
  file: string;
}
/**
 * Which disks of restore points are attached to VMs.
 */
export interface AttachedListRequest {
  source: Source3;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * Only this VM: its name, inventory path or managed object id.
   */
  vm: string | null;
}
/**
 * Disks of restore points that are attached to VMs.
 */
export interface AttachedDisks {
  disks: AttachedDisk[];
}
/**
 * Starts the transfer of all disks of a VM.
 */
export interface BackupStartRequest {
  /**
   * Job id.
   */
  job_id: string;
  vm_name: string;
  vm_path?: string | null;
  vcenter_host?: string | null;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * key:nbd://host:port/export,key:nbd://…
   */
  nbd_targets: string;
  backup_type: 'full' | 'incremental';
  previous_change_id?: string | null;
  source?: Source4;
  /**
   * Per disk what to do; without it backup_type and previous_change_id count for all.
   */
  disks?: {
    /**
     * The source's id of the disk.
     */
    key: string;
    mode: 'full' | 'incremental';
    method: 'full' | 'areas' | 'digest';
    previous_change_id: string | null;
    /**
     * SHA-256 (hex) of a block index uploaded before.
     */
    previous_index: string | null;
    /**
     * Identity of the disk; a source that finds another disk under the key refuses.
     */
    uuid?: string | null;
    /**
     * How the new block index is to be stored (`docs/block-index.md`). Without it: format 1.
     */
    index?: {
      format: 1 | 2;
      /**
       * The restore point whose content `previous_index` has; the new index refers to its index for what is the same. null: it stands alone.
       */
      parent: string | null;
    };
  }[];
  tuning?: {
    connections: number;
    requests: number;
    disks_at_once?: number;
    /**
     * Bytes per second for each disk.
     */
    disk_rate?: number;
    /**
     * Bytes per second for all disks together.
     */
    job_rate?: number;
    /**
     * How long a break of a connection to a target may last: it is made again, what was not answered is sent again, and the copy goes on. The server must have a description of its own (`qemu-nbd --description`), by which it is known again. 0 (default): a break fails the job.
     */
    reconnect_seconds?: number;
  };
  /**
   * Goes into the snapshot's name.
   */
  backup_id?: string | null;
  vcenter_thumbprint?: string | null;
  /**
   * The pre-shared key (hex) of targets that begin with nbds:. Only in the body, never in argv or logs.
   */
  nbd_psk?: string | null;
  /**
   * Dead man's timer: when nobody has asked for the status of the job for so long, the node cancels it. null (default): never.
   */
  lease_seconds?: number | null;
  /**
   * When the VM was last reverted to a snapshot, as discover told it; a later revert ends the job.
   */
  last_revert?: number | null;
  /**
   * What the targets hold. nothing (default): fresh files that read as zeros or as their parent. previous: what the last transfer that succeeded wrote, kept in place. anything: a kept target of which that is not known.
   */
  target_holds?: 'nothing' | 'previous' | 'anything';
}
export interface BackupStarted {
  /**
   * Job id.
   */
  job_id: string;
  status: string;
}
/**
 * Changed block tracking of one VM.
 */
export interface CbtStatus {
  vm_name: string;
  path: string;
  moref: string;
  supported: boolean;
  enabled: boolean;
  disks: {
    key: number;
    label: string;
    uuid: string | null;
    change_id: string | null;
    protected: boolean;
  }[];
  snapshots: VsphereSnapshot[];
  findings: VsphereFinding[];
}
/**
 * What was removed, or would be.
 */
export interface CleanedUp {
  dry_run: boolean;
  /**
   * Ended jobs, with their logs and block indexes.
   */
  jobs: {
    /**
     * Job id.
     */
    job_id: string;
    status: string;
    /**
     * Milliseconds since the epoch.
     */
    finished: number;
  }[];
  /**
   * Data movers whose job is dead.
   */
  strays: {
    pid: number;
    program: string;
  }[];
  /**
   * Folders for sockets that no process uses.
   */
  run_folders: string[];
  /**
   * Block indexes that were sent and not used since.
   */
  indexes: {
    sha256: string;
    /**
     * Bytes.
     */
    bytes: number;
  }[];
  /**
   * Snapshots of ours that were left on the VM.
   */
  snapshots: {
    vm_name: string;
    moref: string;
    name: string;
    job_id: string;
    /**
     * Milliseconds since the epoch.
     */
    created: number;
  }[];
  /**
   * Snapshots of ours that may still be in use.
   */
  kept_snapshots: {
    vm_name: string;
    moref: string;
    name: string;
    job_id: string;
    /**
     * Milliseconds since the epoch.
     */
    created: number;
    reason: string;
  }[];
  /**
   * What could not be removed, and why.
   */
  warnings: string[];
}
/**
 * Removes what nobody needs any more. Never what a running job uses.
 */
export interface CleanupRequest {
  /**
   * Ended jobs, and block indexes since their last use.
   */
  older_than_seconds: number;
  /**
   * Only say what would be removed.
   */
  dry_run: boolean;
  /**
   * With a source of type vsphere: also snapshots of ours that were left on the VM.
   */
  source?: Source | null;
  /**
   * The VM, where the source does not say it by path or moref.
   */
  vm_name?: string | null;
  /**
   * Only what this job left at the source, and nothing else; the job must have ended. 409 as long as it goes on.
   */
  job_id?: string | null;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
}
/**
 * How the node is set up. Never a secret.
 */
export interface NodeConfig {
  /**
   * The name that the hub knows it by; the machine's name where it is not enrolled.
   */
  name: string;
  version: string;
  /**
   * unix:/path or host:port.
   */
  listen: string | null;
  state_dir: string;
  /**
   * The link to the hub, as the process that keeps it last said; null: there never was one.
   */
  tunnel: LinkStatus | null;
  /**
   * Ports at 127.0.0.1 through which targets are reached.
   */
  nbd_ports: {
    from: number;
    to: number;
  };
  limits: {
    /**
     * Of one peer.
     */
    requests_per_minute: number;
    /**
     * Requests of one peer without the token.
     */
    refused_per_minute: number;
    /**
     * At a time.
     */
    connections: number;
    /**
     * The head of a request.
     */
    header_bytes: number;
    /**
     * Until the head of a request is complete.
     */
    headers_ms: number;
    /**
     * Until a JSON body is complete.
     */
    body_ms: number;
    /**
     * Longest pause in a block index that is sent.
     */
    upload_silence_ms: number;
    /**
     * At a time.
     */
    jobs_running: number;
  };
}
/**
 * Whether user and password of a source work, and what the user may do.
 */
export interface CredentialsTestRequest {
  source: Source;
  vcenter_user: string;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password: string;
  /**
   * What the user is to do; default: backup.
   */
  purpose?: 'backup' | 'restore';
}
export interface CredentialsTested {
  about: {
    api_type: 'VirtualCenter' | 'HostAgent';
    api_version: string;
    full_name: string;
    instance_uuid: string | null;
  };
  /**
   * As the server names it.
   */
  user: string;
  /**
   * Privileges that the purpose needs and the user does not have.
   */
  missing: {
    /**
     * For example VirtualMachine.State.CreateSnapshot.
     */
    privilege: string;
    /**
     * What it is needed for.
     */
    why: string;
  }[];
  warnings: string[];
}
/**
 * Looks at the way from the node to the disks of the hub.
 */
export interface DataPathTestRequest {
  /**
   * Ports of the node's loopback address that a tunnel shall have.
   *
   * @maxItems 256
   */
  ports?: number[];
  /**
   * An address where the hub listens now.
   */
  connect?: {
    host: string;
    port: number;
    /**
     * What the hub says there.
     */
    word: string;
  } | null;
}
/**
 * What is in the way to the disks of the hub.
 */
export interface DataPathTested {
  /**
   * The ports that a program on the node holds.
   */
  held: {
    port: number;
    /**
     * `PROGRAM (process PID)`; null: another user's, which the node cannot see.
     */
    holder: string | null;
  }[];
  /**
   * Why the hub does not answer at `connect`; null: it does, or nothing was asked.
   */
  problem: string | null;
}
/**
 * Takes attached disks off a VM and removes their files: all of them or none.
 */
export interface DetachRequest {
  source: Source5;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * @minItems 1
   * @maxItems 60
   *
   * Items: Their ids.
   */
  disks: [string, ...string[]];
  /**
   * Of disks that are not what their marks say, the marks go and the disks stay.
   */
  forget: boolean;
}
/**
 * What became of the disks.
 */
export interface Detached {
  /**
   * Taken off, and their files removed.
   */
  removed: AttachedDisk[];
  /**
   * Only their marks are gone.
   */
  forgotten: AttachedDisk[];
}
export interface DiscoverRequest {
  /**
   * null: all VMs of the source.
   */
  vm_name: string | null;
  source: Source;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  vcenter_user?: string | null;
  /**
   * With the tags of each VM (vSphere); default false.
   */
  tags?: boolean;
}
export interface Discovered {
  vm_name: string;
  /**
   * @maxItems 1024
   */
  disks: DiskInfo[];
  warnings: string[];
  vm?: VsphereVm | null;
  /**
   * @maxItems 1024
   */
  not_protected?: NotProtected[];
  /**
   * Why a backup as asked for is not possible.
   */
  refused?: ErrorOutput | null;
}
export interface NodeHealth {
  status: 'ok' | 'degraded';
  version: string;
  /**
   * Milliseconds since the epoch.
   */
  time: number;
  tools: {
    name: string;
    version: string | null;
  }[];
  jobs_running: number;
}
/**
 * What speaks against writing a restore point to the disks of the VM that it was made of. Nothing is changed.
 */
export interface InPlaceCheckRequest {
  source: Source6;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * Of the VM.
   */
  instance_uuid: string;
  /**
   * Of the VM, for messages.
   */
  name: string;
  /**
   * @minItems 1
   * @maxItems 1024
   */
  disks: [InPlaceWanted, ...InPlaceWanted[]];
  /**
   * It is started at the end.
   */
  power_on: boolean;
  /**
   * true: it is also stopped again if it does not come up. Default: false. Older nodes do not know it.
   */
  judged?: boolean;
}
export interface InPlaceWanted {
  /**
   * As the restore point knows the disk.
   */
  uuid: string;
  /**
   * Bytes.
   */
  bytes: number;
}
/**
 * The VM, and what an earlier restore has left there.
 */
export interface InPlaceChecked {
  /**
   * Its managed object id.
   */
  vm: string;
  name: string;
  disks: InPlaceDisk[];
  /**
   * Disks of the VM that stay as they are.
   */
  others: string[];
  /**
   * null: nobody restores it in place.
   */
  unfinished: null | InPlaceUnfinished;
  /**
   * The restore that has written to it in part, where somebody has removed its mark.
   */
  torn_by?: null | InPlaceTornBy;
}
export interface InPlaceDisk {
  /**
   * As the restore point knows the disk.
   */
  uuid: string;
  /**
   * The source's id of the disk.
   */
  key: string;
  label: string;
  file: string;
}
export interface InPlaceUnfinished {
  /**
   * The run whose mark the VM bears.
   */
  run: string;
  /**
   * The restore point that it writes.
   */
  point: string;
  /**
   * It may have written: the disks are not whole.
   */
  torn: boolean;
  /**
   * The backup that it made before; null: none.
   */
  safety: string | null;
  /**
   * Disks that are asked for and that it does not write to, where it has written to others.
   */
  untouched?: string[];
}
export interface InPlaceTornBy {
  run: string;
  point: string;
}
/**
 * The end of a restore in place.
 */
export interface InPlaceEndRequest {
  source: Source7;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * In the mark of the VM.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * finish: the disks are whole, and the mark goes. look: only says how it is. release: the mark goes if nothing was written.
   */
  action: 'finish' | 'look' | 'release';
  /**
   * They must have ended.
   *
   * @maxItems 10
   *
   * Items: Job id.
   */
  jobs:
    | []
    | [string]
    | [string, string]
    | [string, string, string]
    | [string, string, string, string]
    | [string, string, string, string, string]
    | [string, string, string, string, string, string]
    | [string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string, string];
  /**
   * Starts the VM after that.
   */
  power_on: boolean;
}
/**
 * How the VM is now.
 */
export interface InPlaceEnded {
  /**
   * finished: this run has restored it. torn: it bears the mark of this run, and its disks are not whole. unmarked: the same, and somebody has removed the mark. marked: it bears the mark, and nothing was written. free: it bears none. other: it bears the mark of another run. gone: there is no such VM.
   */
  state: 'finished' | 'torn' | 'unmarked' | 'marked' | 'free' | 'other' | 'gone';
  /**
   * Of the VM; null: it is not there.
   */
  name: string | null;
  powered_on: boolean;
  warnings: string[];
}
/**
 * Writes to the disks of a VM what differs from a restore point. The VM is marked from before the first byte until `restore/in-place/end`.
 */
export interface InPlaceStartRequest {
  /**
   * Job id.
   */
  job_id: string;
  source: Source8;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * Its managed object id.
   */
  vm: string;
  name: string;
  /**
   * In the mark of the VM.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * Id of the backup that was made before; null: none.
   */
  safety: string | null;
  /**
   * The run whose restore this one goes on with; null: none.
   */
  takes_over: string | null;
  /**
   * @minItems 1
   * @maxItems 1024
   */
  disks: [InPlaceStartDisk, ...InPlaceStartDisk[]];
  /**
   * At the end all of each disk is read and compared, not only what was written.
   */
  compare_all: boolean;
  /**
   * It is started at the end: the privilege is checked.
   */
  power_on: boolean;
  /**
   * What is to be on the disks, read-only: key:nbd://host:port/export,key:nbd://…
   */
  nbd_sources: string;
  /**
   * The pre-shared key (hex) of sources that begin with nbds:. Only in the body, never in argv or logs.
   */
  nbd_psk?: string | null;
  /**
   * Dead man's timer: when nobody has asked for the status of the job for so long, the node cancels it. null (default): never.
   */
  lease_seconds?: number | null;
}
export interface InPlaceStartDisk {
  /**
   * Of the device.
   */
  key: string;
  /**
   * As the restore point knows the disk.
   */
  uuid: string;
  /**
   * Bytes.
   */
  bytes: number;
  /**
   * SHA-256 of the block index of the restore point, which was sent before.
   */
  index: string;
  /**
   * The backup of the present state; null: the disk is read and compared.
   */
  base: null | InPlaceBase;
}
export interface InPlaceBase {
  /**
   * SHA-256 of its block index, which was sent before.
   */
  index: string;
  change_id: string;
  /**
   * The run that had restored the VM in place last when the backup was made; null: none had. If it is another one by now, the disk is read and compared.
   */
  restored_in_place?: string | null;
}
/**
 * The formats of block indexes (`docs/block-index.md`) that the node reads and writes.
 */
export interface IndexFormats {
  formats: number[];
}
/**
 * All VMs of a source.
 */
export interface Inventory {
  about: {
    api_type: 'VirtualCenter' | 'HostAgent';
    api_version: string;
    full_name: string;
    instance_uuid: string | null;
  };
  /**
   * @maxItems 65536
   */
  vms: VsphereVm[];
  warnings: string[];
}
/**
 * All jobs of a node.
 */
export interface JobList {
  jobs: JobStatus[];
}
/**
 * A VM that a restore makes.
 */
export interface NewVm {
  /**
   * The run that makes it: with the restore point in the mark of the VM.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * The run that began the VM and did not finish it: this one goes on with it. null: it is made.
   */
  takes_over: string | null;
  vm_config: VmConfig;
  place: NewVmPlace;
  /**
   * @maxItems 1024
   */
  disks: NewVmDisk[];
  /**
   * null: the network adapters keep their MAC addresses if the VM of the restore point is gone.
   */
  mac: 'keep' | 'new' | null;
  /**
   * keep: the BIOS uuid. The instance uuid is always a new one.
   */
  identity: 'keep' | 'new';
  /**
   * Adapters that were connected are connected when the VM starts.
   */
  connect: boolean;
  /**
   * null: each disk as it was.
   */
  thin: boolean | null;
  /**
   * The VM is made although its virtual TPM cannot be.
   */
  without_tpm: boolean;
}
/**
 * The configuration of a VMware VM at one restore point: what is needed to make the VM again.
 */
export interface VmConfig {
  format: 'sendense-vm-config/1';
  /**
   * Milliseconds since the epoch.
   */
  taken: number;
  name: string;
  /**
   * Inventory path.
   */
  path: string;
  moref: string;
  instance_uuid: string | null;
  bios_uuid: string | null;
  /**
   * What the configuration was read from, as it calls itself.
   */
  vsphere: string;
  datacenter: string | null;
  /**
   * Inventory path of the VM's folder.
   */
  folder: string | null;
  resource_pool: string | null;
  host: string | null;
  guest_id: string | null;
  guest_name: string | null;
  annotation: string;
  /**
   * vmx-19
   */
  hardware_version: string | null;
  /**
   * bios or efi
   */
  firmware: string | null;
  secure_boot: boolean | null;
  boot: VmConfigBoot;
  cpu: VmConfigCpu;
  memory: VmConfigMemory;
  security: VmConfigSecurity;
  change_tracking: boolean;
  controllers: VmConfigController[];
  disks: VmConfigDisk[];
  networks: VmConfigNetwork[];
  /**
   * CD, floppy, serial ports and so on.
   */
  others: VmConfigDevice[];
  /**
   * vApp properties, without passwords.
   */
  vapp: VmConfigVappProperty[];
  extra_config: VmConfigExtra[];
  /**
   * Keys of extra_config, vApp properties and lines of the .vmx file that were left out because they may hold secrets.
   */
  secrets_dropped: number;
  /**
   * The VM's own file; null where it could not be read.
   */
  vmx: VmConfigVmx | null;
  /**
   * Settings of the firmware; null where there are none or they could not be read.
   */
  nvram: VmConfigNvram | null;
  /**
   * What could not be saved.
   */
  warnings: string[];
}
export interface VmConfigBoot {
  delay_ms: number | null;
  retry: boolean | null;
  retry_delay_ms: number | null;
  enter_setup: boolean | null;
  /**
   * For example disk 2000, ethernet 4000, cdrom.
   */
  order: string[];
}
export interface VmConfigCpu {
  count: number;
  cores_per_socket: number | null;
  hot_add: boolean | null;
  hot_remove: boolean | null;
  /**
   * Hardware virtualisation is shown to the guest.
   */
  nested: boolean | null;
  allocation: {
    /**
     * MHz of CPU, MiB of memory.
     */
    reservation: number | null;
    /**
     * -1: none.
     */
    limit: number | null;
    shares: number | null;
  };
}
export interface VmConfigMemory {
  /**
   * Bytes.
   */
  bytes: number;
  hot_add: boolean | null;
  reservation_locked: boolean | null;
  allocation: {
    /**
     * MHz of CPU, MiB of memory.
     */
    reservation: number | null;
    /**
     * -1: none.
     */
    limit: number | null;
    shares: number | null;
  };
}
export interface VmConfigSecurity {
  virtualization_based: boolean | null;
  iommu: boolean | null;
  /**
   * The VM's own files are encrypted.
   */
  encrypted: boolean;
  /**
   * There is a virtual TPM; its content is not saved.
   */
  tpm: boolean;
}
export interface VmConfigController {
  key: number;
  /**
   * For example ParaVirtualSCSIController.
   */
  type: string;
  label: string;
  bus: number | null;
  /**
   * noSharing, physicalSharing, virtualSharing
   */
  sharing: string | null;
  /**
   * The unit that the controller takes for itself.
   */
  scsi_unit: number | null;
}
export interface VmConfigDisk {
  key: number;
  label: string;
  controller_key: number;
  unit: number | null;
  /**
   * scsi0:1
   */
  address: string;
  /**
   * Bytes.
   */
  capacity_bytes: number;
  mode: string;
  backing: string;
  thin: boolean | null;
  sharing: string | null;
  datastore: string | null;
  file: string;
  /**
   * Backing uuid, also that of the restore point's disk.
   */
  uuid: string | null;
  in_restore_point: boolean;
}
export interface VmConfigNetwork {
  key: number;
  label: string;
  /**
   * For example VirtualVmxnet3.
   */
  type: string;
  controller_key: number | null;
  unit: number | null;
  mac: string | null;
  /**
   * manual, generated or assigned
   */
  mac_type: string | null;
  /**
   * Name of the network or port group.
   */
  network: string | null;
  /**
   * Key of a distributed port group.
   */
  portgroup: string | null;
  switch_uuid: string | null;
  /**
   * Id of an NSX network.
   */
  opaque_id: string | null;
  connected: boolean | null;
  start_connected: boolean | null;
}
export interface VmConfigDevice {
  key: number;
  type: string;
  label: string;
  summary: string;
  controller_key: number | null;
  unit: number | null;
  /**
   * File or device.
   */
  backing: string | null;
  start_connected: boolean | null;
}
export interface VmConfigVappProperty {
  id: string;
  label: string;
  type: string;
  value: string;
}
export interface VmConfigExtra {
  key: string;
  value: string;
}
export interface VmConfigVmx {
  /**
   * [datastore] folder/name.vmx
   */
  file: string;
  text: string;
}
export interface VmConfigNvram {
  /**
   * [datastore] folder/name.nvram
   */
  file: string;
  sha256: string;
  base64: string;
}
export interface NewVmPlace {
  /**
   * Of the new VM.
   */
  name: string;
  /**
   * Inventory path of its folder, /DC1/vm/a.
   */
  folder: string;
  /**
   * Inventory path of a resource pool, a cluster or a host. null: the only one that there is.
   */
  pool: string | null;
  /**
   * Of the files of the VM, and of all disks that `disks` does not name.
   */
  datastore: string;
  /**
   * Datastore of a disk, by its key.
   */
  disks: {
    [k: string]: string;
  };
  /**
   * The network of an adapter that was connected to another one, by the name of that.
   */
  networks: {
    [k: string]: string;
  };
  /**
   * The file of a disk, by its key, `[datastore] folder/disk.vmdk`; its folder is there. Others are in the folder of the VM.
   */
  files?: {
    [k: string]: string;
  };
}
export interface NewVmDisk {
  /**
   * In the saved configuration.
   */
  key: string;
  /**
   * Bytes.
   */
  bytes: number;
  /**
   * Bytes.
   */
  used: number;
}
/**
 * What would become of a VM of a restore point. Nothing is made.
 */
export interface RestoreCheckRequest {
  source: Source9;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  vm: NewVm;
  /**
   * true: the VM will be started, and stopped again if it does not come up. Default: false. Older nodes do not know it.
   */
  judged?: boolean;
}
/**
 * What the new VM would be.
 */
export interface RestoreChecked {
  mac: 'keep' | 'new';
  /**
   * Name of the VM of the restore point, if the inventory still has it.
   */
  original: string | null;
  hardware_version: string;
  disks: CheckedDisk[];
  networks: CheckedNetwork[];
  /**
   * How its disks will be written, and why so: `the disks go by VDDK, because …`. Nodes of older versions, which always use VDDK, do not say it.
   */
  disks_go?: string;
  /**
   * What the new VM will not have.
   */
  left_out: string[];
  /**
   * What a restore that was not finished has left there under this name.
   */
  unfinished: UnfinishedVm | null;
}
export interface CheckedDisk {
  key: string;
  label: string;
  datastore: string;
  thin: boolean;
}
export interface CheckedNetwork {
  label: string;
  network: string;
  /**
   * null: a new one.
   */
  mac: string | null;
  /**
   * When the VM starts.
   */
  connected: boolean;
}
export interface UnfinishedVm {
  run: string;
  point: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * Keys of the disks that are copied whole.
   */
  copied: string[];
  /**
   * It is being made as this request asks for it.
   */
  same: boolean;
  /**
   * What somebody has done with it since: then it is theirs. null: nothing.
   */
  touched?: string | null;
}
/**
 * Reads the disks of an unfinished VM and compares them with block indexes that the node has.
 */
export interface RestoreCompareRequest {
  /**
   * Job id.
   */
  job_id: string;
  source: Source10;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The run that makes it: with the restore point in the mark of the VM.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  name: string;
  /**
   * @maxItems 1024
   */
  disks: ComparedDisk[];
  /**
   * Dead man's timer: when nobody has asked for the status of the job for so long, the node cancels it. null (default): never.
   */
  lease_seconds?: number | null;
}
export interface ComparedDisk {
  /**
   * Of the device of the new VM.
   */
  key: string;
  /**
   * SHA-256 of the block index, which was sent before.
   */
  index: string;
  /**
   * In the saved configuration: a disk that differs is not counted as copied any more.
   */
  saved_key: string;
}
/**
 * The last step of a restore: the VM is no longer marked as unfinished.
 */
export interface RestoreFinishRequest {
  source: Source11;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The run that makes it: with the restore point in the mark of the VM.
   */
  run: string;
  /**
   * Id of the restore point.
   */
  point: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * look: only says how it is. reopen: undoes finish, as long as nobody has started the VM.
   */
  action: 'finish' | 'look' | 'reopen';
  /**
   * Starts the VM after that.
   */
  power_on: boolean;
}
export interface RestoreFinished {
  finished: boolean;
  /**
   * Of the VM; null: it is not there.
   */
  name: string | null;
  powered_on: boolean;
  warnings: string[];
}
/**
 * Starts a VM that a restore has finished, waits until it is up, or stops it again.
 */
export interface RestorePowerRequest {
  source: Source12;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The run that has restored it.
   */
  run: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * start: powers it on, unless it is on. wait: until VMware Tools run, it is off, it asks something, or `wait_seconds` have passed. stop: powers it off, unless it is off.
   */
  action: 'start' | 'wait' | 'stop';
  /**
   * With wait; 0: only looks. With start: how long the answer waits for vSphere; 0: until it answers.
   */
  wait_seconds: number;
}
/**
 * What vSphere says of a restored VM.
 */
export interface RestorePowered {
  /**
   * gone: it is not there any more. other: the run has not restored it, and nothing was done.
   */
  state: 'on' | 'off' | 'suspended' | 'gone' | 'other';
  /**
   * Whether it was on before.
   */
  was_on: boolean;
  /**
   * Whether VMware Tools run in its guest.
   */
  tools: boolean;
  /**
   * IP address of the guest, as VMware Tools say it.
   */
  address: string | null;
  /**
   * What the VM asks, and waits for an answer to; null: nothing.
   */
  question: string | null;
}
/**
 * Makes a VM of a restore point, or goes on with it, and writes its disks. It stays marked as unfinished.
 */
export interface RestoreStartRequest {
  /**
   * Job id.
   */
  job_id: string;
  source: Source13;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  vm: NewVm;
  /**
   * What is to be on the disks, read-only: key:nbd://host:port/export,key:nbd://…
   */
  nbd_sources: string;
  /**
   * The pre-shared key (hex) of sources that begin with nbds:. Only in the body, never in argv or logs.
   */
  nbd_psk?: string | null;
  /**
   * Dead man's timer: when nobody has asked for the status of the job for so long, the node cancels it. null (default): never.
   */
  lease_seconds?: number | null;
}
/**
 * Removes the VM that a run has made and not finished.
 */
export interface RestoreUndoRequest {
  source: Source14;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  /**
   * The run that makes it: with the restore point in the mark of the VM.
   */
  run: string;
  /**
   * Jobs of the run. None of them may still run.
   *
   * Items: Job id.
   */
  jobs: string[];
  /**
   * A VM with a disk that is copied whole stays.
   */
  keep_copied: boolean;
  /**
   * Managed object id of the VM that the run has made, if it is known. Where it bears no mark any more, the answer says that it stays.
   */
  vm?: string;
}
export interface RestoreUndone {
  /**
   * Name of the VM that was removed.
   */
  removed: string | null;
  /**
   * The VM that stays.
   */
  kept: KeptVm | null;
  /**
   * A VM that somebody has used since: it bears no mark any more, and is theirs.
   */
  left?: LeftVm | null;
  /**
   * What else is there still.
   */
  warnings?: string[];
}
export interface KeptVm {
  name: string;
  /**
   * Disks that are copied whole.
   */
  copied: number;
  disks: number;
}
export interface LeftVm {
  name: string;
  /**
   * Its managed object id.
   */
  vm: string;
  /**
   * What somebody has done with it.
   */
  why: string;
}
/**
 * How a VM differs from a configuration of before. since: when that was taken; taken: when the VM was looked at.
 */
export interface VmSpecChanges {
  vm_name: string;
  /**
   * Inventory path, now.
   */
  path: string;
  moref: string;
  /**
   * Milliseconds since the epoch.
   */
  since: number;
  /**
   * Milliseconds since the epoch.
   */
  taken: number;
  /**
   * Sorted by path; empty: nothing changed.
   */
  changes: VmSpecChange[];
}
export interface VmSpecChange {
  /**
   * JSON pointer into the configuration; an element of a list is named by its key: /disks/2000/capacity_bytes.
   */
  path: string;
  kind: 'identity' | 'placement' | 'hardware' | 'firmware' | 'disks' | 'networks' | 'devices' | 'settings';
  change: 'added' | 'removed' | 'changed';
  /**
   * null where it was not there.
   */
  before: string | number | boolean | {} | unknown[] | null;
  /**
   * null where it is not there.
   */
  after: string | number | boolean | {} | unknown[] | null;
}
/**
 * What changed in the configuration of a VM. source: of type vsphere; since: as GET /api/v1/jobs/{job}/vm-config gave it.
 */
export interface VmSpecChangesRequest {
  source: Source;
  /**
   * The VM, where the source does not say it by path or moref.
   */
  vm_name?: string | null;
  vcenter_user?: string | null;
  /**
   * Only in the body, never in argv or logs.
   */
  vcenter_password?: string | null;
  since: VmConfig;
}
/**
 * What a webhook (template generic) gets as its body and a command on its standard input.
 */
export interface NotifyMessage {
  version: 1;
  /**
   * The same again where a message is sent again.
   */
  id: string;
  /**
   * An event that a channel reports (docs/monitoring.md).
   */
  event:
    | 'started'
    | 'success'
    | 'warning'
    | 'failure'
    | 'recovery'
    | 'missed-slot'
    | 'clock'
    | 'lock-refused'
    | 'prune-trouble'
    | 'verification-failure'
    | 'rpo'
    | 'invalid-plan'
    | 'paused'
    | 'channel';
  severity: 'ok' | 'info' | 'warning' | 'critical';
  /**
   * One line.
   */
  subject: string;
  /**
   * Name of the hub.
   */
  host: string;
  /**
   * Oldest first; several of one event within the folding time go together.
   *
   * @minItems 1
   */
  notices: [
    {
      id: string;
      plan: string | null;
      /**
       * *: several.
       */
      vm: string | null;
      repository: string | null;
      run_id: string | null;
      message: string;
      /**
       * Facts by event (docs/monitoring.md).
       */
      details: {
        [k: string]: unknown;
      };
      /**
       * Milliseconds since the epoch.
       */
      time: number;
    },
    ...{
      id: string;
      plan: string | null;
      /**
       * *: several.
       */
      vm: string | null;
      repository: string | null;
      run_id: string | null;
      message: string;
      /**
       * Facts by event (docs/monitoring.md).
       */
      details: {
        [k: string]: unknown;
      };
      /**
       * Milliseconds since the epoch.
       */
      time: number;
    }[],
  ];
}
/**
 * What `adopt` did.
 */
export interface AdoptOutput {
  version: 1;
  vm: string;
  repository: string;
  /**
   * The VM that the name belongs to now.
   */
  identity: string;
  /**
   * The VMs that had restore points under the name.
   */
  before: {
    identity: string;
    points: number;
  }[];
  /**
   * Backup ids of the restore points that count as its own since.
   */
  adopted: string[];
}
/**
 * Disks of restore points that are attached to the VMs of a source.
 */
export interface AttachedOutput {
  version: 1;
  /**
   * Of sendense.yaml.
   */
  source: string;
  disks: AttachedDisk[];
}
/**
 * What was asked of the hub that changes something, who logged in, and who read which files. The newest first.
 */
export interface AuditOutput {
  version: 1;
  entries: AuditEntry[];
  /**
   * `cursor` of the next page; null: there are no older entries.
   */
  next_cursor: string | null;
}
export interface AuditEntry {
  /**
   * Stays the same.
   */
  id: string;
  /**
   * When it began, milliseconds since the epoch.
   */
  at: number;
  /**
   * Null: it goes on, or its process died.
   */
  ended: number | null;
  /**
   * Name of the user or token; empty: nobody that the hub knows.
   */
  who: string;
  /**
   * How that is known: `session`, `api-token`, `file-token`, `nobody`; `command`: a user of the machine; `files`: a line of `files log`.
   */
  caller: string;
  /**
   * Where the request came from.
   */
  address: string | null;
  /**
   * `operationId` of the request in the OpenAPI document, or an action of `files log`.
   */
  action: string;
  /**
   * What it was about.
   */
  facts: {
    [k: string]: string;
  };
  /**
   * HTTP status of the answer; null: it has none.
   */
  status: number | null;
  /**
   * Code of what went wrong; null: nothing.
   */
  error: string | null;
}
/**
 * A VM that runs from a restore point: what `boot VM --json` and `boot status --json` print. Times are milliseconds since 1970.
 */
export interface BootOutput {
  version: 1;
  /**
   * What commands call it.
   */
  id: string;
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * Name of the repository.
   */
  repository: string;
  /**
   * Id of the restore point.
   */
  backup_id: string;
  /**
   * When the restore point was made; null: it is not there any more.
   */
  created: number | null;
  /**
   * `paused`: `why` says by whom or what. `failed`: QEMU has given up. `unknown`: another container has started it.
   */
  state: 'starting' | 'running' | 'paused' | 'failed' | 'off' | 'stopping' | 'unknown';
  /**
   * What to know of the state.
   */
  why: string | null;
  /**
   * When it was started first.
   */
  started: number;
  /**
   * A user of this machine, or of the hub's API.
   */
  started_by: string;
  /**
   * What the guest writes, sockets and logs.
   */
  folder: string;
  /**
   * Process of QEMU; null: it is off.
   */
  guest_pid: number | null;
  /**
   * Socket of its screen; null: it is off.
   */
  vnc: string | null;
  /**
   * `none`, `isolated`, or `bridge:` and a name.
   */
  network: string;
  /**
   * What runs it; null: not decided yet.
   */
  accel: 'kvm' | 'tcg' | null;
  /**
   * null: not decided yet.
   */
  firmware: 'bios' | 'efi' | null;
  /**
   * null: not decided yet.
   */
  cpus: number | null;
  /**
   * null: not decided yet.
   */
  memory_bytes: number | null;
  /**
   * What its disks take, beside the repository.
   */
  written_bytes: number;
  /**
   * Free where it writes; null: the folder is not there.
   */
  free_bytes: number | null;
  /**
   * The guest is paused when its disks have grown to this.
   */
  quota_bytes: number | null;
  /**
   * All of its disks.
   */
  disks: {
    /**
     * disk-0, disk-1, …
     */
    disk: string;
    /**
     * Size of the disk.
     */
    capacity_bytes: number;
    /**
     * What the guest writes to.
     */
    file: string;
    /**
     * What its files take, beside the repository.
     */
    written_bytes: number;
    /**
     * Process that serves the chain; null: none does.
     */
    server_pid: number | null;
  }[];
  /**
   * Whether it reads the restore point, which stays as long.
   */
  needs_repository: boolean;
  /**
   * How far its data has moved; null: it stays where it is.
   */
  move: {
    /**
     * Where to.
     */
    directory: string;
    /**
     * All data is there.
     */
    done: boolean;
    /**
     * So far, with what needs no copying.
     */
    copied_bytes: number;
    /**
     * Of all disks.
     */
    total_bytes: number;
  } | null;
  /**
   * What is not as the guest had it.
   */
  notes: string[];
}
/**
 * All VMs that run from restore points.
 */
export interface BootsOutput {
  version: 1;
  boots: BootOutput[];
}
export interface CheckOutput {
  version: 1;
  ok: boolean;
  repository: string;
  points_checked: number;
  bytes_read: number;
  findings: {
    severity: 'error' | 'warning';
    code:
      | 'manifest.damaged'
      | 'manifest.missing'
      | 'file.missing'
      | 'file.changed'
      | 'index.damaged'
      | 'image.damaged'
      | 'content.mismatch'
      | 'chain.broken'
      | 'point.broken'
      | 'database.missing'
      | 'database.differs'
      | 'key.missing'
      | 'file.unowned'
      | 'file.leftover';
    backup_id: string | null;
    path: string;
    message: string;
    remedy: string;
  }[];
}
/**
 * What `credentials test` prints.
 */
export interface CredentialsTestOutput {
  version: 1;
  /**
   * No privilege is missing.
   */
  ok: boolean;
  name: string;
  source: string;
  node: string;
  about: {
    api_type: 'VirtualCenter' | 'HostAgent';
    api_version: string;
    full_name: string;
    instance_uuid: string | null;
  };
  user: string;
  missing: {
    /**
     * For example VirtualMachine.State.CreateSnapshot.
     */
    privilege: string;
    /**
     * What it is needed for.
     */
    why: string;
  }[];
  warnings: string[];
}
/**
 * What `credentials list|add|rotate|remove` print. Never a password.
 */
export interface CredentialsOutput {
  version: 1;
  /**
   * What new credentials are sealed with; null: there is no key yet.
   */
  key: {
    kind: 'file' | 'systemd';
    path: string;
    /**
     * First 16 hex digits of its SHA-256.
     */
    id: string;
  } | null;
  /**
   * list: all; else those that the command was about.
   */
  credentials: {
    name: string;
    /**
     * null: it cannot be opened.
     */
    user: string | null;
    /**
     * Milliseconds since the epoch.
     */
    created: number;
    /**
     * Milliseconds since the epoch.
     */
    updated: number;
    key_id: string;
    /**
     * Why it cannot be opened.
     */
    problem: string | null;
    used_by: {
      sources: string[];
      /**
       * Plan files beside sendense.yaml and in plans/ there.
       */
      plans: string[];
    };
  }[];
}
/**
 * What became of attached disks.
 */
export interface DetachOutput {
  version: 1;
  /**
   * Of sendense.yaml.
   */
  source: string;
  /**
   * Taken off their VM, and their files removed. With --dry-run: they would be.
   */
  removed: AttachedDisk[];
  /**
   * Only their marks are gone.
   */
  forgotten: AttachedDisk[];
}
export interface VsphereDiscoverOutput {
  version: 1;
  type: 'vsphere';
  source: string;
  node: string;
  about: {
    api_type: 'VirtualCenter' | 'HostAgent';
    api_version: string;
    full_name: string;
    instance_uuid: string | null;
  };
  vms: VsphereVm[];
  warnings: string[];
  /**
   * The plan that --write-plan wrote.
   */
  plan_file: string | null;
  /**
   * The plan that --write-plan - printed.
   */
  plan_text?: string;
}
export interface ImageDiscoverOutput {
  version: 1;
  type: 'image';
  source: string;
  node: string;
  vms: {
    name: string;
    disks: DiskInfo[];
    warnings: string[];
    error: ErrorOutput | null;
  }[];
  warnings: string[];
  /**
   * The plan that --write-plan wrote.
   */
  plan_file: string | null;
  /**
   * The plan that --write-plan - printed.
   */
  plan_text?: string;
}
/**
 * sendense-node doctor --json.
 */
export interface DoctorOutput {
  version: 1;
  /**
   * The worst of the checks; decides the exit status (0, 3, 1).
   */
  result: 'ok' | 'warn' | 'fail';
  checks: {
    id: string;
    title: string;
    result: 'ok' | 'warn' | 'fail' | 'skipped';
    /**
     * What was found, or why the check was skipped.
     */
    message: string;
    remedy: string | null;
    /**
     * Code of docs/errors.md, where the check failed with an error.
     */
    code: string | null;
  }[];
}
/**
 * Report of a run of kind boot.
 */
export interface DrillOutput {
  version: 1;
  run_id: string;
  plan: string;
  /**
   * Milliseconds since the epoch.
   */
  started: number;
  /**
   * Milliseconds since the epoch.
   */
  finished: number;
  /**
   * Every VM came up.
   */
  ok: boolean;
  vms: DrilledVm[];
}
/**
 * A difference between two restore points: a line of `files diff --json`.
 */
export interface FilesDifferenceOutput {
  version: 1;
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Its path in the volume, for people.
   */
  path: string;
  /**
   * `metadata`: the content is the same as far as was looked; `what` says what is not.
   */
  change: 'added' | 'removed' | 'changed' | 'metadata';
  /**
   * What differs: type, content, size, mtime, ctime, inode, mode, owner, target, device.
   */
  what: string[];
  /**
   * As it was in the first restore point; null: it was not there.
   */
  before: FilesEntry | null;
  /**
   * As it is in the second restore point; null: it is not there.
   */
  after: FilesEntry | null;
}
/**
 * One name in a folder of a restore point.
 */
export interface FilesEntry {
  /**
   * For people: what is not UTF-8, or no character to print, is replaced.
   */
  name: string;
  /**
   * The path in the volume: its bytes as base64url. Requests take it.
   */
  id: string;
  /**
   * What it is.
   */
  type: 'file' | 'folder' | 'link' | 'fifo' | 'socket' | 'char' | 'block' | 'unknown';
  /**
   * Bytes.
   */
  size: number;
  /**
   * Bytes on the disk.
   */
  allocated: number;
  /**
   * Octal, with setuid, setgid and sticky.
   */
  mode: string;
  /**
   * Owner.
   */
  uid: number;
  /**
   * Group.
   */
  gid: number;
  /**
   * Names.
   */
  links: number;
  /**
   * Number of the inode.
   */
  inode: string;
  /**
   * Last change of the content, nanoseconds since 1970.
   */
  mtime_ns: string;
  /**
   * Last change of the inode.
   */
  ctime_ns: string;
  /**
   * Last reading.
   */
  atime_ns: string;
  /**
   * Where a link leads, for people; null: it is none.
   */
  target: string | null;
  /**
   * Major and minor number of a device.
   */
  device: string | null;
}
/**
 * What this machine can read of restore points: what `files doctor --json` prints.
 */
export interface FilesDoctorOutput {
  version: 1;
  /**
   * `ok`: the best reader works, and nothing is missing; decides the exit status (0, 3, 1).
   */
  result: 'ok' | 'warn' | 'fail';
  /**
   * Name of the reader that is used here; null: none works.
   */
  reader: string | null;
  /**
   * Ways to read, the best one first.
   */
  readers: {
    /**
     * As the setting `files.reader` has it.
     */
    name: string;
    /**
     * What reads.
     */
    title: string;
    /**
     * What it reads, and what not.
     */
    reads: string;
    /**
     * `works`: it could be used, but another one is better or was asked for.
     */
    state: 'used' | 'works' | 'missing';
    /**
     * Why it does not work.
     */
    why: string | null;
    /**
     * How to make it work; null: it works, or cannot work on this machine.
     */
    remedy: string | null;
  }[];
  /**
   * The programs of the reader that is used; if none works, of the best one that this machine can have.
   */
  checks: {
    id: string;
    title: string;
    result: 'ok' | 'warn' | 'fail' | 'skipped';
    /**
     * What was found.
     */
    message: string;
    remedy: string | null;
    code: null;
  }[];
}
/**
 * A file that was found: a line of `files find --json` and of `files tree --json`.
 */
export interface FilesFoundOutput {
  version: 1;
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Its path in the volume, for people.
   */
  path: string;
  entry: FilesEntry;
}
/**
 * In which restore points a file is: a line of `files find --all-points --json`.
 */
export interface FilesHistoryOutput {
  version: 1;
  /**
   * The VM.
   */
  vm: string;
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Its path in the volume, for people.
   */
  path: string;
  /**
   * Ids of the restore points in which it is, oldest first.
   */
  points: string[];
  /**
   * How many restore points were searched.
   */
  of: number;
  /**
   * When the newest of them was made, milliseconds since 1970.
   */
  last_created: number;
  /**
   * Its versions by type, size and time, oldest first.
   */
  versions: {
    /**
     * Bytes.
     */
    size: number;
    /**
     * Last change of the content, nanoseconds since 1970.
     */
    mtime_ns: string;
    /**
     * What it was.
     */
    type: string;
    /**
     * Id of the oldest restore point with this version.
     */
    first: string;
    /**
     * Id of the newest restore point with this version.
     */
    last: string;
    /**
     * How many restore points have this version.
     */
    points: number;
  }[];
}
/**
 * What a folder of a restore point holds, a page of it: what `files ls --json` prints.
 */
export interface FilesListOutput {
  version: 1;
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * The folder, for people.
   */
  path: string;
  /**
   * The folder's path: its bytes as base64url.
   */
  id: string;
  /**
   * Names in the folder.
   */
  total: number;
  /**
   * By the bytes of their names.
   */
  entries: FilesEntry[];
  /**
   * `after` of the next page; null: this is the last one.
   */
  next: string | null;
  /**
   * What of this page could not be read, and names that the folder has twice: a line each, of many the first 100.
   */
  unreadable: string[];
}
/**
 * Who read which files of restore points, the newest last.
 */
export interface FilesLogOutput {
  version: 1;
  reads: FilesRead[];
  /**
   * There are older rows that fit, beyond the limit.
   */
  more: boolean;
}
export interface FilesRead {
  /**
   * Grows from row to row.
   */
  id: number;
  /**
   * When it began, milliseconds since the epoch.
   */
  at: number;
  /**
   * Null: it goes on.
   */
  ended: number | null;
  /**
   * A user of the hub's machine, or `hub-api`: who has the token of the API.
   */
  who: string;
  /**
   * Where the request to the API came from; null: it was a command on the machine, or an older version of Sendense wrote the row.
   */
  address: string | null;
  /**
   * The run that held the restore point open.
   */
  run_id: string;
  vm: string;
  repository: string;
  backup_id: string;
  action: 'open' | 'unlock' | 'search' | 'compare' | 'download' | 'archive' | 'close';
  volume: string | null;
  /**
   * As the command line shows and takes it.
   */
  path: string | null;
  /**
   * Bytes that were handed over. Null: it hands none over, or its process died.
   */
  bytes: number | null;
  /**
   * Code of what went wrong.
   */
  error: string | null;
}
/**
 * All restore points that are open.
 */
export interface FilesMountsOutput {
  version: 1;
  mounts: FilesOutput[];
}
/**
 * A restore point that is open: what `files POINT --json` prints, and the hub's API answers. Times are milliseconds since 1970.
 */
export interface FilesOutput {
  version: 1;
  /**
   * Of the session; the run that holds the restore point.
   */
  id: string;
  /**
   * Name of the VM.
   */
  vm: string;
  /**
   * Name of the repository.
   */
  repository: string;
  /**
   * Id of the restore point.
   */
  backup_id: string;
  /**
   * When the restore point was made.
   */
  created: number;
  /**
   * When the session began.
   */
  opened: number;
  /**
   * Who opened it, as `files log` calls them.
   */
  opened_by: string;
  /**
   * When it ends, unless somebody reads before.
   */
  expires: number;
  /**
   * What to know of the choice of the restore point.
   */
  remark: string | null;
  /**
   * What reads it, by the names of `files doctor`.
   */
  reader: string;
  /**
   * In the order of the disks.
   */
  volumes: {
    /**
     * What commands call it: `disk-0p2` (disk and partition), `disk-1` (a disk without a partition table), `vg0/root` (a logical volume), `md/0` (a RAID array).
     */
    id: string;
    /**
     * ext4, xfs, ntfs, crypto_LUKS, …, as blkid names it; null: nothing was recognised.
     */
    type: string | null;
    /**
     * Size of the volume.
     */
    bytes: number;
    /**
     * Label of the file system.
     */
    label: string | null;
    /**
     * UUID of the file system.
     */
    uuid: string | null;
    /**
     * `readable`; `part`: a part of a volume group or array; `encrypted`: it takes a passphrase; `swap`, `empty`, `unsupported`, `damaged`.
     */
    state: 'readable' | 'encrypted' | 'swap' | 'empty' | 'part' | 'unsupported' | 'damaged';
    /**
     * Why it cannot be read, or what it is.
     */
    why: string | null;
    /**
     * Used bytes; null: it was not opened yet.
     */
    used: number | null;
    /**
     * `replayed`: into a copy that is thrown away. `skipped`: what is in the journal only is missing, and `notes` say why. null: it was not opened yet.
     */
    journal: 'none' | 'clean' | 'replayed' | 'skipped' | null;
    /**
     * What else to know.
     */
    notes: string[];
  }[];
}
/**
 * All that is known of one file: what `files stat --json` prints.
 */
export interface FilesStatOutput {
  version: 1;
  /**
   * Id of the volume.
   */
  volume: string;
  /**
   * Its path without links, for people.
   */
  path: string;
  entry: FilesEntry;
  /**
   * Extended attributes, access control lists among them.
   */
  xattrs: {
    name: string;
    /**
     * Base64.
     */
    value: string;
  }[];
  /**
   * What is wrong with it, such as a name that its folder has twice.
   */
  warnings: string[];
}
/**
 * What was taken out of a restore point: what `files get --json` prints.
 */
export interface FilesTakenOutput {
  version: 1;
  /**
   * The VM.
   */
  vm: string;
  /**
   * The restore point.
   */
  backup_id: string;
  /**
   * What was taken out.
   */
  taken: {
    /**
     * Id of the volume.
     */
    volume: string;
    /**
     * Its path in the volume, for people.
     */
    path: string;
    /**
     * What it is.
     */
    type: string;
    /**
     * Where it is now, for people.
     */
    to: string;
  }[];
  /**
   * Bytes that were read, headers of archives among them.
   */
  bytes: number;
  /**
   * What could not be taken, or not with all that it had.
   */
  left_out: string[];
}
export interface GcOutput {
  version: 1;
  dry_run: boolean;
  repositories: {
    repository: string;
    path: string;
    /**
     * What belongs to nothing. Paths count from the repository.
     */
    removed: {
      path: string;
      kind: 'image' | 'index' | 'vm-config' | 'marks' | 'part';
      /**
       * Bytes.
       */
      bytes: number;
      backup_id: string | null;
      /**
       * Put aside; false: removed for good.
       */
      trashed: boolean;
    }[];
    /**
     * Files that belong to no restore point and stay nevertheless.
     */
    kept: {
      path: string;
      reason: string;
    }[];
    /**
     * VMs of which nothing was judged; `*`: all of them, for the repository is not there.
     */
    skipped: {
      vm: string;
      reason: string;
    }[];
    /**
     * Folders of the trash that are removed for good.
     */
    expired: {
      name: string;
      /**
       * Bytes.
       */
      bytes: number;
    }[];
  }[];
}
/**
 * Runs, newest first, or what they add up to day by day.
 */
export interface HistoryOutput {
  version: 1;
  runs: HistoryRun[];
  /**
   * There are older runs that fit, beyond the limit.
   */
  more: boolean;
  /**
   * With --daily, newest first: runs that are forgotten and those that are not; otherwise null.
   */
  days: HistoryDay[] | null;
}
export interface HistoryDay {
  /**
   * 2026-11-21, UTC, of the end of the runs.
   */
  day: string;
  plan: string;
  kind: string;
  /**
   * Runs that a command made of its options (verify, prune, repo copy): no plan's, whatever their name.
   */
  command: boolean;
  /**
   * With or without warnings.
   */
  succeeded: number;
  warned: number;
  failed: number;
  cancelled: number;
  crashed: number;
  bytes_transferred: number;
  /**
   * Of all.
   */
  duration_ms: number;
  longest_ms: number;
}
export interface ImportOutput {
  version: 1;
  repository: string;
  imported: string[];
  present: number;
  /**
   * With --forget-missing: restore points whose manifest is gone, and all restore points of a repository that the settings do not name.
   */
  forgotten: string[];
  /**
   * Names under which several VMs have restore points.
   */
  shared?: {
    vm: string;
    identities: string[];
  }[];
  refused: {
    path: string;
    message: string;
  }[];
}
export interface ListOutput {
  version: 1;
  points: RestorePointOutput[];
  /**
   * Restore points that Sendense could not read, of a repository without settings. Absent if there are none.
   */
  left_out?: {
    vm: string;
    /**
     * Null: Sendense does not know which restore points the VM has.
     */
    backup_id: string | null;
    reason: string;
  }[];
}
/**
 * Output of `sendense-run repo new-key --json`.
 */
export interface NewKeyOutput {
  version: 1;
  /**
   * Absolute path.
   */
  file: string;
  /**
   * What manifests name the key by.
   */
  key_id: string;
}
/**
 * What `token create` prints. Nothing shows the secret again.
 */
export interface NewTokenOutput {
  version: 1;
  tokens: Tokens;
  /**
   * For `Authorization: Bearer …`.
   */
  secret: string;
}
export interface TokenEntry {
  name: string;
  /**
   * viewer, operator, restorer or admin.
   */
  roles: string[];
  /**
   * Patterns: the rights hold for VMs that fit one; null: for all.
   */
  vms: string[] | null;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  /**
   * Who made it.
   */
  created_by: string;
  /**
   * Milliseconds since the epoch; null: never.
   */
  expires: number | null;
  /**
   * Its last use, to the minute, milliseconds since the epoch; null: none.
   */
  used: number | null;
  /**
   * From where it was used last.
   */
  address: string | null;
}
/**
 * What `schedule next` prints: slots to come. Times are milliseconds since the epoch.
 */
export interface NextSlotsOutput {
  version: 1;
  slots: {
    plan: string;
    slot: number;
    /**
     * With the jitter of this host.
     */
    begins: number;
    timezone: string;
    /**
     * Why nothing will begin then.
     */
    blackout: string | null;
  }[];
}
/**
 * What `node add` prints. The token is a secret: whoever has it can enrol as this node, once.
 */
export interface NodeAddedOutput {
  version: 1;
  name: string;
  /**
   * For `sendense-node enroll --token`; shown once, and kept nowhere.
   */
  token: string;
  /**
   * Milliseconds since the epoch.
   */
  expires: number;
  reverse_port: number;
  /**
   * Fingerprint of the hub's host key, which the token pins.
   */
  host_key: string;
  /**
   * Where the hub's SSH server listens, as far as it is known here; what a firewall forwards may be another.
   */
  ssh_port: number;
}
/**
 * sendense-node status --json.
 */
export interface NodeStatusOutput {
  version: 1;
  node_version: string;
  state_dir: string;
  enrolment: Enrolment | null;
  link: LinkStatus | null;
  api: {
    url: string;
    health: NodeHealth | null;
    error: ErrorOutput | null;
  };
}
/**
 * Enrolled nodes: what `node list|show|rename|revoke|remove` print, and `GET /api/v1/nodes` of the hub. Times are milliseconds since the epoch.
 */
export interface NodesOutput {
  version: 1;
  /**
   * list: all; else the one that the command was about.
   */
  nodes: {
    name: string;
    /**
     * waiting, expired: not enrolled yet, and its token is still good, or no more.
     */
    state: 'waiting' | 'expired' | 'connected' | 'disconnected' | 'revoked';
    /**
     * Port of the hub's loopback address that leads to its API.
     */
    reverse_port: number;
    /**
     * Fingerprint of its public key; null: not enrolled yet.
     */
    key: string | null;
    /**
     * As it says itself.
     */
    hostname: string | null;
    /**
     * As it says itself.
     */
    node_version: string | null;
    created: number;
    /**
     * null: not yet.
     */
    enrolled: number | null;
    /**
     * Of an enrolment token that was not used yet; null: there is none.
     */
    token_expires: number | null;
    /**
     * null: not connected.
     */
    connected_since: number | null;
    /**
     * Address and port from which it is, or was last, connected.
     */
    peer: string | null;
    /**
     * What carries its disks at this hub: OpenSSH, or the built-in server. null: not connected, or not decided yet.
     */
    data: 'sshd' | 'builtin' | null;
    /**
     * null: never.
     */
    last_seen: number | null;
    /**
     * null: it is not.
     */
    revoked: number | null;
    /**
     * Another machine with the same key, which is refused until you decide (node.cloned). null: none was seen in the last hour.
     */
    other_machine: {
      hostname: string;
      /**
       * Address and port.
       */
      peer: string;
      /**
       * Milliseconds since the epoch.
       */
      seen: number;
    } | null;
    /**
     * Why the version of the node does not fit that of this hub, and which of the two to upgrade. null: it fits, or is not known.
     */
    version_misfit: string | null;
    /**
     * NBD ports that it may reach now, as targets of runs.
     */
    open_ports: number[];
  }[];
}
/**
 * What was delivered.
 */
export interface NotifyFlushOutput {
  version: 1;
  sent: number;
  /**
   * Failed attempts.
   */
  failed: number;
  /**
   * Messages that still wait.
   */
  waiting: number;
}
/**
 * Notices and what became of them, newest first.
 */
export interface NotifyHistoryOutput {
  version: 1;
  notices: Notices;
}
/**
 * The channels of sendense.yaml and how it goes with them.
 */
export interface NotifyListOutput {
  version: 1;
  channels: {
    name: string;
    type: string;
    /**
     * Where to, without secrets.
     */
    target: string;
    /**
     * default, and the plans that name it.
     */
    used_by: string[];
    /**
     * Messages that wait for it.
     */
    waiting: number;
    /**
     * Milliseconds since the epoch.
     */
    last_success: number | null;
    /**
     * Null: the last attempt succeeded.
     */
    failing_since: number | null;
    /**
     * Failed attempts one after another.
     */
    failures: number;
    error: string | null;
  }[];
}
/**
 * What became of a message to each channel.
 */
export interface NotifyTestOutput {
  version: 1;
  ok: boolean;
  channels: {
    channel: string;
    ok: boolean;
    /**
     * Why it failed; or what was not quite right.
     */
    error: string | null;
  }[];
}
/**
 * What a run would do, without doing it.
 */
export interface PlanOutput {
  version: 1;
  plan: string;
  kind: string;
  vm: string;
  steps: {
    id: string;
    uses: string;
    title: string;
    runs: 'yes' | 'no' | 'maybe';
    effects: PlannedEffect[];
    notes: string[];
    /**
     * Items: What is only known later.
     */
    unknown: string[];
  }[];
  disks: DiskDecision[];
  estimated_bytes: number | null;
}
export interface PlannedEffect {
  /**
   * What it would do.
   */
  action: 'run' | 'create' | 'change' | 'remove' | 'lease' | 'insert' | 'read' | 'send';
  /**
   * File, port, table or URL.
   */
  target: string;
  detail: string;
  argv: string[] | null;
}
/**
 * What `protect` and `unprotect` did.
 */
export interface ProtectOutput {
  version: 1;
  backup_id: string;
  vm: string;
  repository: string;
  protected: {
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Null: for ever.
     */
    until: number | null;
    reason: string;
    by: string;
  } | null;
  used_by?: UsedBy;
}
/**
 * What a prune would do: `sendense-run prune --dry-run --json`.
 */
export interface PruneOutput {
  version: 1;
  repository: string;
  /**
   * Null: restore points were named.
   */
  retention: Retention | null;
  /**
   * Restore points that were named. There only if some were.
   *
   * Items: Backup id, sortable by time.
   */
  remove?: string[];
  /**
   * In which hours, days, weeks, months and years were counted.
   */
  timezone: string;
  /**
   * What the clock said; milliseconds since the epoch.
   */
  now: number;
  vms: PrunedVm[];
  /**
   * Patterns that no VM of the repository fits.
   */
  unmatched: string[];
  freed: FreedBytes;
}
export interface RecoverOutput {
  version: 1;
  runs: {
    run_id: string;
    plan: string;
    undone: string[];
    published: boolean;
    errors: ErrorOutput[];
    /**
     * What the clean-up left on purpose, and what you can do with it.
     */
    kept?: string[];
  }[];
  /**
   * Removals of restore points that were cut off: what was finished, and what cannot be.
   */
  removals?: {
    repository: string;
    /**
     * VM's directory and restore point.
     */
    finished: string[];
    /**
     * Files that this command moved to `.sendense/trash`: another hub began these backups and can no longer commit them.
     */
    put_aside?: string[];
    error: ErrorOutput | null;
  }[];
  /**
   * Runs of other containers (pid namespaces) that may go on: nobody here can tell, and they were left alone.
   */
  unseen?: {
    run_id: string;
    plan: string;
    /**
     * Milliseconds since the epoch.
     */
    started: number;
  }[];
}
/**
 * Output of `sendense-run repo repair --json`.
 */
export interface RepairOutput {
  version: 1;
  repository: string;
  /**
   * Absolute path of the repository.
   */
  path: string;
  /**
   * Its id.
   */
  id: string;
  /**
   * Whether sendense-repository.json was made again.
   */
  made: boolean;
  /**
   * Where the damaged one is now, relative to the repository.
   */
  put_aside: string | null;
}
export interface RepositoriesOutput {
  version: 1;
  repositories: Repositories;
}
/**
 * What `schedule list`, `pause` and `resume` print. Times are milliseconds since the epoch.
 */
export interface SchedulesOutput {
  version: 1;
  /**
   * list: all; else the one that the command was about.
   */
  schedules: ScheduleOutput[];
  duplicates: Duplicates;
}
/**
 * How a run went, step by step, and where the logs of its jobs are.
 */
export interface ShowRunOutput {
  version: 1;
  run: Items2;
  plan_file: string;
  warnings: string[];
  /**
   * Those that began, in their order.
   */
  steps: {
    id: string;
    uses: string;
    state: 'started' | 'succeeded' | 'failed' | 'undo_started' | 'undo_finished' | 'undo_failed';
    attempt: number;
    /**
     * Milliseconds since the epoch.
     */
    started: number;
    error: ErrorOutput | null;
    /**
     * Why what it left could not be removed.
     */
    undo_error: ErrorOutput | null;
  }[];
  /**
   * What began it: manual, command (no plan, but what a command made of its options), schedule, timer, catch-up, backfill or group.
   */
  trigger: string;
  /**
   * The user or token of the hub's API that began it; null: something else did.
   */
  asked_by: string | null;
  /**
   * The user or token that asked it to stop.
   */
  stopped_by: string | null;
  /**
   * The time of the schedule that it is for, milliseconds since the epoch.
   */
  slot: number | null;
  /**
   * The run of the group that it belongs to.
   */
  parent_run: string | null;
  /**
   * Runs of a group's VMs, in the order in which they began.
   */
  children: Items2[];
  /**
   * File with the events of the run (`sendense-run logs RUN`); null where there is none any more.
   */
  log: string | null;
  /**
   * Of jobs of a node that failed, were cancelled or crashed: JSON lines with time, level and message.
   */
  logs: {
    step: string;
    path: string;
  }[];
}
/**
 * A VM's chains, or one restore point with its chain, oldest first.
 */
export interface ShowOutput {
  version: 1;
  vm: string;
  repository: string;
  selected: string | null;
  /**
   * With --point: why it is the selected one.
   */
  why?: string;
  points: RestorePointOutput[];
}
/**
 * What became of slots: what `schedule history` and `schedule backfill` print. Times are milliseconds since the epoch.
 */
export interface SlotsOutput {
  version: 1;
  /**
   * history: newest first; backfill: in the order in which they ran.
   */
  slots: SlotOutput[];
}
/**
 * What `node sshd-config` prints.
 */
export interface SshdConfigOutput {
  version: 1;
  /**
   * Lines for sshd_config.
   */
  config: string;
  authorized_keys: {
    path: string;
    lines: string[];
  };
  /**
   * Whether sshd and the file were asked.
   */
  checked: boolean;
  differences: {
    /**
     * Key of sshd_config, or file.
     */
    about: string;
    message: string;
    remedy: string;
  }[];
}
/**
 * What `token list|revoke` print. Never a secret.
 */
export interface TokensOutput {
  version: 1;
  tokens: Tokens;
}
/**
 * What the upkeep of the state database and the logs did.
 */
export interface UpkeepOutput {
  version: 1;
  runs_summarised: number;
  logs_removed: number;
  log_bytes_freed: number;
  database_bytes_freed: number;
  /**
   * Copies of the state database that were made.
   */
  copies: {
    repository: string;
    path: string;
    bytes: number;
  }[];
  /**
   * What could not be done.
   */
  troubles: string[];
}
/**
 * What `user sessions` prints: who is logged in. Never a secret.
 */
export interface UserSessionsOutput {
  version: 1;
  sessions: Sessions;
}
/**
 * What `user list|add|password|roles|disable|enable|remove` print. Never a password.
 */
export interface UsersOutput {
  version: 1;
  users: UserEntry[];
}
export interface UserEntry {
  name: string;
  /**
   * viewer, operator, restorer or admin.
   */
  roles: string[];
  /**
   * Patterns: the rights hold for VMs that fit one; null: for all.
   */
  vms: string[] | null;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  /**
   * Last change of password, roles or VMs, or of whether the user may log in; milliseconds since the epoch.
   */
  changed: number;
  /**
   * How many go on.
   */
  sessions: number;
  /**
   * Since when the user may not log in, milliseconds since the epoch; null: the user may.
   */
  disabled: number | null;
  /**
   * Who knows the password: the hub, or an identity provider.
   */
  kind: 'local' | 'oidc';
}
export interface ValidateOutput {
  version: 1;
  valid: boolean;
  files: {
    file: string;
    kind: string | null;
    name: string | null;
    valid: boolean;
    /**
     * Of a plan: the settings that it was checked against; null where none were found.
     */
    settings?: string | null;
  }[];
  diagnostics: DiagnosticOutput[];
}
export interface DiagnosticOutput {
  rule: string;
  severity: 'error' | 'warning';
  file: string;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  /**
   * JSON pointer of the value.
   */
  path: string;
  message: string;
  allowed: string[];
  /**
   * Did you mean.
   */
  suggestion: string | null;
  remedy: string;
}
/**
 * Backs up one VM.
 */
export interface BackupPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'backup';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * auto: incremental if that is safe, else full with the reason. full: always full.
   */
  mode: 'auto' | 'full';
  vm: Vm;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  rpo?: string;
  retention?: Retention;
  /**
   * What is read back and compared before the commit. changed: what this run wrote, which is everything for a full. all: also the points below an incremental.
   */
  verify: 'changed' | 'all';
  /**
   * Compression of the stored disks. zstd: each disk is rewritten, compressed, before the commit. Default: the setting of the repository.
   */
  compress?: 'none' | 'zstd';
  limits: Limits1;
  transfer: Transfer1;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
  /**
   * Backup id, sortable by time.
   */
  beforeRestore?: string;
}
/**
 * Limits of a transfer.
 */
export interface Limits1 {
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  diskRate?: string;
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  jobRate?: string;
  /**
   * Disks of a VM that are copied at the same time. Default: 2.
   */
  disksAtOnce?: number;
}
/**
 * How the data gets from the node to this hub.
 */
export interface Transfer1 {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  reconnect?: string;
}
/**
 * Backs up one VM on top of its last restore point, and fails if that is not safe.
 */
export interface IncrementalPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'incremental';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * What to do for a disk that has no restore point on which an incremental is safe. refuse: the run fails. full: this disk is backed up in full.
   */
  onNoParent: 'refuse' | 'full';
  vm: Vm;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  rpo?: string;
  retention?: Retention;
  /**
   * What is read back and compared before the commit. changed: what this run wrote, which is everything for a full. all: also the points below an incremental.
   */
  verify: 'changed' | 'all';
  /**
   * Compression of the stored disks. zstd: each disk is rewritten, compressed, before the commit. Default: the setting of the repository.
   */
  compress?: 'none' | 'zstd';
  limits: Limits2;
  transfer: Transfer2;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
}
/**
 * Limits of a transfer.
 */
export interface Limits2 {
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  diskRate?: string;
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  jobRate?: string;
  /**
   * Disks of a VM that are copied at the same time. Default: 2.
   */
  disksAtOnce?: number;
}
/**
 * How the data gets from the node to this hub.
 */
export interface Transfer2 {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  reconnect?: string;
}
/**
 * Writes the disks of a restore point, or files of it, into a directory, makes a VM or an OVA file of it, writes it back to its VM, attaches its disks to a VM, or checks files of it.
 */
export interface RestorePlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'restore';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * The VM that you restore.
   */
  vm: {
    /**
     * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
     */
    name: string;
    /**
     * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
     */
    identity?: string;
  };
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * Which restore point: `latest`, a backup id, the last one before a time, or the last one made by a time.
   */
  point:
    | string
    | {
        /**
         * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
         */
        before: string;
        /**
         * Together with `before`: no point older than this time. ISO 8601 with a zone.
         */
        from?: string;
      }
    | {
        /**
         * The last point made at this time or before it. ISO 8601 with a zone.
         */
        at: string;
      };
  /**
   * Where the restored disks or files go. Not needed with `expect` alone.
   */
  to?: DirectoryTo | DeviceTo | OvaTo | KvmTo | VsphereTo | InPlaceTo | AttachTo | AttachKvmTo;
  /**
   * Numbers of the disks to restore, from 0. Default: all.
   *
   * @minItems 1
   */
  disks?: [number, ...number[]];
  files?: FilePlaces;
  exclude?: FilePatterns;
  /**
   * Only for `files`. true: replace files that are there, and merge folders.
   */
  overwrite: boolean;
  passphrase?: Secret2;
  /**
   * What files of the restore point have to be. Otherwise the run fails, and restores nothing.
   *
   * @minItems 1
   */
  expect?: [FileExpectation, ...FileExpectation[]];
  /**
   * Compare the restored disks with the block index.
   */
  verify: boolean;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  steps?: Steps;
  result?: Result;
}
/**
 * A folder of the hub.
 */
export interface DirectoryTo {
  /**
   * Folder for the disks or files, relative to the plan. Sendense makes it if it is missing.
   */
  directory: string;
  /**
   * Format of the restored disks. `vmdk-stream`: compressed, for OVA files and uploads to vSphere. `vhdx`: for Hyper-V.
   */
  format: 'raw' | 'qcow2' | 'vmdk' | 'vmdk-stream' | 'vhdx';
  /**
   * Only for vmdk: the variant of the format. `streamOptimized` is what `format: vmdk-stream` makes.
   */
  subformat: 'monolithicSparse' | 'streamOptimized';
  /**
   * Only for qcow2. true: an overlay on the chain in the repository, instead of a copy.
   */
  thin: boolean;
}
/**
 * Block devices of the hub.
 */
export interface DeviceTo {
  /**
   * Block device of the hub for the disk, for example /dev/disk/by-id/wwn-0x5000c500a1b2c3d4. If you restore several disks: a mapping with a device for each, `disk-0: /dev/sdb`.
   */
  device:
    | string
    | {
        /**
         * A device: its absolute path, for example /dev/sdb.
         */
        [k: string]: string;
      };
  /**
   * true: what the device holds may go. Otherwise a device with a file system, a partition table or the like is refused.
   */
  overwrite: boolean;
}
/**
 * An OVA file: the whole VM in one file, for vSphere, VMware Workstation, VirtualBox and others.
 */
export interface OvaTo {
  /**
   * The file, relative to the plan; its name ends with .ova. Sendense makes the folder if it is missing.
   */
  ova: string;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  memory?: number | string;
  /**
   * CPUs of the VM. Default: what was saved.
   */
  cpus?: number;
  /**
   * Default: what was saved; else what the first disk needs.
   */
  firmware?: 'bios' | 'efi';
  /**
   * VMware's id of the guest's system, for example debian12_64Guest. Default: what was saved.
   */
  guestId?: string;
}
/**
 * A VM for KVM: its disks in a folder of the hub, defined in libvirt if that is there.
 */
export interface KvmTo {
  /**
   * Folder for the disks, the description of the VM for libvirt (domain.xml) and a script that starts it (start.sh), relative to the plan. Sendense makes it if it is missing.
   */
  kvm: string;
  /**
   * A name of the new VM: up to 64 letters, digits, dots, dashes and underscores, the first a letter or digit. Default: the name that the VM had.
   */
  name?: string;
  /**
   * Where libvirt defines the VM, for example qemu:///system. `none`: nowhere. Default: qemu:///system if it answers, else nowhere.
   */
  libvirt?: string;
  /**
   * The network of its network cards here: the name of a network of libvirt, `bridge:NAME` for a bridge of this machine, or `user` for the NAT of QEMU. If the cards go to different networks: a mapping from the names of vSphere, `VM Network: default`.
   */
  network?:
    | string
    | {
        /**
         * A network: its name in libvirt, `bridge:NAME`, or `user`; up to 63 letters, digits, dots, dashes and underscores.
         */
        [k: string]: string;
      };
  /**
   * true: the network cards are connected when the VM starts.
   */
  connect: boolean;
  /**
   * `keep`: the network cards keep their MAC addresses. Do that only if the old VM is gone.
   */
  mac: 'new' | 'keep';
  /**
   * `keep`: the VM keeps the uuid that its guest sees. Do that only if the old VM is gone.
   */
  identity: 'new' | 'keep';
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  memory?: number | string;
  /**
   * CPUs of the VM. Default: what was saved.
   */
  cpus?: number;
  /**
   * Default: what was saved; else what the first disk needs.
   */
  firmware?: 'bios' | 'efi';
  /**
   * true: after the restore libvirt starts the VM, and the run waits until it is up: until its picture stops changing. Or a mapping that says by which sign it is up.
   */
  start: boolean | StartCheck;
  /**
   * `virtio`: virt-v2v gives the guest the drivers of KVM, and the VM gets virtio disks and network cards. Sendense boots the result without a network before it keeps it. If it does not boot, the VM keeps the hardware that the guest knows, and the run ends with a warning. Or a mapping that says how.
   */
  convert?: 'virtio' | Conversion;
}
/**
 * A new VM in vSphere.
 */
export interface VsphereTo {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  vsphere: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * Name of the new VM. Default: the name that the VM had.
   */
  name?: string;
  /**
   * Inventory path of its folder, for example /DC1/vm/restored. Default: the folder that the VM was in.
   */
  folder?: string;
  /**
   * Inventory path of a resource pool, a cluster or a host, for example /DC1/host/cluster1. Default: the cluster or host of the datacenter, if there is only one.
   */
  pool?: string;
  /**
   * Datastore of the VM and its disks. If the disks go to different datastores: a mapping with a datastore for each, `disk-1: datastore2`. A disk that it does not name goes to the first one. Default: the datastores that the disks were on.
   */
  datastore?:
    | string
    | {
        [k: string]: string;
      };
  /**
   * The network of its network cards. If the cards go to different networks: a mapping from the names of before, `VM Network: lab`. Default: the networks that they were on.
   */
  network?:
    | string
    | {
        [k: string]: string;
      };
  /**
   * true: the network cards are connected when the VM starts.
   */
  connect: boolean;
  /**
   * Whether the network cards keep their MAC addresses. Default: `keep` if the old VM is gone from the inventory, else `new`.
   */
  mac?: 'new' | 'keep';
  /**
   * `keep`: the VM keeps the BIOS uuid, which licences and cloud-init go by. Do that only if the old VM is gone. The instance uuid is always new.
   */
  identity: 'new' | 'keep';
  /**
   * true: thin disks, false: thick ones. Default: each as it was.
   */
  thin?: boolean;
  /**
   * true: make the VM although it had a virtual TPM, whose content is in no backup.
   */
  withoutTpm: boolean;
  /**
   * true: start the VM when all is done.
   */
  powerOn: boolean;
  /**
   * true: start the VM when all is done, and wait until VMware Tools run in its guest. If they do not come, the VM is powered off again, and the run fails; what was restored stays. Or a mapping that says how long to wait.
   */
  start: boolean | ToolsCheck;
  /**
   * true: a restore that fails keeps the VM if one of its disks is copied whole, and the next run goes on with it. false: it removes all that it made.
   */
  resume: boolean;
}
/**
 * The VM that the restore point was made of: what differs is written to its disks.
 */
export interface InPlaceTo {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  inPlace: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * true: a backup of the present state is made first, so that you can go back. `latest` never means that one. false: what is on the disks now is lost.
   */
  safetyBackup: boolean;
  /**
   * true: go on with a restore of another hub that has died. Its run must not be at work any more: this hub cannot tell. A run of this hub that has not ended is never taken over.
   */
  takeOver: boolean;
  /**
   * true: at the end all of each disk is read and compared with the restore point. false: what was written is.
   */
  compareAll: boolean;
  /**
   * true: start the VM when all is done.
   */
  powerOn: boolean;
  /**
   * true: start the VM when all is done, and wait until VMware Tools run in its guest. If they do not come, the VM is powered off again, and the run fails; what was restored stays. Or a mapping that says how long to wait.
   */
  start: boolean | ToolsCheck;
}
/**
 * Additional disks of a VM in vSphere that may run.
 */
export interface AttachTo {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  attach: string;
  /**
   * The VM that gets the disks: its name, its place in the inventory or its managed object id. Default: the VM that the restore point was made of.
   */
  vm?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * Datastore of the new disks. Default: the one that has the VM's own files.
   */
  datastore?: string;
  /**
   * true: thin disks, false: thick ones.
   */
  thin: boolean;
  /**
   * true: if the restore fails, it keeps disks that are copied whole, and the next run goes on with them. false: it removes all that it made.
   */
  resume: boolean;
}
/**
 * Additional disks of a VM of libvirt that may run.
 */
export interface AttachKvmTo {
  /**
   * The VM of libvirt that gets the disks: its name or its uuid.
   */
  attachKvm: string;
  /**
   * Where libvirt has that VM.
   */
  libvirt: string;
  /**
   * Folder of the hub for the disks, relative to the plan. They get a folder of their own in it, `sendense-RUN`.
   */
  folder: string;
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret2 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * Protects many VMs with one policy.
 */
export interface GroupPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'group';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  source?: string;
  /**
   * Which VMs belong to the group: those that fit one of these entries, looked up at each run. Templates never belong to it.
   *
   * @minItems 1
   */
  members: [VmMatch, ...VmMatch[]];
  /**
   * VMs that fit one of these entries do not belong to the group.
   */
  exclude?: VmMatch[];
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node: string;
  /**
   * Which VM goes first among those of equal priority. name: in the order of the names. oldest-backup: the VM that has waited longest for a restore point. smallest, largest: by the size of the disks.
   */
  order: 'name' | 'oldest-backup' | 'smallest' | 'largest';
  /**
   * VMs that are backed up at the same time.
   */
  atOnce: number;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  lockWait: string;
  vm: VmPolicy1;
  /**
   * auto: incremental if that is safe, else full with the reason. full: always full.
   */
  mode: 'auto' | 'full';
  /**
   * What is read back and compared before the commit. changed: what this run wrote, which is everything for a full. all: also the points below an incremental.
   */
  verify: 'changed' | 'all';
  limits: Limits3;
  transfer: Transfer3;
  retention?: Retention;
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
   */
  rpo?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
  /**
   * Other settings for some of the VMs. A later entry overrides an earlier one.
   *
   * Items: Other settings for some of the VMs. A later entry overrides an earlier one.
   */
  overrides?: {
    match: VmMatch;
    /**
     * VMs with a higher number go first.
     */
    priority?: number;
    vm?: VmPolicy;
    /**
     * auto: incremental if that is safe, else full with the reason. full: always full.
     */
    mode?: 'auto' | 'full';
    /**
     * What is read back and compared before the commit. changed: what this run wrote, which is everything for a full. all: also the points below an incremental.
     */
    verify?: 'changed' | 'all';
    limits?: Limits;
    transfer?: Transfer;
    /**
     * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
     */
    repository?: string;
    /**
     * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
     */
    node?: string;
    retention?: Retention;
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    timeout?: string;
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    stallTimeout?: string;
  }[];
}
/**
 * How the VMs are read.
 */
export interface VmPolicy1 {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * Whether the guest quiesces its file systems for the snapshot (vSphere). required: fail if that is not possible. try: go on without it, with a warning. off: do not quiesce. Default: try.
   */
  quiesce?: 'required' | 'try' | 'off';
  /**
   * Changed block tracking (vSphere). auto: use it if it is on, else compare the disks by digest. enable: switch it on if it is off. require: fail if it is off. off: do not use it. Default: auto.
   */
  cbt?: 'auto' | 'enable' | 'require' | 'off';
  /**
   * What to do if the VM has snapshots that Sendense did not make (vSphere). refuse: fail. allow: go on if the transport can read such disks, and record why. Default: refuse.
   */
  foreignSnapshots?: 'refuse' | 'allow';
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transport?: 'vddk' | 'https' | 'ssh';
}
/**
 * Limits of a transfer.
 */
export interface Limits3 {
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  diskRate?: string;
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  jobRate?: string;
  /**
   * Disks of a VM that are copied at the same time. Default: 2.
   */
  disksAtOnce?: number;
}
/**
 * How the data gets from the node to this hub.
 */
export interface Transfer3 {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  reconnect?: string;
}
/**
 * Removes the restore points that no rule keeps, or those that it names.
 */
export interface PrunePlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'prune';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  vms?: VmPatterns;
  /**
   * Identity of the VM, as `sendense-run list` shows it. Needed only if several VMs have restore points under one name.
   */
  identity?: string;
  retention?: Retention;
  /**
   * In place of `retention`: ids of the restore points that go. All others stay.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: Backup id, sortable by time.
   */
  remove?: [string, ...string[]];
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
}
/**
 * Proves that restore points hold what was backed up.
 */
export interface VerifyPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'verify';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  vms?: VmPatterns;
  /**
   * Which restore point: `latest`, a backup id, the last one before a time, or the last one made by a time.
   */
  point?:
    | string
    | {
        /**
         * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
         */
        before: string;
        /**
         * Together with `before`: no point older than this time. ISO 8601 with a zone.
         */
        from?: string;
      }
    | {
        /**
         * The last point made at this time or before it. ISO 8601 with a zone.
         */
        at: string;
      };
  /**
   * quick: files, sizes, times, chain and qcow2 structure. digests: each stored byte once. deep: the whole disks of the guest, read through the chain.
   */
  level: 'quick' | 'digests' | 'deep';
  /**
   * Which restore points: the newest of each VM (`latest`), `all`, a share of all, or those not verified for some time. The least recently verified come first.
   */
  points:
    | ('latest' | 'all')
    | {
        /**
         * Percentage of all restore points, rounded up. 10% verifies each point within ten runs.
         */
        share: string;
      }
    | {
        /**
         * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
         */
        notVerifiedFor: string;
      };
  /**
   * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
   */
  rate?: string;
  boot?: BootCheck;
  files?: FilesCheck;
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
}
/**
 * Makes a restore point of what the guest of a VM wrote that runs from a restore point.
 */
export interface KeepPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'keep';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * The VM that the restore point is of.
   */
  vm: {
    /**
     * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
     */
    name: string;
  };
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
  /**
   * Compression of the stored disks. zstd: each disk is rewritten, compressed, before the commit. Default: the setting of the repository.
   */
  compress?: 'none' | 'zstd';
  /**
   * What is read back and compared before the commit. changed: what this run wrote, which is everything for a full. all: also the points below an incremental.
   */
  verify: 'changed' | 'all';
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
}
/**
 * Starts VMs from their restore points, in an order, and judges whether they come up: a disaster drill, or the recovery itself.
 */
export interface BootPlan {
  /**
   * Version of the file format.
   */
  version: 1;
  kind: 'boot';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  /**
   * What the plan is for, in your words.
   */
  description?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * The VMs, in the order in which they start.
   *
   * @minItems 1
   * @maxItems 256
   */
  vms: [BootVm, ...BootVm[]];
  /**
   * none: no network cards. isolated: the VMs reach each other, and nothing else. bridge:NAME: that bridge of the hub. Or the name of a network of libvirt.
   */
  network: string;
  /**
   * `keep`: the network cards keep their MAC addresses. On a bridge, do that only if the old VMs are gone.
   */
  mac: 'new' | 'keep';
  /**
   * `keep`: the VMs keep the uuid that their guests see. On a bridge, do that only if the old VMs are gone.
   */
  identity: 'new' | 'keep';
  /**
   * What runs the guests. auto: kvm if a short trial works, else tcg, which is slow.
   */
  accel: 'auto' | 'kvm' | 'tcg';
  /**
   * What becomes of the others when a VM does not come up. goOn: those that do not wait for it start. stop: no other VM starts.
   */
  onFailure: 'goOn' | 'stop';
  /**
   * How many VMs may be starting at a time.
   */
  atOnce: number;
  /**
   * true: the VMs that came up go on after the run. false: Sendense ends them all, and throws away what their guests wrote.
   */
  keepRunning: boolean;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  reserve: number | string;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  quota?: number | string;
  schedule?: Schedule;
  /**
   * Channels that report on this plan, in addition to the default of sendense.yaml. An entry for a channel of the default replaces that entry.
   */
  notify?:
    | [NotifyEntry, ...NotifyEntry[]]
    | {
        /**
         * false: the default of sendense.yaml does not count for this plan. Default: true.
         */
        inherit?: boolean;
        /**
         * Channels that report on this plan.
         */
        channels?: NotifyEntry[];
      };
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  stallTimeout: string;
  /**
   * Commands that run before the first step.
   */
  before?: Command[];
  /**
   * Commands that run after the last step. Without `if` they run only after success.
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
}
/**
 * What was decided or found out about a restore point after it was made. Lies beside its manifest.
 */
export interface PointMarks {
  format: 'sendense-point-marks/1';
  protected: {
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Null: for ever.
     */
    until: number | null;
    reason: string;
    by: string;
  } | null;
  broken: {
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Numbers of the damaged disks; none: the manifest or the VM's configuration is damaged.
     */
    disks: number[];
    reason: string;
    /**
     * The run that found it.
     */
    run_id: string | null;
    /**
     * What was looked at; where the files are others since, the mark is about nothing that is there.
     */
    judged?: {
      /**
       * `checksum` of the manifest; null: it could not be read.
       */
      manifest: string | null;
      /**
       * The damaged disks, as the manifest has them.
       */
      disks: {
        number: number;
        file_bytes: number;
        file_mtime_ns: string;
        envelope: string | null;
      }[];
    };
  } | null;
  /**
   * Somebody said that the machine of this restore point is this VM now. Missing or null: nobody did.
   */
  adopted?: {
    /**
     * Instance uuid of the VM that the restore point counts as one of; of a VM without one the uuid of a disk.
     */
    identity: string;
    /**
     * Milliseconds since the epoch.
     */
    since: number;
    /**
     * Who said so.
     */
    by: string;
  } | null;
  /**
   * VMs that run from the restore point, or are off and may be started again: nothing of it may go. Missing: none.
   */
  used?: PointUse[];
  /**
   * SHA-256 of [format, protected, broken] as JSON, with adopted behind them where it is not null, and used behind that (adopted is null then where nobody adopted).
   */
  checksum?: string;
}
export interface PointUse {
  /**
   * Id of the VM at its hub.
   */
  boot: string;
  /**
   * Id of the hub's state database.
   */
  hub: string;
  /**
   * Name of the hub's host.
   */
  host: string;
  /**
   * What the guest writes, absolute at that host.
   */
  folder: string;
  /**
   * Milliseconds since the epoch.
   */
  since: number;
  /**
   * Who started it.
   */
  by: string;
}
/**
 * The pipeline of a kind.
 */
export interface Runner {
  version: 1;
  kind: 'backup' | 'incremental' | 'restore' | 'group' | 'prune' | 'verify' | 'keep' | 'boot';
  description?: string;
  steps: Steps;
  result: Result;
}
/**
 * sendense.yaml: the settings of the hub. Relative paths count from this file.
 */
export interface Settings {
  /**
   * Version of the file format.
   */
  version: 1;
  /**
   * The state database (SQLite).
   */
  state: string;
  /**
   * The repositories, by name.
   */
  repositories: {
    [k: string]: {
      /**
       * Folder of the repository. Sendense makes it on first use.
       */
      path: string;
      /**
       * Name or number of a group that may write to the folder and to the folders above it. Its members can remove restore points. Without this key, only you and root may write.
       */
      group?: string | number;
      /**
       * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
       */
      minFree: number | string;
      /**
       * Compression of the stored disks, for plans without `compress` of their own. Not possible together with encryption. zstd: each disk is rewritten, compressed, before the commit. Default: none.
       */
      compress?: 'none' | 'zstd';
      /**
       * Encryption of the stored disks (docs/encryption.md).
       */
      encryption?: {
        key?: Secret3;
        /**
         * Older keys. They open existing chains only.
         *
         * @maxItems 64
         */
        keys?: Secret[];
      };
      /**
       * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
       */
      quota?: number | string;
      /**
       * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
       */
      vmQuota?: number | string;
      /**
       * A backup ends with a warning if the file system or a quota is fuller than this afterwards. Default: 90%.
       */
      warnAt?: string;
      /**
       * Protects committed files from change and removal (`chattr +i`; needs root and ext4, XFS or btrfs). true, require: a backup is refused if that is not possible. try: such a backup ends with a warning. Default: false.
       */
      immutable?: true | false | 'require' | 'try';
      /**
       * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
       */
      immutableFor?: string;
      /**
       * Verifications read the files of every restore point again within this time, spread over the runs. `status` reports points that are late. Default: 30d.
       */
      rereadWithin?: string | 'never';
    };
  };
  /**
   * The nodes, by name. The node `local` is embedded and needs no entry.
   */
  nodes: {
    [k: string]: EmbeddedNode | DirectNode | DialNode | DialHubNode;
  };
  /**
   * The sources of VMs, by name.
   */
  sources: {
    [k: string]: ImageSourceSettings | VsphereSourceSettings;
  };
  /**
   * Ports at which this hub serves disks to nodes (NBD), one for each disk of a run.
   */
  ports: {
    /**
     * First port.
     */
    from: number;
    /**
     * Last port.
     */
    to: number;
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    wait: string;
  };
  transfer: Transfer4;
  /**
   * The service `sendense-run hub`, to which nodes connect (docs/enrolment.md).
   */
  hub: {
    /**
     * Which SSH server the nodes reach. builtin: `sendense-run hub`. openssh: the sshd of this machine (`sendense-run node sshd-config`).
     */
    ssh: 'builtin' | 'openssh';
    /**
     * Address on which the built-in SSH server listens, for example 0.0.0.0:443.
     */
    listen: string;
    /**
     * Folders of this machine below which restores over HTTP may write, and block devices that they may write to. Without this key, they write to other machines only.
     *
     * @maxItems 100
     *
     * Items: A folder of the hub: its path, without `~`.
     */
    restoreTo: string[];
    /**
     * What moves the data with the built-in server. auto: an sshd behind the same port, if one is installed. builtin: the server itself.
     */
    data: 'auto' | 'builtin';
    /**
     * File with the host key that nodes pin. With `ssh: builtin` the private key, made on first use; default hub_host_key beside the state database. With `ssh: openssh` the public key of sshd; default /etc/ssh/ssh_host_ed25519_key.pub.
     */
    hostKey?: string;
    /**
     * User with which nodes log in. With `ssh: openssh` a user of this machine that owns the state database.
     */
    user: string;
    /**
     * With `ssh: openssh`, the file with the keys of all nodes, which Sendense maintains. Default: authorized_keys beside the state database.
     */
    authorizedKeys?: string;
    /**
     * Address on which the API of the hub listens.
     */
    api: string;
    /**
     * The API speaks TLS: with `certificate` and `key`, or with a certificate that the hub makes at its first start, in the folder hub-tls beside the state database. An address that other machines can reach needs it, or `proxy`.
     */
    tls: boolean;
    /**
     * File with the certificate of the API in PEM form, its own first, then those that lead to the authority. Switches `tls` on. The hub takes a new one without a restart.
     */
    certificate?: string;
    /**
     * File with the private key of `certificate` in PEM form, without a passphrase. Default: the file of the certificate has it too.
     */
    key?: string;
    /**
     * Names under which browsers reach the hub, beside localhost, its host name and addresses. It answers no browser under others.
     *
     * @maxItems 100
     *
     * Items: A host name or address, without scheme and port, for example hub.example.com.
     */
    hosts: string[];
    proxy?: HubProxy;
    oidc?: HubOidc;
    /**
     * File with the token of the API, made on first use. Who has it can read every file of every backup. Default: hub-api.token beside the state database.
     */
    apiToken?: string;
    /**
     * File with a token that is good for `/metrics` and `/api/v1/health` alone, made on first use. Default: hub-metrics.token beside the state database.
     */
    metricsToken?: string;
    /**
     * Folder of the plans, for the API and for `sendense-run daemon`. Default: the folder of sendense.yaml.
     */
    plans?: string;
    /**
     * Whether the API reads, writes and removes files of plans, for callers with the right `plan`. A plan can run commands as the user of the hub.
     */
    editPlans: boolean;
    /**
     * One number for each node, which decides its loopback address on this hub (docs/network.md). With `ssh: openssh` it is also the port of the API of the node.
     */
    nodePorts: {
      /**
       * First port.
       */
      from: number;
      /**
       * Last port.
       */
      to: number;
    };
  };
  /**
   * Metrics for Prometheus (docs/monitoring.md). The API of the hub serves them at /metrics in any case.
   */
  metrics: {
    /**
     * File for the textfile collector of node_exporter, written after each run, and by the daemon every minute. Its name ends with `.prom`.
     */
    textfile?: string;
  };
  /**
   * Files of restore points: what reads them, how long a restore point stays open, and what callers may do at a time (docs/files.md).
   */
  files: {
    /**
     * What reads them. auto: the best that works on this machine. `sendense-run files doctor` lists them.
     */
    reader: 'auto' | 'uml' | 'programs';
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    idle: string;
    /**
     * Restore points that are open at the same time, in each process that keeps them. Each takes memory (docs/files.md).
     */
    sessions: number;
    /**
     * Restore points that one caller may have open: a user of this machine, and each user and each token of the API of the hub.
     */
    sessionsPerUser: number;
    /**
     * Downloads and archives of one restore point at the same time.
     */
    downloads: number;
    /**
     * Searches and comparisons of one restore point at the same time.
     */
    searches: number;
  };
  /**
   * How long records of the past stay (docs/monitoring.md).
   */
  history: {
    /**
     * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
     */
    keepRuns: string;
    /**
     * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
     */
    keepLogs: string;
    /**
     * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
     */
    keepAudit: string;
    /**
     * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
     */
    maxLogBytes: number | string;
    /**
     * Copies of the state database in each repository, one for each day. With 0 there are none.
     */
    stateCopies: number;
  };
  /**
   * How many runs the daemon and groups start at the same time. Runs by hand count, but never wait.
   */
  limits: {
    /**
     * Runs in all. Default: no limit.
     */
    runs?: number;
    /**
     * Runs with one node. Default: no limit.
     */
    runsPerNode?: number;
    /**
     * Runs with one repository. Default: no limit.
     */
    runsPerRepository?: number;
  };
  /**
   * Channels for notices, and which events they report (docs/monitoring.md).
   */
  notify: {
    /**
     * The channels, by name.
     */
    channels: {
      [k: string]: EmailChannel | WebhookChannel | CommandChannel | PingChannel | SyslogChannel | JournalChannel;
    };
    /**
     * Channels that report on every plan, except plans with `inherit: false`.
     */
    default: NotifyEntry[];
  };
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret3 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A node inside the run, on the hub itself.
 */
export interface EmbeddedNode {
  mode: 'embedded';
}
/**
 * A sendense-node on this host or on a trusted network.
 */
export interface DirectNode {
  mode: 'direct';
  /**
   * `http://host:port` of sendense-node, which proves its identity with the token; or `https://host:port` of a proxy in front of it, which proves its identity with a certificate.
   */
  url: string;
  /**
   * With `https`: PEM file of the only authorities that may sign the certificate of the proxy. Without it: the authorities of the system and of Node.js.
   */
  ca?: string;
  token: Secret4;
  data?: DataPath;
  /**
   * Protection of the disks at loopback addresses, if `data` is not set. psk: a key for each run. none: faster, but any user of the hub or the node can read and write a backup in progress. Default: psk.
   */
  tls?: 'psk' | 'none';
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret4 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A sendense-node on a host to whose sshd this hub connects during a run (docs/network.md).
 */
export interface DialNode {
  mode: 'dial-node';
  /**
   * Name or address by which this hub reaches the node.
   */
  host: string;
  /**
   * Port of the sshd of the node.
   */
  port: number;
  /**
   * User on the node with which this hub logs in. It needs a shell that runs commands.
   */
  user: string;
  /**
   * Public host key of the sshd of the node, or a list while it changes. `cat /etc/ssh/ssh_host_ed25519_key.pub` on the node prints it. The hub accepts no other key.
   */
  hostKey: string | [string, ...string[]];
  key: Secret5;
  /**
   * Address on the node where sendense-node listens.
   */
  api: string;
  token: Secret6;
  data?: DataPath;
  /**
   * Protection of the disks at loopback addresses, if `data` is not set. psk: a key for each run. none: faster, but any user of the hub or the node can read and write a backup in progress. Default: psk.
   */
  tls?: 'psk' | 'none';
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret5 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret6 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A sendense-node that keeps a connection to this hub. Enrol it with `sendense-run node add`; an enrolled node needs no entry here.
 */
export interface DialHubNode {
  mode: 'dial-hub';
  data?: DataPath;
  /**
   * Protection of the disks at loopback addresses, if `data` is not set. psk: a key for each run. none: faster, but any user of the hub or the node can read and write a backup in progress. Default: psk.
   */
  tls?: 'psk' | 'none';
}
/**
 * Disk images by VM name.
 */
export interface ImageSourceSettings {
  type: 'image';
  /**
   * The VMs, by name.
   */
  vms: {
    [k: string]: {
      /**
       * The disks of the VM.
       *
       * @minItems 1
       * @maxItems 64
       */
      disks: [ImageDisk, ...ImageDisk[]];
    };
  };
}
/**
 * A vCenter or an ESXi host.
 */
export interface VsphereSourceSettings {
  type: 'vsphere';
  /**
   * Name or address, for example vcenter.example.com or vcenter.example.com:8443.
   */
  host: string;
  /**
   * User name, for example backup@vsphere.local. Leave it out if you use `credential`.
   */
  user?: string;
  password?: Secret7;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * SHA-1 or SHA-256 fingerprint of the certificate, hexadecimal. `openssl x509 -noout -fingerprint -sha256` prints it.
   */
  thumbprint?: string;
  /**
   * PEM file of the authority that signed the certificate, instead of a thumbprint. Without both: the authorities of the system.
   */
  ca?: string;
  /**
   * Ways to read the disks, and to write those of a new VM, tried in this order: `vddk`, `https`, `ssh`.
   *
   * @minItems 1
   *
   * Items: How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transports: ['vddk' | 'https' | 'ssh', ...('vddk' | 'https' | 'ssh')[]];
  /**
   * VMware's disk library on the node.
   */
  vddk?: {
    /**
     * Folder of the library on the node, as an absolute path. It contains `lib64/`.
     */
    libdir: string;
    /**
     * Absolute path of nbdkit-vddk-plugin.so on the node, if the plugin is not installed.
     */
    plugin?: string;
    /**
     * Transport modes of VDDK in order, for example `file:nbdssl:nbd` or `hotadd:nbdssl`.
     */
    modes?: string;
    /**
     * Compression of the network traffic. Default: fastlz.
     */
    compression?: 'none' | 'zlib' | 'fastlz' | 'skipz';
  };
  /**
   * SSH from the node to the ESXi host of the VM.
   */
  ssh?: {
    /**
     * Name or address of the ESXi host. Default: the host on which the VM runs.
     */
    host?: string;
    /**
     * Port of sshd on the host. Default: 22.
     */
    port?: number;
    /**
     * User on the host. Default: root.
     */
    user?: string;
    /**
     * Private key on the node, as an absolute path.
     */
    identity: string;
    /**
     * known_hosts file on the node that has the key of the host, as an absolute path.
     */
    knownHosts: string;
  };
  /**
   * Limits of this source. Limits of a plan count if they are lower.
   */
  limits?: {
    /**
     * Disks that one node reads from one host at the same time, in all jobs together. Default: 8.
     */
    disksPerHost?: number;
    /**
     * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
     */
    diskRate?: string;
    /**
     * Bytes per second: a number and KiB, MiB or GiB, for example 50MiB.
     */
    jobRate?: string;
    /**
     * Disks of a VM that are copied at the same time. Default: 2.
     */
    disksAtOnce?: number;
  };
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret7 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * How the data gets from the node to this hub.
 */
export interface Transfer4 {
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  reconnect?: string;
}
/**
 * A proxy before the API that the hub trusts (docs/access.md).
 */
export interface HubProxy {
  /**
   * Addresses or networks from which it connects, for example 192.0.2.7 or 10.1.0.0/16. From elsewhere its headers count for nothing.
   *
   * @minItems 1
   * @maxItems 100
   */
  from: [string, ...string[]];
  /**
   * Header with the name of the user whom the proxy has logged in. Without it users log in at the hub.
   */
  header?: string;
  /**
   * Header with the groups of the user, with commas between them.
   */
  groupsHeader?: string;
  groups: GroupRoles1;
  vms: GroupVms1;
}
/**
 * Roles of each group: `backup-admins: admin`, or a list.
 */
export interface GroupRoles1 {
  [k: string]: 'viewer' | 'operator' | 'restorer' | 'admin' | ('viewer' | 'operator' | 'restorer' | 'admin')[];
}
/**
 * Names of the VMs that a group is for; `*` stands for any characters. Who has only such groups sees no other VM.
 */
export interface GroupVms1 {
  /**
   * @maxItems 100
   */
  [k: string]: string[];
}
/**
 * An identity provider that speaks OpenID Connect, at which users may log in (docs/access.md).
 */
export interface HubOidc {
  /**
   * Its address, as its tokens have it: what stands before `/.well-known/openid-configuration`. http only on this machine.
   */
  issuer: string;
  /**
   * What the provider calls this hub.
   */
  clientId: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  clientSecret?: string;
  /**
   * What the login calls it.
   */
  name: string;
  /**
   * What the hub asks for, with spaces between.
   */
  scope: string;
  /**
   * Claim with the name of the user here.
   */
  nameClaim: string;
  /**
   * Claim with the groups of the user.
   */
  groupsClaim: string;
  groups: GroupRoles;
  vms: GroupVms2;
}
/**
 * Names of the VMs that a group is for; `*` stands for any characters. Who has only such groups sees no other VM.
 */
export interface GroupVms2 {
  /**
   * @maxItems 100
   */
  [k: string]: string[];
}
/**
 * E-mail by SMTP.
 */
export interface EmailChannel {
  type: 'email';
  /**
   * The SMTP server.
   */
  host: string;
  /**
   * Port of the server: 465 for TLS from the first byte, any other for STARTTLS.
   */
  port: number;
  /**
   * Address of the sender.
   */
  from: string;
  /**
   * Addresses of the recipients.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: An address alone, for example backup@example.com.
   */
  to: [string, ...string[]];
  /**
   * User name at the server. Without it there is no login.
   */
  user?: string | Secret;
  password?: Secret8;
  /**
   * required: TLS and a trusted certificate, else no mail. opportunistic: TLS if the server offers it, without a check of the certificate. none: no TLS.
   */
  tls: 'required' | 'opportunistic' | 'none';
  /**
   * PEM file of the authority that signed the certificate of the server. Without it: the authorities of the system.
   */
  ca?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  fold: string;
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret8 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * HTTP POST.
 */
export interface WebhookChannel {
  type: 'webhook';
  /**
   * Address to post to. Use a secret if the address itself is secret, as with Slack.
   */
  url: string | Secret;
  /**
   * Form of the message. generic: JSON (schemas/notify/message.json). slack, teams, ntfy: the form that this service takes.
   */
  template: 'generic' | 'slack' | 'teams' | 'ntfy';
  /**
   * More headers. Values may be secrets.
   */
  headers: {
    [k: string]: string | Secret;
  };
  sign?: Secret9;
  /**
   * true: secrets may go over `http://` to another machine. Only for a network that you trust.
   */
  plainHttp: boolean;
  /**
   * PEM file of the authority that signed the certificate of the server. Without it: the authorities of the system.
   */
  ca?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  fold: string;
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret9 {
  secret: {
    /**
     * File that holds the secret. One newline at its end is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (`LoadCredential=`).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as a list of arguments.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A program of your own.
 */
export interface CommandChannel {
  type: 'command';
  /**
   * The command as a list of arguments. It gets the message as JSON (schemas/notify/message.json) on standard input.
   *
   * @minItems 1
   */
  run: [string, ...string[]];
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  fold: string;
}
/**
 * Pings for healthchecks.io and services like it.
 */
export interface PingChannel {
  type: 'ping';
  /**
   * Address that is called at the end of each run, and with `/start` at its start. `{plan}` stands for the name of the plan.
   */
  url: string | Secret;
  /**
   * What follows the URL after a failure. exit-code: the exit code of the run. fail: the word fail.
   */
  failure: 'exit-code' | 'fail';
  /**
   * true: secrets may go over `http://` to another machine. Only for a network that you trust.
   */
  plainHttp: boolean;
  /**
   * PEM file of the authority that signed the certificate of the server. Without it: the authorities of the system.
   */
  ca?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * Syslog, RFC 5424.
 */
export interface SyslogChannel {
  type: 'syslog';
  /**
   * Path of a Unix socket, or `udp://HOST:PORT` or `tcp://HOST:PORT`.
   */
  address: string;
  /**
   * Facility of the records.
   */
  facility: 'user' | 'daemon' | 'local0' | 'local1' | 'local2' | 'local3' | 'local4' | 'local5' | 'local6' | 'local7';
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
/**
 * The systemd journal of this machine.
 */
export interface JournalChannel {
  type: 'journal';
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout: string;
}
export interface BackupCommitInput {
  repository: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
    source?: unknown;
  };
  decision: ChainDecideOutput;
  transferred: Disks;
  sealed: Disks1;
  warnings?: string[];
  facts?: VsphereVm | null;
  not_protected?: NotProtected[];
  snapshot?: SnapshotFacts | null;
  vm_config?: {
    /**
     * Relative to the repository.
     */
    path: string;
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
    /**
     * How the file is encrypted; missing or null if it is not.
     */
    encryption?: {
      format: 'openssl-enc';
      key_id: string;
    } | null;
  } | null;
  /**
   * What `boot keep` kept: the restore point is protected, and no backup is built on it.
   */
  kept?: KeptPoint | null;
  /**
   * The restore point that is written to the VM after this.
   */
  beforeRestore?: string | null;
}
export interface ChainDecideOutput {
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  context: string;
  repository: string;
  kind: 'full' | 'incremental';
  parent: string | null;
  disks: DiskDecision[];
  removed_disks: {
    number: number;
    uuid: string;
    label: string;
  }[];
  summary: DiskResult[];
  warnings: string[];
}
export interface KeptPoint {
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
  of: string;
  guest: 'paused' | 'off';
  instance_uuid: string | null;
  path: string | null;
}
export interface BackupCommitOutput {
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Absolute path.
   */
  manifest: string;
  disks: DiskResult[];
}
export interface BootCopyInput {
  repository: string;
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
  decided: BootDecideOutput;
}
export interface BootDecideOutput {
  decision: ChainDecideOutput;
  /**
   * Saved configuration of the VM at that restore point.
   */
  vm_config: {
    /**
     * Relative to the repository.
     */
    path: string;
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
    encryption?: {
      format: 'openssl-enc';
      key_id: string;
    } | null;
  } | null;
  /**
   * Which VM the restore point is of.
   */
  instance_uuid: string | null;
  /**
   * Inventory path.
   */
  path: string | null;
}
export interface BootCopyOutput {
  disks: Disks;
  vm_config: {
    /**
     * Relative to the repository.
     */
    path: string;
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
    /**
     * How the file is encrypted; missing or null if it is not.
     */
    encryption?: {
      format: 'openssl-enc';
      key_id: string;
    } | null;
  } | null;
  kept: KeptPoint;
}
export interface BootDecideInput {
  repository: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
  };
  /**
   * A VM that runs from a restore point.
   */
  boot: string;
}
export interface BootFinishInput {
  vms: Vms;
  keepRunning: boolean;
}
export interface BootFinishOutput {
  /**
   * Absolute path of the report, JSON (schemas/output/drill.json).
   */
  report: string | null;
  /**
   * Ids of the VMs that go on.
   */
  running: string[];
}
export interface BootJudgeInput {
  problems: string[];
}
export interface BootJudgeOutput {}
export interface BootStartInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * The VMs, in the order in which they start.
   *
   * @minItems 1
   * @maxItems 256
   */
  vms: [BootVm, ...BootVm[]];
  /**
   * none: no network cards. isolated: the VMs reach each other, and nothing else. bridge:NAME: that bridge of the hub. Or the name of a network of libvirt.
   */
  network: string;
  /**
   * `keep`: the network cards keep their MAC addresses. On a bridge, do that only if the old VMs are gone.
   */
  mac: 'new' | 'keep';
  /**
   * `keep`: the VMs keep the uuid that their guests see. On a bridge, do that only if the old VMs are gone.
   */
  identity: 'new' | 'keep';
  /**
   * What runs the guests. auto: kvm if a short trial works, else tcg, which is slow.
   */
  accel: 'auto' | 'kvm' | 'tcg';
  /**
   * What becomes of the others when a VM does not come up. goOn: those that do not wait for it start. stop: no other VM starts.
   */
  onFailure: 'goOn' | 'stop';
  /**
   * How many VMs may be starting at a time.
   */
  atOnce: number;
  /**
   * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
   */
  reserve: number | string;
  quota?: (number | string) | null;
}
export interface BootStartOutput {
  vms: Vms;
  problems: string[];
}
export interface ChainDecideInput {
  repository: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
    source?: unknown;
  };
  disks: DiskInfo[];
  mode: 'auto' | 'full' | 'incremental';
  onNoParent: 'refuse' | 'full';
  /**
   * Facts about the VM from the node.
   */
  facts?: VsphereVm | null;
}
export interface CommandRunInput {
  /**
   * @minItems 1
   */
  argv: [string, ...string[]];
  env?: {};
  cwd?: string;
}
export interface CommandRunOutput {
  exit_code: number;
  /**
   * The last 64 KiB of its standard output.
   */
  output: string;
}
export interface FilesExpectInput {
  opened: FilesOpenOutput;
  /**
   * @minItems 1
   */
  expect: [FileExpectation, ...FileExpectation[]];
}
export interface FilesOpenOutput {
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Unix socket at which this run reads files.
   */
  socket: string;
  /**
   * Id of the session.
   */
  session: string;
  volumes: OpenedVolume[];
}
export interface OpenedVolume {
  id: string;
  /**
   * As blkid names it.
   */
  type: string | null;
  state: 'readable' | 'encrypted' | 'swap' | 'empty' | 'part' | 'unsupported' | 'damaged';
}
export interface FilesExpectOutput {
  /**
   * Files that are as they should be.
   */
  checked: number;
}
export interface FilesOpenInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * The VM of the restore point.
   */
  vm: {};
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Passphrase of the LUKS volumes of the guest.
   */
  passphrase: Secret | null;
}
export interface FilesPublishInput {
  taken: FilesTakeOutput;
  /**
   * true: replace files that are there, and merge folders.
   */
  overwrite: boolean;
}
export interface FilesTakeOutput {
  /**
   * Where the files go: a directory.
   */
  target: 'directory' | 'device' | 'ova' | 'kvm' | 'vsphere' | 'inPlace' | 'attach' | 'attachKvm';
  /**
   * Absolute path of the folder that the files go to.
   */
  directory: string;
  /**
   * Name of the private folder in it.
   */
  part: string;
  /**
   * Names that are made in the folder; bytes as base64url.
   */
  names: string[];
  /**
   * Files, links and pipes that were taken.
   */
  files: number;
  /**
   * Bytes of their content.
   */
  bytes: number;
  /**
   * What was not taken, or not with all that it had.
   */
  left_out: string[];
}
export interface FilesPublishOutput {
  directory: string;
  /**
   * As in `files.take`.
   */
  files: number;
  /**
   * As in `files.take`.
   */
  bytes: number;
  /**
   * As in `files.take`.
   */
  left_out: string[];
}
export interface FilesTakeInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  opened: FilesOpenOutput;
  files: FilePlaces;
  exclude: FilePatterns | null;
  /**
   * Where the files go, as in `restore.write`. Keys about disks have no effect.
   */
  to:
    | {
        directory: string;
        format: 'raw' | 'qcow2' | 'vmdk' | 'vmdk-stream' | 'vhdx';
        subformat: 'monolithicSparse' | 'streamOptimized';
        thin: boolean;
      }
    | {
        device:
          | string
          | {
              [k: string]: string;
            };
        overwrite: boolean;
      }
    | {
        ova: string;
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        guestId?: string;
      }
    | {
        kvm: string;
        name?: string;
        libvirt?: string;
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac: 'new' | 'keep';
        identity: 'new' | 'keep';
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        start: boolean | StartCheck;
        convert?: 'virtio' | Conversion;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        vsphere: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        name?: string;
        folder?: string;
        pool?: string;
        datastore?:
          | string
          | {
              [k: string]: string;
            };
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac?: 'new' | 'keep';
        identity: 'new' | 'keep';
        thin?: boolean;
        withoutTpm: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
        resume: boolean;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        inPlace: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        safetyBackup: boolean;
        takeOver: boolean;
        compareAll: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        attach: string;
        vm?: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        datastore?: string;
        thin: boolean;
        resume: boolean;
      }
    | {
        attachKvm: string;
        libvirt: string;
        folder: string;
      };
  /**
   * true: replace files that are there, and merge folders.
   */
  overwrite: boolean;
}
export interface GroupResolveInput {
  /**
   * The plan of the group, a GroupPlan.
   */
  group: {};
}
export interface GroupResolveOutput {
  members: GroupMember[];
  warnings: string[];
}
export interface GroupRunInput {
  /**
   * The plan of the group, a GroupPlan.
   */
  group: {};
  members: GroupMember[];
  at_once: number;
  lock_wait: string;
}
export interface GroupRunOutput {
  runs: GroupedRun[];
}
export interface GroupSettleInput {
  runs: GroupedRun[];
}
export interface GroupSettleOutput {
  succeeded: number;
  warnings: number;
}
export interface HubPreflightInput {
  for: 'backup' | 'restore';
  repository: string;
  /**
   * Name of the node; null if the run needs none.
   */
  node?: string | null;
  /**
   * For restores: directory that must be writable.
   */
  directory?: string | null;
}
export interface HubPreflightOutput {
  repository_path: string;
  /**
   * Bytes.
   */
  free_bytes: number;
  tools: {
    name: string;
    version: string;
  }[];
  node: {
    version: string;
    clock_skew_ms: number;
  } | null;
}
export interface NbdServeInput {
  /**
   * The node that will write. Its settings give the address to listen on, and whether to encrypt.
   */
  node: string;
  /**
   * Repository of the files; its keys decrypt them.
   */
  repository?: string;
  disks: DiskDecision[];
  files: {
    disk: string;
    file: string;
    backing: string | null;
  }[];
  leases: PortLease[];
}
export interface NbdServeOutput {
  servers: NbdServer[];
  /**
   * nbd_targets for the node: key:uri,key:uri
   */
  targets: string;
}
export interface NbdStopInput {
  servers: NbdServer[];
}
export interface NbdStopOutput {
  stopped: number;
}
export interface NodeInspectInput {
  node: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
    source?: unknown;
  };
}
export interface NodeInspectOutput {
  node: string;
  vm_name: string;
  source: Source;
  disks: DiskInfo[];
  warnings: string[];
  vm: VsphereVm | null;
  not_protected: NotProtected[];
}
export interface NodeTransferInput {
  node: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
    source?: unknown;
  };
  source: Source;
  repository: string;
  disks: DiskDecision[];
  targets: string;
  /**
   * Backup id, sortable by time.
   */
  backup_id?: string;
  /**
   * The plan's limits.
   */
  limits?: {};
  /**
   * The plan's transfer.
   */
  transfer?: {};
  context?: string;
  facts?: VsphereVm | null;
  /**
   * Disks that an earlier warning already named.
   */
  not_protected?: NotProtected[];
}
export interface NodeTransferOutput {
  /**
   * Job id.
   */
  job_id: string;
  disks: Disks;
  warnings: string[];
  snapshot: SnapshotFacts | null;
  /**
   * The VM's disks that are not in this backup.
   */
  not_protected?: NotProtected[];
  vm_config: {
    /**
     * Relative to the repository.
     */
    path: string;
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
    /**
     * How the file is encrypted; missing or null if it is not.
     */
    encryption?: {
      format: 'openssl-enc';
      key_id: string;
    } | null;
  } | null;
}
export interface PointSelectInput {
  repository: string;
  /**
   * The plan's vm.
   */
  vm: {
    name: string;
    source?: unknown;
  };
  point?: unknown;
  disks?: number[] | null;
  /**
   * Whether the restore compares the written disks. Only then the block index has to be sound.
   */
  verify: boolean;
}
export interface PointSelectOutput {
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  /**
   * Why the step chose this one: `the last before 2026-11-20T00:00:00Z`.
   */
  why: string;
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid: string;
  }[];
  /**
   * Name of the VM in the repository.
   */
  vm: string;
  /**
   * The saved configuration of the VM; null: there is none.
   */
  vm_config: {
    /**
     * Absolute path.
     */
    file: string;
    /**
     * Of the file as it is stored.
     */
    sha256: string;
    /**
     * How the file is encrypted; null: not.
     */
    encryption: {
      key_id: string;
    } | null;
  } | null;
}
export interface PointsBootInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * Null: the step boots nothing.
   */
  boot: BootCheck | null;
  points: Results;
}
export interface VerifiedPoint {
  vm: string;
  backup_id: string;
  level: 'quick' | 'digests' | 'deep';
  ok: boolean;
  /**
   * The restore point is marked as broken.
   */
  broken: boolean;
  /**
   * The broken restore point that it is built on.
   */
  rests_on: string | null;
  problems: string[];
  remarks: string[];
  /**
   * If it is broken, the restore points that are built on it.
   */
  dependents: string[];
  bytes_read: number;
  /**
   * true: you did not ask for this restore point; its turn to be read again had come. Default: false.
   */
  reread?: boolean;
}
export interface PointsBootOutput {
  booted: BootedPoint[];
  problems: string[];
}
export interface BootedPoint {
  vm: string;
  backup_id: string;
  ok: boolean;
  /**
   * The sign that the guest is up.
   */
  sign: 'serial' | 'agent' | 'picture' | null;
  seconds: number;
  /**
   * Absolute path of the screenshot, PNG.
   */
  screenshot: string | null;
  problem: string | null;
}
export interface PointsFilesInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * Null: the step opens nothing.
   */
  files: FilesCheck | null;
  points: Results;
}
export interface PointsFilesOutput {
  opened: OpenedPoint[];
  /**
   * One sentence for each restore point whose files cannot be read.
   */
  problems: string[];
}
export interface OpenedPoint {
  vm: string;
  backup_id: string;
  ok: boolean;
  /**
   * File systems that opened, with their types: `disk-0p2 (ext4)`.
   */
  volumes: string[];
  /**
   * Files that are as they should be.
   */
  checked: number;
  /**
   * What is damaged, or not as it should be.
   */
  problems: string[];
  /**
   * What was not read, and why.
   */
  remarks: string[];
}
export interface PointsJudgeInput {
  problems: string[];
  /**
   * Results of the boots.
   */
  boot?: string[];
  /**
   * Results of opening file systems.
   */
  files?: string[];
}
export interface PointsJudgeOutput {}
export interface PointsPruneInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * Names of VMs in the repository; * stands for any characters. Default: all.
   */
  vms?: VmPatterns | null;
  /**
   * Identity of the VM, if several have restore points under one name. Default: the VM that the name belongs to.
   */
  identity?: string | null;
  /**
   * Rules that keep restore points. Without it, `remove` says which go.
   */
  retention?: Retention | null;
  /**
   * Backup ids of the restore points that go, in place of `retention`. The step fails if one of them has to stay.
   *
   * @minItems 1
   */
  remove?: [string, ...string[]] | null;
  /**
   * Time zone if the retention names none. Default: UTC.
   */
  timezone?: string | null;
  /**
   * Backup id that this run has just made. It has to exist.
   */
  new_point?: string | null;
}
export interface PointsPruneOutput {
  /**
   * Backup ids.
   */
  removed: string[];
  /**
   * Space that the file system got back.
   */
  freed_bytes: number;
  vms: {
    vm: string;
    removed: string[];
    /**
     * Restore points into which the step merged others.
     */
    merged: string[];
    kept: number;
    /**
     * Restore points that should go and stay for now.
     */
    skipped: {
      backup_id: string;
      reason: string;
    }[];
    freed_bytes: number;
  }[];
}
export interface PointsVerifyInput {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  vms: VmPatterns | null;
  /**
   * Only this restore point of each VM.
   */
  point:
    | (
        | string
        | {
            /**
             * The last point before this time. ISO 8601 with a zone, for example 2026-11-20T00:00:00Z.
             */
            before: string;
            /**
             * Together with `before`: no point older than this time. ISO 8601 with a zone.
             */
            from?: string;
          }
        | {
            /**
             * The last point made at this time or before it. ISO 8601 with a zone.
             */
            at: string;
          }
      )
    | null;
  level: 'quick' | 'digests' | 'deep';
  /**
   * Which restore points: the newest of each VM (`latest`), `all`, a share of all, or those not verified for some time. The least recently verified come first.
   */
  points?:
    | ('latest' | 'all')
    | {
        /**
         * Percentage of all restore points, rounded up. 10% verifies each point within ten runs.
         */
        share: string;
      }
    | {
        /**
         * A span of time: a number and h, d, w, mo (30 days) or y (365 days), for example 36h or 30d.
         */
        notVerifiedFor: string;
      };
  /**
   * Highest speed of reading.
   */
  rate: string | null;
}
export interface PointsVerifyOutput {
  /**
   * Restore points that you asked for and that still exist.
   */
  verified: number;
  /**
   * Other restore points whose files were due to be read again (`rereadWithin` of the repository).
   */
  reread: number;
  /**
   * Ids of the broken restore points.
   */
  broken: string[];
  /**
   * One sentence for each restore point that differs from its backup, and for problems of the repository.
   */
  problems: string[];
  bytes_read: number;
  results: Results;
}
export interface PortsAllocateInput {
  disks: DiskDecision[];
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  node?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  wait?: string;
}
export interface PortsAllocateOutput {
  leases: PortLease[];
}
export interface PortsReleaseInput {
  leases?: PortLease[];
}
export interface PortsReleaseOutput {
  released: number;
}
export interface Qcow2CreateInput {
  repository: string;
  disks: DiskDecision[];
  /**
   * The same value as for qcow2.seal, which needs space for it. Null: the settings of the repository decide.
   */
  compress?: ('none' | 'zstd') | null;
}
export interface Qcow2CreateOutput {
  files: {
    disk: string;
    /**
     * Absolute path.
     */
    file: string;
    backing: string | null;
  }[];
}
export interface Qcow2SealInput {
  repository: string;
  disks: DiskDecision[];
  transferred: Disks;
  verify: 'changed' | 'all';
  /**
   * Null: the settings of the repository decide.
   */
  compress?: ('none' | 'zstd') | null;
}
export interface Qcow2SealOutput {
  disks: Disks1;
}
export interface RestoreConvertInput {
  repository: string;
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid?: string;
  }[];
  point: RestoredPoint;
  to:
    | {
        directory: string;
        format: 'raw' | 'qcow2' | 'vmdk' | 'vmdk-stream' | 'vhdx';
        subformat: 'monolithicSparse' | 'streamOptimized';
        thin: boolean;
      }
    | {
        device:
          | string
          | {
              [k: string]: string;
            };
        overwrite: boolean;
      }
    | {
        ova: string;
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        guestId?: string;
      }
    | {
        kvm: string;
        name?: string;
        libvirt?: string;
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac: 'new' | 'keep';
        identity: 'new' | 'keep';
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        start: boolean | StartCheck;
        convert?: 'virtio' | Conversion;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        vsphere: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        name?: string;
        folder?: string;
        pool?: string;
        datastore?:
          | string
          | {
              [k: string]: string;
            };
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac?: 'new' | 'keep';
        identity: 'new' | 'keep';
        thin?: boolean;
        withoutTpm: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
        resume: boolean;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        inPlace: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        safetyBackup: boolean;
        takeOver: boolean;
        compareAll: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        attach: string;
        vm?: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        datastore?: string;
        thin: boolean;
        resume: boolean;
      }
    | {
        attachKvm: string;
        libvirt: string;
        folder: string;
      };
  files: {
    disk: string;
    temporary: string;
    file: string;
    format: string;
    /**
     * Bytes.
     */
    bytes_written: number;
  }[];
  /**
   * The VM, as restore.write says.
   */
  machine?: WrittenMachine | null;
}
/**
 * Which restore point it is. Needed for targets that make a VM.
 */
export interface RestoredPoint {
  /**
   * Name of the VM in the repository.
   */
  vm: string;
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  /**
   * The saved configuration of the VM; null: there is none.
   */
  vm_config: {
    /**
     * Absolute path.
     */
    file: string;
    /**
     * Of the file as it is stored.
     */
    sha256: string;
    /**
     * How the file is encrypted; null: not.
     */
    encryption: {
      key_id: string;
    } | null;
  } | null;
}
export interface RestoreConvertOutput {
  /**
   * false: the VM has the hardware that its guest knew before.
   */
  converted: boolean;
  /**
   * The VM as it is now.
   */
  machine: WrittenMachine | null;
  /**
   * Why it was not converted; null: it was.
   */
  problem: string | null;
  /**
   * The sign that the converted guest was up; null: there was none.
   */
  sign: ('serial' | 'agent' | 'picture') | null;
  /**
   * How long the conversion took, with the boot.
   */
  seconds: number;
  /**
   * Absolute path of the screenshot of that boot, PNG.
   */
  screenshot: string | null;
}
export interface RestorePublishInput {
  /**
   * Needed where what is written last comes from the restore point: for devices.
   */
  repository?: string;
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid?: string;
  }[];
  files: {
    disk: string;
    temporary: string;
    file: string;
    format: string;
    /**
     * Bytes.
     */
    bytes_written: number;
  }[];
  backupId: string;
  /**
   * Where the disks were written to, as restore.write says.
   */
  target: 'directory' | 'device' | 'ova' | 'kvm' | 'vsphere' | 'inPlace' | 'attach' | 'attachKvm';
  /**
   * The VM that is made of the disks, as restore.write says.
   */
  machine?: WrittenMachine | VsphereMachine | AttachedDomain | null;
}
export interface RestorePublishOutput {
  disks: DiskResult[];
}
export interface RestoreSafeguardInput {
  repository: string;
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid?: string;
  }[];
  to:
    | {
        directory: string;
        format: 'raw' | 'qcow2' | 'vmdk' | 'vmdk-stream' | 'vhdx';
        subformat: 'monolithicSparse' | 'streamOptimized';
        thin: boolean;
      }
    | {
        device:
          | string
          | {
              [k: string]: string;
            };
        overwrite: boolean;
      }
    | {
        ova: string;
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        guestId?: string;
      }
    | {
        kvm: string;
        name?: string;
        libvirt?: string;
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac: 'new' | 'keep';
        identity: 'new' | 'keep';
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        start: boolean | StartCheck;
        convert?: 'virtio' | Conversion;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        vsphere: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        name?: string;
        folder?: string;
        pool?: string;
        datastore?:
          | string
          | {
              [k: string]: string;
            };
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac?: 'new' | 'keep';
        identity: 'new' | 'keep';
        thin?: boolean;
        withoutTpm: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
        resume: boolean;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        inPlace: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        safetyBackup: boolean;
        takeOver: boolean;
        compareAll: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
      };
  point: RestoredPoint1;
}
/**
 * Which restore point it is. Needed for targets that make a VM.
 */
export interface RestoredPoint1 {
  /**
   * Name of the VM in the repository.
   */
  vm: string;
  /**
   * Backup id, sortable by time.
   */
  backup_id: string;
  /**
   * Milliseconds since the epoch.
   */
  created: number;
  /**
   * The saved configuration of the VM; null: there is none.
   */
  vm_config: {
    /**
     * Absolute path.
     */
    file: string;
    /**
     * Of the file as it is stored.
     */
    sha256: string;
    /**
     * How the file is encrypted; null: not.
     */
    encryption: {
      key_id: string;
    } | null;
  } | null;
}
export interface RestoreSafeguardOutput {
  /**
   * The restore point that was made; null: none was.
   */
  backup_id: string | null;
  /**
   * The restore point that `disks` is of; null: there is none.
   */
  newest: string | null;
  /**
   * The run that had restored the VM in place last when that restore point was made; null: none had.
   */
  restored_in_place?: string | null;
  disks: SafetyDisk[];
}
export interface SafetyDisk {
  uuid: string;
  /**
   * Absolute path of the block index.
   */
  index: string;
  /**
   * How its files are encrypted.
   */
  encryption?: DiskEncryption | null;
  change_id: string | null;
}
export interface RestoreStartInput {
  /**
   * Where the disks were written to, as restore.write says.
   */
  target: 'directory' | 'device' | 'ova' | 'kvm' | 'vsphere' | 'inPlace';
  /**
   * The VM, as restore.write says.
   */
  machine?: WrittenMachine | VsphereMachine | null;
  /**
   * By which sign it is up; true: its picture stops changing. In vSphere it is up when VMware Tools run, and only `timeout` counts.
   */
  start: boolean | StartCheck;
}
export interface RestoreStartOutput {
  /**
   * The sign that the guest is up.
   */
  sign: 'serial' | 'agent' | 'picture' | 'tools';
  seconds: number;
  /**
   * Absolute path of the screenshot, PNG.
   */
  screenshot: string | null;
}
export interface RestoreVerifyInput {
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid?: string;
  }[];
  files: {
    disk: string;
    temporary: string;
    file: string;
    format: string;
    /**
     * Bytes.
     */
    bytes_written: number;
  }[];
  verify: boolean;
  /**
   * Repository of the files; its keys decrypt them.
   */
  repository?: string;
  /**
   * Where the disks were written to, as restore.write says.
   */
  target: 'directory' | 'device' | 'ova' | 'kvm' | 'vsphere' | 'inPlace' | 'attach' | 'attachKvm';
  /**
   * The VM that is made of the disks, as restore.write says it.
   */
  machine?: WrittenMachine | VsphereMachine | AttachedDomain | null;
}
export interface RestoreVerifyOutput {
  verified: boolean;
  /**
   * Bytes.
   */
  compared_bytes: number;
}
export interface RestoreWriteInput {
  repository: string;
  disks: {
    disk: string;
    number: number;
    /**
     * Bytes.
     */
    capacity_bytes: number;
    /**
     * Absolute path of the qcow2.
     */
    file: string;
    /**
     * Absolute path of the block index.
     */
    index: string;
    /**
     * sha256:<64 hex digits>
     */
    digest: string;
    /**
     * How its files are encrypted.
     */
    encryption?: DiskEncryption | null;
    /**
     * Which disk of the VM it is, as the saved configuration knows it.
     */
    uuid?: string;
  }[];
  to:
    | {
        directory: string;
        format: 'raw' | 'qcow2' | 'vmdk' | 'vmdk-stream' | 'vhdx';
        subformat: 'monolithicSparse' | 'streamOptimized';
        thin: boolean;
      }
    | {
        device:
          | string
          | {
              [k: string]: string;
            };
        overwrite: boolean;
      }
    | {
        ova: string;
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        guestId?: string;
      }
    | {
        kvm: string;
        name?: string;
        libvirt?: string;
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac: 'new' | 'keep';
        identity: 'new' | 'keep';
        /**
         * Bytes, or a number and KiB, MiB, GiB or TiB, for example 50GiB.
         */
        memory?: number | string;
        cpus?: number;
        firmware?: 'bios' | 'efi';
        start: boolean | StartCheck;
        convert?: 'virtio' | Conversion;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        vsphere: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        name?: string;
        folder?: string;
        pool?: string;
        datastore?:
          | string
          | {
              [k: string]: string;
            };
        network?:
          | string
          | {
              [k: string]: string;
            };
        connect: boolean;
        mac?: 'new' | 'keep';
        identity: 'new' | 'keep';
        thin?: boolean;
        withoutTpm: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
        resume: boolean;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        inPlace: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        safetyBackup: boolean;
        takeOver: boolean;
        compareAll: boolean;
        powerOn: boolean;
        start: boolean | ToolsCheck;
      }
    | {
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        attach: string;
        vm?: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        node: string;
        /**
         * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
         */
        credential?: string;
        datastore?: string;
        thin: boolean;
        resume: boolean;
      }
    | {
        attachKvm: string;
        libvirt: string;
        folder: string;
      };
  point?: RestoredPoint;
  /**
   * What is known of the present state, for a restore in place.
   */
  safety?: RestoreSafeguardOutput | null;
}
export interface RestoreWriteOutput {
  /**
   * Where the disks go: a directory, block devices, an OVA file, a VM for KVM, a new VM in vSphere, the VM that they were of, or one that has them as further disks.
   */
  target: 'directory' | 'device' | 'ova' | 'kvm' | 'vsphere' | 'inPlace' | 'attach' | 'attachKvm';
  /**
   * Absolute path. null: the disks go to no directory.
   */
  directory: string | null;
  files: {
    disk: string;
    temporary: string;
    file: string;
    format: string;
    /**
     * Bytes.
     */
    bytes_written: number;
  }[];
  /**
   * The VM that is made of the disks; missing or null: none.
   */
  machine?: WrittenMachine | VsphereMachine | AttachedDomain | null;
}

export type Name = AllSchemas['Name'];
export type Duration = AllSchemas['Duration'];
export type HostKey = AllSchemas['HostKey'];
export type DataRate = AllSchemas['DataRate'];
export type Transport = AllSchemas['Transport'];
export type LoopbackTls = AllSchemas['LoopbackTls'];
export type Size = AllSchemas['Size'];
export type Age = AllSchemas['Age'];
export type VmIdentity = AllSchemas['VmIdentity'];
export type NotifyEvent = AllSchemas['NotifyEvent'];
export type Notify = AllSchemas['Notify'];
export type PointChoice = AllSchemas['PointChoice'];
export type VerifySelection = AllSchemas['VerifySelection'];
export type Digest = AllSchemas['Digest'];
export type BackupId = AllSchemas['BackupId'];
export type RunId = AllSchemas['RunId'];
export type TransferName = AllSchemas['TransferName'];
export type Flag = AllSchemas['Flag'];
export type DiskKey = AllSchemas['DiskKey'];
export type Sha256 = AllSchemas['Sha256'];
export type JobId = AllSchemas['JobId'];
export type Bytes = AllSchemas['Bytes'];
export type Time = AllSchemas['Time'];
export type BootId = AllSchemas['BootId'];
