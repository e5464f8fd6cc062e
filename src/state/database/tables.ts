import type { Generated } from 'kysely';

/**
 * The tables as Kysely sees them; `migrations.ts` makes them. Times are milliseconds since the epoch, sizes are bytes,
 * flags are 0 or 1, and columns that hold JSON say so.
 */
export interface Tables {
  runs: RunsTable;
  steps: StepsTable;
  step_events: StepEventsTable;
  step_facts: StepFactsTable;
  locks: LocksTable;
  port_leases: PortLeasesTable;
  vm_contexts: VmContextsTable;
  vm_disks: VmDisksTable;
  backups: BackupsTable;
  backup_disks: BackupDisksTable;
  nodes: NodesTable;
  identity: IdentityTable;
  credentials: CredentialsTable;
  restore_mounts: RestoreMountsTable;
  file_reads: FileReadsTable;
  daemons: DaemonsTable;
  schedules: SchedulesTable;
  duplicate_plans: DuplicatePlansTable;
  schedule_slots: ScheduleSlotsTable;
  schedule_progress: ScheduleProgressTable;
  clock_looks: ClockLooksTable;
  point_marks: PointMarksTable;
  verifications: VerificationsTable;
  point_uses: PointUsesTable;
  boots: BootsTable;
  merges: MergesTable;
  notices: NoticesTable;
  run_summaries: RunSummariesTable;
  upkeep: UpkeepTable;
  deliveries: DeliveriesTable;
  channels: ChannelsTable;
  deliverers: DeliverersTable;
  plan_health: PlanHealthTable;
  repository_ids: RepositoryIdsTable;
  stuck_prunes: StuckPrunesTable;
  repeats: RepeatsTable;
  users: UsersTable;
  sessions: SessionsTable;
  audit: AuditTable;
  tokens: TokensTable;
}

export interface RunsTable {
  id: string;
  plan: string;
  kind: string;
  vm: string;
  plan_file: string;
  plan_folder: string;
  status: 'running' | 'unwinding' | 'succeeded' | 'failed' | 'cancelled' | 'crashed';
  /** 1: the run has ended, and something of it could not be cleaned up yet. */
  unclean: number;
  published: number;
  exit_code: number | null;
  /** JSON. */
  result: string | null;
  /** JSON, `schemas/output/error.json`. */
  error: string | null;
  /** JSON, array of strings. */
  warnings: string;
  owner_pid: number;
  owner_start_time: string;
  owner_boot_id: string;
  /** `thisPlace` of the owner; null: a run of an earlier version. */
  owner_place: string | null;
  recoverer_pid: number | null;
  recoverer_start_time: string | null;
  recoverer_boot_id: string | null;
  started: number;
  finished: number | null;
  /** What began it: manual, schedule, group, … */
  trigger: string;
  /** The schedule's slot that it is for. */
  slot: number | null;
  /** The run of the group that it belongs to. */
  parent_run: string | null;
  node: string | null;
  repository: string | null;
  /** User or token of the hub's API that began it; null: something else did. */
  asked_by: string | null;
  /** User or token that asked it to stop. */
  stopped_by: string | null;
}

export interface StepsTable {
  run_id: string;
  step_id: string;
  /** Place in the pipeline, from 0. */
  number: number;
  uses: string;
  state: 'started' | 'succeeded' | 'failed' | 'undo_started' | 'undo_finished' | 'undo_failed';
  attempt: number;
  /** JSON. */
  claim: string;
  /** JSON. */
  output: string | null;
  /** JSON. */
  error: string | null;
  /** JSON: why the last undo failed. */
  undo_error: string | null;
  started: number;
  updated: number;
}

export interface StepEventsTable {
  run_id: string;
  step_id: string;
  event: StepsTable['state'];
  attempt: number;
  time: number;
}

export interface StepFactsTable {
  run_id: string;
  step_id: string;
  name: string;
  /** JSON. */
  value: string;
}

export interface LocksTable {
  name: string;
  run_id: string;
  acquired: number;
}

export interface PortLeasesTable {
  port: number;
  run_id: string;
  step_id: string;
  leased: number;
  /** Name of the node that was given the port as a target; null: none yet. */
  node: string | null;
}

export interface VmContextsTable {
  /** Name of the repository in the settings. */
  repository: string;
  /** Directory of the VM in the repository. */
  context: string;
  vm_name: string;
  created: number;
}

export interface VmDisksTable {
  repository: string;
  context: string;
  uuid: string;
  number: number;
  first_seen: number;
}

