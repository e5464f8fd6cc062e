/* Generated from schemas/ by `npm run types`; do not edit. */

/**
 * One entry of a pipeline: uses or run.
 */
export type Step = {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  id?: string;
  /**
   * The built-in step, <family>.<verb>.
   */
  uses?: string;
  /**
   * A command as an argument list, instead of uses.
   *
   * @minItems 1
   */
  run?: [string, ...string[]];
  env?: Env;
  /**
   * Working directory of run; relative to the plan.
   */
  cwd?: string;
  /**
   * Inputs of the step; values may be ${{ expressions }}.
   */
  with?: {};
  /**
   * Condition; default success().
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
 * A pipeline of the plan's own, instead of the runner's.
 *
 * @minItems 1
 */
export type Steps = [Step, ...Step[]];
/**
 * A source as the node gets it.
 */
export type Source = ImageSourceSpec | VsphereSourceSpec;
/**
 * A source as the node gets it.
 */
export type Source1 = ImageSourceSpec | VsphereSourceSpec;
/**
 * VMs of a source, what `discover` prints.
 */
export type DiscoverOutput = VsphereDiscoverOutput | ImageDiscoverOutput;
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
 * A plan of any kind.
 */
export type Plan = BackupPlan | IncrementalPlan | RestorePlan;
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
}[];

export interface AllSchemas {
  ChangedAreas: ChangedAreas;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  Name: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  Duration: string;
  Secret: Secret;
  /**
   * A public key in one line, ssh-ed25519 AAAA….
   */
  HostKey: string;
  Schedule: Schedule;
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
   * sha256:<64 hex digits>
   */
  Digest: string;
  /**
   * Backup id, sortable by time.
   */
  BackupId: string;
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
  DiskResult: DiskResult;
  PortLease: PortLease;
  ProcessIdentity: ProcessIdentity;
  NbdServer: NbdServer;
  JobDisk: JobDisk;
  JobStatus: JobStatus;
  NotProtected: NotProtected;
  SnapshotFacts: SnapshotFacts;
  VsphereDisk: VsphereDisk;
  VsphereSnapshot: VsphereSnapshot;
  VsphereFinding: VsphereFinding;
  VsphereVm: VsphereVm;
  HubHealth: HubHealth;
  EnrollAnswer: EnrollAnswer;
  EnrollRequest: EnrollRequest;
  Enrolment: Enrolment;
  LinkError: LinkError;
  LinkHello: LinkHello;
  LinkPing: LinkPing;
  LinkPong: LinkPong;
  LinkStatus: LinkStatus;
  EnrollToken: EnrollToken;
  LinkWelcome: LinkWelcome;
  Manifest: Manifest;
  NodeSettings: NodeSettings;
  BackupStartRequest: BackupStartRequest;
  BackupStarted: BackupStarted;
  CbtStatus: CbtStatus;
  CleanedUp: CleanedUp;
  CleanupRequest: CleanupRequest;
  NodeConfig: NodeConfig;
  CredentialsTestRequest: CredentialsTestRequest;
  CredentialsTested: CredentialsTested;
  DiscoverRequest: DiscoverRequest;
  Discovered: Discovered;
  NodeError: NodeError;
  NodeHealth: NodeHealth;
  Inventory: Inventory;
  JobList: JobList;
  VmSpecChanges: VmSpecChanges;
  VmSpecChangesRequest: VmSpecChangesRequest;
  CheckOutput: CheckOutput;
  CredentialsTestOutput: CredentialsTestOutput;
  CredentialsOutput: CredentialsOutput;
  DiscoverOutput: DiscoverOutput;
  DoctorOutput: DoctorOutput;
  ErrorOutput: ErrorOutput;
  ImportOutput: ImportOutput;
  ListOutput: ListOutput;
  NodeAddedOutput: NodeAddedOutput;
  NodeStatusOutput: NodeStatusOutput;
  NodesOutput: NodesOutput;
  PlanOutput: PlanOutput;
  RecoverOutput: RecoverOutput;
  RunEvent: RunEvent;
  ShowRunOutput: ShowRunOutput;
  ShowOutput: ShowOutput;
  SshdConfigOutput: SshdConfigOutput;
  StatusOutput: StatusOutput;
  ValidateOutput: ValidateOutput;
  Plan: Plan;
  BackupPlan: BackupPlan;
  IncrementalPlan: IncrementalPlan;
  RestorePlan: RestorePlan;
  Runner: Runner;
  Settings: Settings;
  BackupCommitInput: BackupCommitInput;
  BackupCommitOutput: BackupCommitOutput;
  ChainDecideInput: ChainDecideInput;
  ChainDecideOutput: ChainDecideOutput;
  CommandRunInput: CommandRunInput;
  CommandRunOutput: CommandRunOutput;
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
  PortsAllocateInput: PortsAllocateInput;
  PortsAllocateOutput: PortsAllocateOutput;
  PortsReleaseInput: PortsReleaseInput;
  PortsReleaseOutput: PortsReleaseOutput;
  Qcow2CreateInput: Qcow2CreateInput;
  Qcow2CreateOutput: Qcow2CreateOutput;
  Qcow2SealInput: Qcow2SealInput;
  Qcow2SealOutput: Qcow2SealOutput;
  RestorePublishInput: RestorePublishInput;
  RestorePublishOutput: RestorePublishOutput;
  RestoreVerifyInput: RestoreVerifyInput;
  RestoreVerifyOutput: RestoreVerifyOutput;
  RestoreWriteInput: RestoreWriteInput;
  RestoreWriteOutput: RestoreWriteOutput;
  VmConfig: VmConfig;
}
/**
 * What an outside tracker saw change on one disk between two landmarks.
 */
