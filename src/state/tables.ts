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
  schedule_slots: ScheduleSlotsTable;
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
  recoverer_pid: number | null;
  recoverer_start_time: string | null;
  recoverer_boot_id: string | null;
  started: number;
  finished: number | null;
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
  created: number;
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
  /** Relative to the manifest. */
  index_path: string;
  index_bytes: number;
  index_sha256: string;
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
  /** JSON, `ProcessIdentity` of the process at the hub's end. */
  connection_owner: string | null;
  revoked: number | null;
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

export interface RestoreMountsTable {
  id: string;
  repository: string;
  context: string;
  backup_id: string;
  disk_number: number;
  path: string;
  /** JSON, `ProcessIdentity`. */
  process: string | null;
  created: number;
  expires: number | null;
}

export interface ScheduleSlotsTable {
  plan: string;
  /** When it was due. */
  slot: number;
  run_id: string | null;
  outcome: string | null;
}