export interface BackupsTable {
  repository: string;
  context: string;
  backup_id: string;
  kind: 'full' | 'incremental';
  plan: string | null;
  run_id: string;
  parent: string | null;
  started: number;
  /** As the hub's clock was. */
  created: number;
  /** Place among the points of the VM; that of `created` where the clock did not go back. */
  sequence: number;
  producer_version: string;
  qemu_version: string;
  /** JSON. */
  removed_disks: string;
  /** JSON. */
  warnings: string;
  vm_instance_uuid: string | null;
  vm_path: string | null;
  /** JSON. */
  vm_config: string | null;
  /** JSON. */
  snapshot: string | null;
  /** JSON. */
  not_protected: string | null;
  /** JSON; null: a backup made it. */
  kept: string | null;
  /** A restore point that was written to the VM after this one. */
  before_restore: string | null;
  /** The run that had restored the VM in place last. */
  restored_in_place: string | null;
  /** Of the manifest. */
  checksum: string;
}

export interface BackupDisksTable {
  repository: string;
  context: string;
  backup_id: string;
  number: number;
  uuid: string;
  key: string;
  label: string;
  source_path: string;
  source_format: string;
  capacity_bytes: number;
  mode: 'full' | 'incremental';
  method: 'full' | 'areas' | 'digest';
  reason: string;
  parent: string | null;
  /** Relative to the manifest. */
  path: string;
  file_bytes: number;
  file_mtime_ns: string;
  digest: string;
  change_id: string | null;
  bytes_transferred: number;
  bytes_read: number | null;
  bytes_sent: number | null;
  /** Relative to the manifest. */
  index_path: string;
  index_bytes: number;
  index_sha256: string;
  envelope: string | null;
  /** JSON, as in the manifest. */
  encryption: string | null;
  /** JSON, as in the manifest. */
  compression: string | null;
}

export interface NodesTable {
  /** Random; the sealed token is bound to it. */
  id: string;
  name: string;
  /** The node's own, `ssh-ed25519 AAAA…`; null: not enrolled yet. */
  public_key: string | null;
  /** Of the newest enrolment token, `ssh-ed25519 AAAA…`; stays after its use, so that a replay can be told. */
  one_time_key: string | null;
  /** Of the newest token. */
  expires: number | null;
  /** When the newest token was used. */
  used: number | null;
  /** Port of the hub's loopback address that leads to the node's API. */
  reverse_port: number;
  /** Of the node's API; encrypted, see `seal.ts`. */
  api_token: Uint8Array | null;
  /** Which key opens the token, as in credentials. */
  key_id: string | null;
  hostname: string | null;
  version: string | null;
  created: number;
  enrolled: number | null;
  last_seen: number | null;
  /** Null: not connected. */
  connected_since: number | null;
  /** Address and port from which it is, or was last, connected. */
  peer: string | null;
  /** Random id of the connection. */
  connection: string | null;
  /** What carries the disks of a connected node. */
  data: 'sshd' | 'builtin' | null;
  /** JSON, `ProcessIdentity` of the process at the hub's end. */
  connection_owner: string | null;
  revoked: number | null;
  /** JSON, see `node-machines.ts`. */
  machines: string | null;
}

/** One row, made with the database: what was sealed for one database does not open in another. */
export interface IdentityTable {
  id: string;
}

export interface CredentialsTable {
  /** Random; what is sealed is bound to it. */
  id: string;
  name: string;
  /** Encrypted, see `sealed-credential.ts`. */
  sealed: Uint8Array;
  /** Which key opens it: the first 16 hex digits of its SHA-256. */
  key_id: string;
  created: number;
  updated: number;
}

/** Restore points whose files are read, of runs that go on. */
export interface RestoreMountsTable {
  run_id: string;
  repository: string;
  context: string;
  backup_id: string;
  opened: number;
}

/** Daemons that begin what schedules say. */
export interface DaemonsTable {
  /** JSON, `ProcessIdentity`. */
  owner: string;
  /** Where its number means that. */
  place: string;
  /** Absolute: of its plans. */
  folder: string;
  begun: number;
}

/** Who read which files of restore points: never changed, and kept when the restore point goes. */
export interface FileReadsTable {
  id: Generated<number>;
  at: number;
  /** Null: it goes on, or its process died. */
  ended: number | null;
  run_id: string;
  who: string;
  /** Null: by no address, as commands of the machine. */
  address: string | null;
  repository: string;
  context: string;
  backup_id: string;
  action: 'open' | 'unlock' | 'search' | 'compare' | 'download' | 'archive' | 'close';
  volume: string | null;
  /** Bytes of the path in the volume. */
  path: Buffer | null;
  /** That were handed over; of one that has ended. */
  bytes: number | null;
  /** Code of what went wrong. */
  error: string | null;
}

export interface SchedulesTable {
  plan: string;
  file: string;
  /** The last text of the plan that was valid. */
  text: string;
  /** From when on its slots count. */
  since: number;
  /** JSON: why the file as it is now is not in force; null: it is. */
  error: string | null;
  paused: number | null;
  pause_reason: string | null;
  /** Failed runs one after another. */
  failures: number;
  /** When its file was seen to be gone. */
  removed: number | null;
  /** JSON, `ScheduledPlan` of the text; null: no text of the plan was ever valid. */
  facts: string | null;
  /** What tells that the file is still that of the text: modification time, size and inode. */
  stamp: string | null;
}