export interface ChangedAreas {
  version: 1;
  capacity_bytes: number;
  /**
   * The landmark of the disk as it is now.
   */
  change_id: string;
  /**
   * The landmark from which the areas count; null where there is none.
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
 * A reference to a secret; never the secret itself.
 */
export interface Secret {
  secret: {
    /**
     * Path of a file that holds the secret; one trailing newline is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (LoadCredential=).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as an argument list.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * When the plan runs by itself. Validated now; the daemon runs it.
 */
export interface Schedule {
  /**
   * Five or six cron fields.
   */
  cron: string;
  /**
   * IANA time zone, for example Europe/London; default UTC.
   */
  timezone?: string;
}
/**
 * A command of the plan's own.
 */
export interface Command {
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  id?: string;
  /**
   * The command as an argument list; never a shell string.
   *
   * @minItems 1
   */
  run: [string, ...string[]];
  env?: Env;
  /**
   * Working directory; relative to the plan.
   */
  cwd?: string;
  /**
   * Condition, for example failure() or always().
   */
  if?: string;
  /**
   * A duration: a number and ms, s, m, h or d, for example 90s.
   */
  timeout?: string;
}
/**
 * Environment variables; values may be expressions or secrets.
 */
export interface Env {
  [k: string]: string | number | boolean | Secret;
}
/**
 * Tries again after errors that the catalogue calls temporary; delays double, with jitter.
 */
export interface Retry {
  /**
   * How often the step is tried in all.
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
 * What the run reports at its end; values are ${{ expressions }}.
 */
export interface Result {}
/**
 * One disk of an image source.
 */
export interface ImageDisk {
  /**
   * Disk image or block device on the node; relative to the plan where the node is embedded.
   */
  path: string;
  /**
   * Default: read from the file; a file that is none of the others is raw.
   */
  format?: 'raw' | 'qcow2' | 'vmdk' | 'vhdx';
  /**
   * Identity of the disk across runs; default: derived from its absolute path.
   */
  uuid?: string;
  /**
   * Read the disk even when another program has it open for writing. The copy may be torn.
   */
  allowInUse: boolean;
  /**
   * File with the areas that an outside tracker saw change (schemas/changed-areas.json), to spare reading the whole disk.
   */
  changes?: string;
}
/**
 * Disk images and block devices on the node.
 */
export interface ImageSource {
  type: 'image';
  /**
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
   * Where the disks are: a source of sendense.yaml by name, or given here. Default: the only source of sendense.yaml.
   */
  source?: string | ImageSource;
  /**
   * vSphere: inventory path, for example /DC1/vm/pgtest1. Default: the VM of this name, where there is only one.
   */
  path?: string;
  /**
   * vSphere: managed object id of the VM, for example vm-57, instead of a path.
   */
  moref?: string;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * vSphere: whether the guest's file systems are brought to rest for the snapshot. required: fail where that cannot be done; try: go on without and say so. Default: try.
   */
  quiesce?: 'required' | 'try' | 'off';
  /**
   * vSphere: changed block tracking. auto: use it where it is on, else compare by digest; enable: switch it on where it is off; require: refuse where it is off; off: do not use it. Default: auto.
   */
  cbt?: 'auto' | 'enable' | 'require' | 'off';
  /**
   * vSphere: what to do where the VM has snapshots that are not Sendense's. allow: go on where that is safe (the transport can read such disks), and record why. Default: refuse.
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
 * How the node reaches the NBD ports of this hub by the network itself, beside the tunnel. Default: through the tunnel; mode direct has none, so there by the loopback address.
 */
export interface DataPath {
  /**
   * Address of this hub to listen on for the length of a run, for example 192.0.2.10 or 0.0.0.0.
   */
  listen: string;
  /**
   * Name or address by which the node reaches it, for example hub.example.com.
   */
  host: string;
  /**
   * psk: encrypted, with a key made for each run. none: in the clear, and whoever reaches the port can write to the backup; only for a network of its own.
   */
  tls: 'psk' | 'none';
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
   * Empty: the one who brings the password says it in vcenter_user.
   */
  user: string;
  /**
   * The stored credential that user and password are from.
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
   * digest: none, blocks are compared; areas: a list of changes is there; cbt: the hypervisor is asked once the snapshot is there.
   */
  change_tracking: 'digest' | 'areas' | 'cbt';
  /**
   * The tracker's landmark, where known before the transfer.
   */
  change_id: string | null;
  /**
   * The landmark that the tracker's areas count from.
   */
  changed_since: string | null;
  changed_bytes: number | null;
  /**
   * The source cannot change while it is read, as far as the node can tell.
   */
  still: boolean;
  warnings: string[];
}
/**
 * What an incremental builds on.
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
 * What will be done for one disk and why.
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
   * full: everything; areas: what the source says changed; digest: blocks whose digest differs.
   */
  method: 'full' | 'areas' | 'digest';
  /**
   * Why full, or how incremental.
   */
  reason: string;
  parent: Parent | null;
  /**
   * The qcow2 to be made, relative to the repository.
   */
  path: string;
  index_path: string;
  /**
   * How much is expected to be written; null: known only later.
   */
  estimated_bytes: number | null;
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
 * Tells a process from a later one with the same pid.
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
  port: number;
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
   * Bytes written to the NBD target.
   */
  bytes_transferred: number;
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
   * Worth knowing, and no reason to act: a connection that broke and came back.
   */
  remarks?: string[];
  disks: JobDisk[];
  snapshot?: SnapshotFacts | null;
  /**
   * The VM's configuration, to be fetched.
   */
  vm_config?: {
    /**
     * Bytes.
     */
    bytes: number;
    sha256: string;
  } | null;
  /**
   * The VM's disks that are not in this backup, as the snapshot showed them.
   */
  not_protected?: NotProtected[];
  /**
   * What the job does where no bytes move, for example removing its snapshot.
   */
  activity?: string | null;
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
 * The snapshot that a backup was read from.
 */
export interface SnapshotFacts {
  name: string;
  /**
   * What was asked.
   */
  quiesce: 'required' | 'try' | 'off';
  /**
   * Whether the guest's file systems were brought to rest.
   */
  quiesced: boolean;
  /**
   * Why not, or why foreign snapshots were no obstacle.
   */
  note: string | null;
  /**
   * How disks of a VMware VM are read: VMware's disk library, HTTPS access to the datastore, or SSH to the ESXi host.
   */
  transport: 'vddk' | 'https' | 'ssh';
  transport_reason: string;
  /**
   * When it was there, by the node's clock; ISO 8601, UTC.
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
   * sharingMultiWriter or null
   */
  sharing: string | null;
  /**
   * Where the backing says one.
   */
  change_id: string | null;
  /**
   * Takes part in snapshots.
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
   * Bears Sendense's mark.
   */
  ours: boolean;
}
/**
 * What would stop or weaken a backup.
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
   * First and last NBD port, the same on both sides.
   */
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
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
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
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
 * A later line of the node.
 */
export interface LinkPing {
  /**
   * Milliseconds since the epoch.
   */
  ping: number;
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
   * First and last NBD port, the same on both sides.
   */
  nbd_ports: {
    from: number;
    to: number;
  };
  hub_api_port: number;
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
   * ISO 8601, UTC.
   */
  created: string;
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
       * Length of the qcow2 file.
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
      bytes_transferred: number;
      index: {
        /**
         * Relative to this manifest.
         */
        path: string;
        bytes: number;
        sha256: string;
      };
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
       * Length of the qcow2 file.
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
      bytes_transferred: number;
      index: {
        /**
         * Relative to this manifest.
         */
        path: string;
        bytes: number;
        sha256: string;
      };
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
  } | null;
  snapshot?: SnapshotFacts | null;
  /**
   * Disks of the VM that are not in this restore point.
   */
  not_protected?: NotProtected[];
}
/**
 * node.yaml: what sendense-node knows. Relative paths count from this file; options of the command line go before it.
 */
export interface NodeSettings {
  version: 1;
  /**
   * Folder for jobs, block indexes and the enrolment; of this user alone.
   */
  stateDir: string;
  /**
   * Where the API listens: host:port, or unix: and the path of a socket.
   */
  listen: string;
  /**
   * File with the token that every request to the API must bring; made where it is missing. Default: the file token in stateDir.
   */
  tokenFile?: string;
  /**
   * The least important messages that are logged.
   */
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /**
   * Where the hub's SSH port is: host or host:port; default: the address of the enrolment. The host key stays the one that was pinned then.
   */
  hub?: string;
  tunnel: {
    /**
     * What carries the connection to the hub: the system's OpenSSH, ssh2, or OpenSSH where there is one (auto).
     */
    program: 'auto' | 'openssh' | 'ssh2';
  };
  limits: {
    /**
     * Connections to the API at one time.
     */
    connections?: number;
    /**
     * Requests of one peer in a minute.
     */
    requestsPerMinute?: number;
    /**
     * Requests of one peer in a minute without the right token.
     */
    refusedPerMinute?: number;
  };
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
  source?: Source1;
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
   * Privileges that a backup needs and the user does not have.
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
}
export interface Discovered {
  vm_name: string;
  disks: DiskInfo[];
  warnings: string[];
  vm?: VsphereVm | null;
  not_protected?: NotProtected[];
  /**
   * Why a backup as asked for is not possible.
   */
  refused?: ErrorOutput | null;
}
export interface NodeError {
  error: ErrorOutput;
  /**
   * Pointer to the field that is wrong.
   */
  field?: string | null;
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
 * All VMs of a source.
 */
export interface Inventory {
  about: {
    api_type: 'VirtualCenter' | 'HostAgent';
    api_version: string;
    full_name: string;
    instance_uuid: string | null;
  };
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
      | 'database.missing'
      | 'database.differs'
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
export interface ImportOutput {
  version: 1;
  repository: string;
  imported: string[];
  present: number;
  refused: {
    path: string;
    message: string;
  }[];
}
export interface ListOutput {
  version: 1;
  points: RestorePointOutput[];
}
export interface RestorePointOutput {
  backup_id: string;
  vm: string;
  repository: string;
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
    change_id: string | null;
    parent: string | null;
    path: string;
    digest: string;
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
     * null: never.
     */
    last_seen: number | null;
    /**
     * null: it is not.
     */
    revoked: number | null;
    /**
     * NBD ports that it may reach now, as targets of runs.
     */
    open_ports: number[];
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
export interface RecoverOutput {
  version: 1;
  runs: {
    run_id: string;
    plan: string;
    undone: string[];
    published: boolean;
    errors: ErrorOutput[];
  }[];
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
 * The first signal came.
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
}
/**
 * How a run went, step by step, and where the logs of its jobs are.
 */
export interface ShowRunOutput {
  version: 1;
  run: Items;
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
   * Of jobs of a node that failed, were cancelled or crashed: JSON lines with time, level and message.
   */
  logs: {
    step: string;
    path: string;
  }[];
}
export interface Items {
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
}
/**
 * A VM's chains, or one restore point with its chain, oldest first.
 */
export interface ShowOutput {
  version: 1;
  vm: string;
  repository: string;
  selected: string | null;
  points: RestorePointOutput[];
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
export interface StatusOutput {
  version: 1;
  runs: Items[];
  leases: {
    port: number;
    run_id: string;
  }[];
  locks: {
    name: string;
    run_id: string;
    owner_alive: boolean;
  }[];
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
  version: 1;
  kind: 'backup';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  description?: string;
  /**
   * auto: incremental where it is safe, else full with the reason.
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
   * What is read back from the repository and compared before the commit: what this run wrote on top of a parent, or everything.
   */
  verify: 'changed' | 'all';
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
   * Commands before the first step.
   */
  before?: Command[];
  /**
   * Commands after the last step; default condition success().
   */
  after?: Command[];
  steps?: Steps;
  result?: Result;
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
 * Backs up one VM on top of its last restore point, and refuses where that is not safe.
 */
export interface IncrementalPlan {
  version: 1;
  kind: 'incremental';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  description?: string;
  /**
   * What to do for a disk that has nothing safe to build on.
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
   * What is read back from the repository and compared before the commit: what this run wrote on top of a parent, or everything.
   */
  verify: 'changed' | 'all';
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
   * Commands before the first step.
   */
  before?: Command[];
  /**
   * Commands after the last step; default condition success().
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
 * Writes the disks of a restore point into a directory.
 */
export interface RestorePlan {
  version: 1;
  kind: 'restore';
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  name: string;
  description?: string;
  /**
   * The VM whose restore point is wanted.
   */
  vm: {
    /**
     * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
     */
    name: string;
  };
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  repository: string;
  /**
   * latest, a backup id, or the last one before a time.
   */
  point:
    | string
    | {
        /**
         * ISO 8601 time with zone, for example 2026-11-20T00:00:00Z.
         */
        before: string;
      };
  to: {
    /**
     * Where the disks are written; relative to the plan; made if missing.
     */
    directory: string;
    format: 'raw' | 'qcow2' | 'vmdk';
    /**
     * Only for vmdk.
     */
    subformat: 'monolithicSparse' | 'streamOptimized';
    /**
     * Only for qcow2: an overlay on the repository's chain instead of a copy.
     */
    thin: boolean;
  };
  /**
   * Numbers of the disks wanted; default all.
   *
   * @minItems 1
   */
  disks?: [number, ...number[]];
  /**
   * Compare what was written with the block index.
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
   * Commands before the first step.
   */
  before?: Command[];
  /**
   * Commands after the last step; default condition success().
   */
  after?: Command[];
  schedule?: Schedule;
  steps?: Steps;
  result?: Result;
}
/**
 * The pipeline of a kind.
 */
export interface Runner {
  version: 1;
  kind: 'backup' | 'incremental' | 'restore';
  description?: string;
  steps: Steps;
  result: Result;
}
/**
 * sendense.yaml: what the hub knows. Relative paths count from this file.
 */
export interface Settings {
  version: 1;
  /**
   * The state database (SQLite).
   */
  state: string;
  repositories: {
    [k: string]: {
      /**
       * Directory of the repository; made on first use.
       */
      path: string;
      /**
       * Bytes that must stay free after a backup.
       */
      minFree: number;
    };
  };
  nodes: {
    [k: string]: EmbeddedNode | DirectNode | DialNode | DialHubNode;
  };
  sources: {
    [k: string]: ImageSourceSettings | VsphereSourceSettings;
  };
  /**
   * NBD ports of this hub.
   */
  ports: {
    from: number;
    to: number;
    /**
     * A duration: a number and ms, s, m, h or d, for example 90s.
     */
    wait: string;
  };
  transfer: Transfer3;
  /**
   * The hub as a service (`sendense-run hub`), to which nodes connect (docs/enrolment.md).
   */
  hub: {
    /**
     * Who answers the nodes: `sendense-run hub` itself, or the sshd of this machine (`sendense-run node sshd-config`).
     */
    ssh: 'builtin' | 'openssh';
    /**
     * Where the built-in SSH server listens, for example 0.0.0.0:443.
     */
    listen: string;
    /**
     * The key that nodes pin. Built-in: private key, made on first use (default: hub_host_key beside the state database). OpenSSH: sshd's public key (default: /etc/ssh/ssh_host_ed25519_key.pub).
     */
    hostKey?: string;
    /**
     * The user as whom nodes log in; with OpenSSH a user of this machine, to whom the state database belongs.
     */
    user: string;
    /**
     * OpenSSH: file with the keys of all nodes, kept by Sendense alone (default: authorized_keys beside the state database).
     */
    authorizedKeys?: string;
    /**
     * Where the API of the hub listens.
     */
    api: string;
    /**
     * File with the token of the API, made on first use (default: hub-api.token beside the state database).
     */
    apiToken?: string;
    /**
     * Loopback ports of this hub that lead to the nodes' APIs, one for each node.
     */
    nodePorts: {
      from: number;
      to: number;
    };
  };
}
/**
 * An agent that lives as long as the run.
 */
export interface EmbeddedNode {
  mode: 'embedded';
}
/**
 * A sendense-node on this host or a trusted network.
 */
export interface DirectNode {
  mode: 'direct';
  /**
   * http://host:port of sendense-node.
   */
  url: string;
  token: Secret;
  data?: DataPath;
}
/**
 * A sendense-node on a host to whose sshd this hub connects, for the length of a run (docs/network.md).
 */
export interface DialNode {
  mode: 'dial-node';
  /**
   * Name or address of the node, as this hub reaches it.
   */
  host: string;
  /**
   * Port of the node's sshd.
   */
  port: number;
  /**
   * User on the node as whom this hub logs in; its shell must be one that runs commands.
   */
  user: string;
  /**
   * Public host key of the node's sshd, or several while it changes; `cat /etc/ssh/ssh_host_ed25519_key.pub` on the node prints it. No other is accepted.
   */
  hostKey: string | [string, ...string[]];
  key: Secret1;
  /**
   * Where sendense-node listens, as the node sees it.
   */
  api: string;
  token: Secret2;
  data?: DataPath;
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret1 {
  secret: {
    /**
     * Path of a file that holds the secret; one trailing newline is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (LoadCredential=).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as an argument list.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A reference to a secret; never the secret itself.
 */
export interface Secret2 {
  secret: {
    /**
     * Path of a file that holds the secret; one trailing newline is dropped.
     */
    file?: string;
    /**
     * Name of an environment variable.
     */
    env?: string;
    /**
     * Name of a systemd credential (LoadCredential=).
     */
    systemd?: string;
    /**
     * Command that prints the secret, as an argument list.
     *
     * @minItems 1
     */
    command?: [string, ...string[]];
  };
}
/**
 * A sendense-node that keeps a connection to this hub, enrolled with `sendense-run node add`. An enrolled node needs no entry.
 */
export interface DialHubNode {
  mode: 'dial-hub';
  data?: DataPath;
}
/**
 * Disk images by VM name.
 */
export interface ImageSourceSettings {
  type: 'image';
  vms: {
    [k: string]: {
      /**
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
   * User name, for example backup@vsphere.local; a credential has its own.
   */
  user?: string;
  password?: Secret;
  /**
   * A name: letters, digits, dot, dash, underscore; starts with a letter or digit.
   */
  credential?: string;
  /**
   * SHA-1 or SHA-256 of the certificate, hexadecimal; `openssl x509 -noout -fingerprint -sha256` prints it.
   */
  thumbprint?: string;
  /**
   * PEM file of the authority that signed the certificate, instead of a thumbprint. Neither: the system's authorities.
   */
  ca?: string;
  /**
   * Tried in this order.
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
     * Folder of the library on the node, absolute; it has lib64/ in it.
     */
    libdir: string;
    /**
     * nbdkit's vddk plugin on the node, where it is not installed: absolute path of nbdkit-vddk-plugin.so.
     */
    plugin?: string;
    /**
     * VDDK transport modes in order, for example file:nbdssl:nbd or hotadd:nbdssl.
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
     * Default: the ESXi host on which the VM runs.
     */
    host?: string;
    /**
     * Default: 22.
     */
    port?: number;
    /**
     * Default: root.
     */
    user?: string;
    /**
     * Private key on the node, absolute path.
     */
    identity: string;
    /**
     * known_hosts file on the node with the host's key, absolute path.
     */
    knownHosts: string;
  };
  /**
   * Limits of this source; a plan's own limits count where they are lower.
   */
  limits?: {
    /**
     * Disks that one node reads from one host at the same time, over all jobs. Default: 8.
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
     * Disks of one VM at the same time. Default: 2.
     */
    disksAtOnce?: number;
  };
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
  } | null;
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
   * What the node said of the VM.
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
export interface HubPreflightInput {
  for: 'backup' | 'restore';
  repository: string;
  /**
   * Name of the node; null: none is needed.
   */
  node?: string | null;
  /**
   * Directory that must be writable, for restores.
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
   * The node that will write; its settings say where to listen, and whether to encrypt.
   */
  node: string;
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
   * Disks that the user was told of already.
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
  }[];
}
export interface PortsAllocateInput {
  disks: DiskDecision[];
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
}
export interface Qcow2SealOutput {
  disks: Disks1;
}
export interface RestorePublishInput {
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
}
export interface RestorePublishOutput {
  disks: DiskResult[];
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
  }[];
  to: {
    directory: string;
    format: 'raw' | 'qcow2' | 'vmdk';
    subformat: 'monolithicSparse' | 'streamOptimized';
    thin: boolean;
  };
}
export interface RestoreWriteOutput {
  /**
   * Absolute path.
   */
  directory: string;
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
}

export type Name = AllSchemas['Name'];
export type Duration = AllSchemas['Duration'];
export type HostKey = AllSchemas['HostKey'];
export type DataRate = AllSchemas['DataRate'];
export type Transport = AllSchemas['Transport'];
export type Digest = AllSchemas['Digest'];
export type BackupId = AllSchemas['BackupId'];
export type DiskKey = AllSchemas['DiskKey'];
export type Sha256 = AllSchemas['Sha256'];
export type JobId = AllSchemas['JobId'];
export type Bytes = AllSchemas['Bytes'];
export type Time = AllSchemas['Time'];
