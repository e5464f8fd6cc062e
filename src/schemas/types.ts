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
  Limits: Limits;
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
  Manifest: Manifest;
  BackupStartRequest: BackupStartRequest;
  BackupStarted: BackupStarted;
  CbtStatus: CbtStatus;
  CredentialsTestRequest: CredentialsTestRequest;
  CredentialsTested: CredentialsTested;
  DiscoverRequest: DiscoverRequest;
  Discovered: Discovered;
  NodeError: NodeError;
  NodeHealth: NodeHealth;
  Inventory: Inventory;
  CheckOutput: CheckOutput;
  CredentialsTestOutput: CredentialsTestOutput;
  CredentialsOutput: CredentialsOutput;
  DiscoverOutput: DiscoverOutput;
  ErrorOutput: ErrorOutput;
  ImportOutput: ImportOutput;
  ListOutput: ListOutput;
  PlanOutput: PlanOutput;
  RecoverOutput: RecoverOutput;
  RunEvent: RunEvent;
  ShowOutput: ShowOutput;
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
  findings: VsphereFinding[];
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
  };
  /**
   * Goes into the snapshot's name.
   */
  backup_id?: string | null;
  vcenter_thumbprint?: string | null;
  /**
   * When the VM was last reverted to a snapshot, as discover told it; a later revert ends the job.
   */
  last_revert?: number | null;
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
 * A VM's chains, or one restore point with its chain, oldest first.
 */
export interface ShowOutput {
  version: 1;
  vm: string;
  repository: string;
  selected: string | null;
  points: RestorePointOutput[];
}
export interface StatusOutput {
  version: 1;
  runs: {
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
  }[];
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
    [k: string]: EmbeddedNode | DirectNode;
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
  context?: string;
  facts?: VsphereVm | null;
}
export interface NodeTransferOutput {
  /**
   * Job id.
   */
  job_id: string;
  disks: Disks;
  warnings: string[];
  snapshot: SnapshotFacts | null;
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

export type Name = AllSchemas['Name'];
export type Duration = AllSchemas['Duration'];
export type DataRate = AllSchemas['DataRate'];
export type Transport = AllSchemas['Transport'];
export type Digest = AllSchemas['Digest'];
export type BackupId = AllSchemas['BackupId'];
export type DiskKey = AllSchemas['DiskKey'];
export type JobId = AllSchemas['JobId'];
export type Bytes = AllSchemas['Bytes'];
export type Time = AllSchemas['Time'];