/** Plan files that are not in force, because another file has a plan of the same name. */
export interface DuplicatePlansTable {
  file: string;
  plan: string;
  /** JSON */
  error: string;
}

export interface ScheduleSlotsTable {
  plan: string;
  /** When it was due. */
  slot: number;
  /** `SlotState` in `schedules.ts`. */
  state: string;
  reason: string | null;
  trigger: string;
  /** Of the plan. */
  kind: string;
  node: string | null;
  repository: string | null;
  /** Given before the run begins. */
  run_id: string | null;
  /** JSON, `ProcessIdentity` of who took it: the daemon, then the run's process. */
  owner: string | null;
  decided: number;
}

/** How far the slots of a plan are decided. */
export interface ScheduleProgressTable {
  plan: string;
  /** The newest slot that was decided; put back when the clock is. */
  decided_until: number;
}

/** One row: what the clock showed when it was looked at last. */
export interface ClockLooksTable {
  one: 1;
  boot_id: string;
  /** How far the clock was ahead of the time since boot. */
  ahead_of_boot: number;
  seen: number;
  /** The latest that it has shown while it was believed. */
  latest: number;
  /** How long after boot it was set so far ahead that it is not believed for a while; null: it was not. */
  doubted: number | null;
}

/** A copy of the `.marks` files in the repository, which count. */
export interface PointMarksTable {
  repository: string;
  context: string;
  backup_id: string;
  /** JSON. */
  protected: string | null;
  /** JSON. */
  broken: string | null;
  /** JSON. */
  adopted: string | null;
  /** JSON. */
  used: string | null;
}

/** The last verification of each level. */
export interface VerificationsTable {
  repository: string;
  context: string;
  backup_id: string;
  level: string;
  finished: number;
  ok: number;
  run_id: string | null;
  bytes_read: number;
  detail: string | null;
}

/** Restore points that a run reads and that must stay meanwhile. */
export interface PointUsesTable {
  run_id: string;
  repository: string;
  context: string;
  backup_id: string;
  acquired: number;
}

/** VMs that run from a restore point, on overlays in a folder. The restore point stays as long as the row does, unless `moved`. */
export interface BootsTable {
  id: string;
  repository: string;
  context: string;
  backup_id: string;
  /** `moved`: all data is in its place, and the restore point is not needed any more. */
  state: 'starting' | 'up' | 'moved' | 'stopping';
  /** Absolute: overlays, sockets, logs. */
  folder: string;
  /** `thisPlace` of the processes. */
  place: string;
  /** JSON, `ProcessIdentity` of who changes it; null: nobody. */
  owner: string | null;
  /** JSON, `BootMachine`. */
  machine: string;
  /** JSON, `BootMove`; null: its data stays where it is. */
  move: string | null;
  /** Whether its servers are to be kept alive. */
  wanted: 'on' | 'off';
  /** Why we have paused the guest; null: we have not. */
  paused: string | null;
  started: number;
  started_by: string;
}

/** VMs of which restore points are being removed, or of which a removal that was cut off is to be finished. */
export interface MergesTable {
  repository: string;
  context: string;
  /** JSON, `ProcessIdentity` of who is at it; null: nobody. */
  owner: string | null;
  begun: number;
}

/** What somebody should hear of. */
export interface NoticesTable {
  /** In the order in which they were raised. */
  number: Generated<number>;
  id: string;
  event: string;
  plan: string | null;
  vm: string | null;
  repository: string | null;
  run_id: string | null;
  message: string;
  /** JSON. */
  details: string;
  raised: number;
  /** When it was given to the channels. */
  routed: number | null;
}

/** One notice for one channel. */
export interface DeliveriesTable {
  id: Generated<number>;
  notice: string;
  /** Name in the settings. */
  channel: string;
  event: string;
  /** Messages of a plan keep their order; '' where the notice is about none. */
  plan: string;
  state: 'waiting' | 'sent' | 'given-up';
  attempts: number;
  /** Not before; while it waits. */
  due: number;
  /** Why the last attempt failed, without secrets. */
  error: string | null;
  /** Random, of the attempt that goes on. */
  claim: string | null;
  /** JSON, `ProcessIdentity` of who makes it. */
  claim_owner: string | null;
  claim_expires: number | null;
  finished: number | null;
}

/** How it goes with a channel; no row: nothing was sent yet. */
export interface ChannelsTable {
  name: string;
  last_success: number | null;
  failing_since: number | null;
  /** Failed attempts one after another. */
  failures: number;
  error: string | null;
  /** When the other channels were last told. */
  reported: number | null;
}

/** Processes that deliver notices as long as they live. */
export interface DeliverersTable {
  /** JSON, `ProcessIdentity`. */
  owner: string;
  since: number;
}

/** How it goes with a plan, also after its runs were summarised. */
export interface PlanHealthTable {
  plan: string;
  kind: string;
  vm: string;
  repository: string | null;
  file: string;
  /** JSON: `notify` of the plan; null: it has none. */
  notify: string | null;
  /** ms. */
  rpo: number | null;
  /** Since when it is known. */
  since: number;
  /** When its file was seen to be gone, or to hold a plan of another name. */
  removed: number | null;
  /** When it ended. */
  last_success: number | null;
  last_success_started: number | null;
  last_success_run: string | null;
  last_failure: number | null;
  last_failure_run: string | null;
  /** JSON, `schemas/output/error.json`; of the last failure. */
  last_error: string | null;
  /** Null: the last run did not fail. */
  failing_since: number | null;
  /** Failed runs one after another. */
  failures: number;
  /** Since when no success is young enough; null: one is, as far as was checked. */
  rpo_since: number | null;
  /** When that was last said. */
  rpo_raised: number | null;
}

/** What is left of runs that were forgotten: one row a day, plan and kind. */
export interface RunSummariesTable {
  plan: string;
  kind: string;
  /** 1: runs that a command made of its options; no plan's, whatever their name. */
  command: number;
  /** `2026-11-21`, UTC, of the end of the runs. */
  day: string;
  /** Those with warnings too. */
  succeeded: number;
  warned: number;
  failed: number;
  cancelled: number;
  crashed: number;
  /** Transferred. */
  bytes: number;
  duration_ms: number;
  longest_ms: number;
}

export interface UpkeepTable {
  /** `tidy`, or `copy` and the name of a repository. */
  task: string;
  begun: number;
  /** Null: it goes on, or its process died. */
  finished: number | null;
  /** JSON, `ProcessIdentity`. */
  owner: string;
  /** JSON: what it did. */
  detail: string | null;
}

export interface RepositoryIdsTable {
  name: string;
  /** As its marker says. */
  id: string;
}

/** VMs of which a prune cannot remove what no rule keeps, for a reason that does not pass by itself. */
export interface StuckPrunesTable {
  repository: string;
  context: string;
  /** Restore points that stay for it. */
  points: number;
  /** Why the first of them does. */
  reason: string;
  /** Since when each prune finds so; milliseconds since the epoch. */
  since: number;
}

/** Answers to requests with an `Idempotency-Key`. */
export interface RepeatsTable {
  caller: string;
  /** Id of the route, and what its path names. */
  route: string;
  key: string;
  /** SHA-256 of the body. */
  request: string;
  /** JSON: status, location, body. */
  answer: string;
  at: number;
}

/** Who may log in at the hub. */
export interface UsersTable {
  name: string;
  /** Its hash, with how it was made. */
  password: string;
  /** JSON, array of roles. */
  roles: string;
  /** JSON, array of patterns: only VMs that fit one; null: all. */
  vms: string | null;
  created: number;
  /** Password, roles, VMs, or whether the user may log in. */
  changed: number;
  /** Since when the user may not log in; null: may. */
  disabled: number | null;
  /** Who knows the password: this hub, or an identity provider. Then `password` is empty. */
  kind: 'local' | 'oidc';
  /** What an identity provider calls the user, with its address: JSON, `[issuer, subject]`. */
  subject: string | null;
}

/** Who is logged in. */
export interface SessionsTable {
  id: string;
  /** SHA-256 of what the browser has, in hex. */
  digest: string;
  user: string;
  created: number;
  /** When the password was typed last. */
  proven: number;
  /** The last use; at most a minute old while it is used. */
  used: number;
  /** Of the last use. */
  address: string | null;
  /** What the browser calls itself; of the last use. */
  agent: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  at: number;
  /** Null: it goes on, or its process died. */
  ended: number | null;
  /** Name of the user or token; empty: nobody that the hub knows. */
  who: string;
  /** How it is known who that is: `CallerKind`, or `command`. */
  caller: string;
  address: string | null;
  /** Id of the route, or what the command does. */
  action: string;
  /** JSON, texts by name. */
  facts: string;
  /** Of HTTP; null: it has none. */
  status: number | null;
  /** Code of the catalogue. */
  error: string | null;
}

export interface TokensTable {
  name: string;
  /** SHA-256 of the secret, hexadecimal. */
  digest: string;
  /** JSON, array of roles. */
  roles: string;
  /** JSON, array of patterns: only VMs that fit one; null: all. */
  vms: string | null;
  created: number;
  created_by: string;
  /** Null: never. */
  expires: number | null;
  used: number | null;
  address: string | null;
}
