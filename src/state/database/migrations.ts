/**
 * One entry for each version of the database, oldest first; `PRAGMA user_version` holds how many were applied. An entry
 * that was released is never changed: append a new one. `tables.ts` describes the result.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    plan TEXT NOT NULL,
    kind TEXT NOT NULL,
    vm TEXT NOT NULL,
    plan_file TEXT NOT NULL,
    plan_folder TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'crashed')),
    unclean INTEGER NOT NULL DEFAULT 0 CHECK (unclean IN (0, 1)),
    published INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1)),
    exit_code INTEGER,
    result TEXT CHECK (json_valid(result)),
    error TEXT CHECK (json_valid(error)),
    warnings TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(warnings)),
    owner_pid INTEGER NOT NULL,
    owner_start_time TEXT NOT NULL,
    owner_boot_id TEXT NOT NULL,
    recoverer_pid INTEGER,
    recoverer_start_time TEXT,
    recoverer_boot_id TEXT,
    started INTEGER NOT NULL,
    finished INTEGER,
    CHECK ((finished IS NULL) = (status IN ('running', 'unwinding')))
  ) STRICT;
  CREATE INDEX runs_started ON runs (started);
  CREATE INDEX runs_open ON runs (id) WHERE finished IS NULL OR unclean = 1;

  CREATE TABLE steps (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    step_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    uses TEXT NOT NULL,
    state TEXT NOT NULL
      CHECK (state IN ('started', 'succeeded', 'failed', 'undo_started', 'undo_finished', 'undo_failed')),
    attempt INTEGER NOT NULL,
    claim TEXT NOT NULL CHECK (json_valid(claim)),
    output TEXT CHECK (json_valid(output)),
    error TEXT CHECK (json_valid(error)),
    undo_error TEXT CHECK (json_valid(undo_error)),
    started INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (run_id, step_id),
    UNIQUE (run_id, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE step_events (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    event TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    time INTEGER NOT NULL,
    FOREIGN KEY (run_id, step_id) REFERENCES steps ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX step_events_step ON step_events (run_id, step_id);

  CREATE TABLE step_facts (
    run_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL CHECK (json_valid(value)),
    PRIMARY KEY (run_id, step_id, name),
    FOREIGN KEY (run_id, step_id) REFERENCES steps ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    acquired INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX locks_run ON locks (run_id);

  CREATE TABLE port_leases (
    port INTEGER NOT NULL PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    step_id TEXT NOT NULL,
    leased INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX port_leases_run ON port_leases (run_id, step_id);

  CREATE TABLE vm_contexts (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    vm_name TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (repository, context)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE vm_disks (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    uuid TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (repository, context, uuid),
    UNIQUE (repository, context, number),
    FOREIGN KEY (repository, context) REFERENCES vm_contexts ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE backups (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('full', 'incremental')),
    plan TEXT,
    run_id TEXT NOT NULL,
    parent TEXT,
    started INTEGER NOT NULL,
    created INTEGER NOT NULL,
    producer_version TEXT NOT NULL,
    qemu_version TEXT NOT NULL,
    removed_disks TEXT NOT NULL CHECK (json_valid(removed_disks)),
    warnings TEXT NOT NULL CHECK (json_valid(warnings)),
    checksum TEXT NOT NULL,
    PRIMARY KEY (repository, context, backup_id),
    FOREIGN KEY (repository, context) REFERENCES vm_contexts ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX backups_created ON backups (repository, context, created);
  CREATE INDEX backups_run ON backups (run_id);

  CREATE TABLE backup_disks (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    source_path TEXT NOT NULL,
    source_format TEXT NOT NULL,
    capacity_bytes INTEGER NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('full', 'incremental')),
    method TEXT NOT NULL CHECK (method IN ('full', 'areas', 'digest')),
    reason TEXT NOT NULL,
    parent TEXT,
    path TEXT NOT NULL,
    file_bytes INTEGER NOT NULL,
    file_mtime_ns TEXT NOT NULL,
    digest TEXT NOT NULL,
    change_id TEXT,
    bytes_transferred INTEGER NOT NULL,
    index_path TEXT NOT NULL,
    index_bytes INTEGER NOT NULL,
    index_sha256 TEXT NOT NULL,
    PRIMARY KEY (repository, context, backup_id, number),
    FOREIGN KEY (repository, context, backup_id) REFERENCES backups ON DELETE CASCADE,
    FOREIGN KEY (repository, context, uuid) REFERENCES vm_disks ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX backup_disks_parent ON backup_disks (repository, context, parent);
  CREATE INDEX backup_disks_uuid ON backup_disks (repository, context, uuid);

  CREATE TABLE nodes (
    name TEXT NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL,
    address TEXT,
    host_key TEXT,
    enrolled INTEGER NOT NULL,
    last_seen INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE credentials (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE restore_mounts (
    id TEXT NOT NULL PRIMARY KEY,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    disk_number INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    process TEXT CHECK (json_valid(process)),
    created INTEGER NOT NULL,
    expires INTEGER,
    FOREIGN KEY (repository, context, backup_id, disk_number) REFERENCES backup_disks
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX restore_mounts_disk ON restore_mounts (repository, context, backup_id, disk_number);

  CREATE TABLE schedule_slots (
    plan TEXT NOT NULL,
    slot INTEGER NOT NULL,
    run_id TEXT REFERENCES runs ON DELETE SET NULL,
    outcome TEXT,
    PRIMARY KEY (plan, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX schedule_slots_run ON schedule_slots (run_id);
  `,
  // No release before this one wrote credentials.
  `
  CREATE TABLE identity (
    id TEXT NOT NULL
  ) STRICT;
  INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))));

  DROP TABLE credentials;
  CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE backups ADD COLUMN vm_instance_uuid TEXT;
  ALTER TABLE backups ADD COLUMN vm_path TEXT;
  ALTER TABLE backups ADD COLUMN vm_config TEXT CHECK (json_valid(vm_config));
  ALTER TABLE backups ADD COLUMN snapshot TEXT CHECK (json_valid(snapshot));
  ALTER TABLE backups ADD COLUMN not_protected TEXT CHECK (json_valid(not_protected));
  `,
  // No release before this one wrote nodes. A lease has the node that may reach its port from afar.
  `
  DROP TABLE nodes;
  CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    public_key TEXT UNIQUE,
    one_time_key TEXT UNIQUE,
    expires INTEGER,
    used INTEGER,
    reverse_port INTEGER NOT NULL UNIQUE CHECK (reverse_port BETWEEN 1 AND 65535),
    api_token BLOB,
    key_id TEXT,
    hostname TEXT,
    version TEXT,
    created INTEGER NOT NULL,
    enrolled INTEGER,
    last_seen INTEGER,
    connected_since INTEGER,
    peer TEXT,
    connection TEXT,
    connection_owner TEXT CHECK (json_valid(connection_owner)),
    revoked INTEGER,
    CHECK ((public_key IS NULL) = (enrolled IS NULL)),
    CHECK ((api_token IS NULL) = (key_id IS NULL))
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE port_leases ADD COLUMN node TEXT;
  `,
  // No release before this one wrote schedule_slots.
  `
  ALTER TABLE runs ADD COLUMN trigger TEXT NOT NULL DEFAULT 'manual';
  ALTER TABLE runs ADD COLUMN slot INTEGER;
  ALTER TABLE runs ADD COLUMN parent_run TEXT REFERENCES runs ON DELETE SET NULL;
  ALTER TABLE runs ADD COLUMN node TEXT;
  ALTER TABLE runs ADD COLUMN repository TEXT;
  CREATE INDEX runs_plan ON runs (plan, started);
  CREATE INDEX runs_parent ON runs (parent_run) WHERE parent_run IS NOT NULL;

  DROP TABLE schedule_slots;
  CREATE TABLE schedules (
    plan TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    text TEXT NOT NULL,
    since INTEGER NOT NULL,
    error TEXT CHECK (json_valid(error)),
    paused INTEGER,
    pause_reason TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    removed INTEGER,
    facts TEXT CHECK (json_valid(facts)),
    stamp TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE schedule_slots (
    plan TEXT NOT NULL,
    slot INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    trigger TEXT NOT NULL,
    kind TEXT NOT NULL,
    node TEXT,
    repository TEXT,
    run_id TEXT,
    owner TEXT CHECK (json_valid(owner)),
    decided INTEGER NOT NULL,
    PRIMARY KEY (plan, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX schedule_slots_slot ON schedule_slots (slot);
  CREATE INDEX schedule_slots_missed ON schedule_slots (plan, slot) WHERE state = 'missed';
  CREATE INDEX schedule_slots_open ON schedule_slots (state) WHERE state IN ('waiting', 'claimed', 'running');

  ALTER TABLE backup_disks ADD COLUMN envelope TEXT;
  ALTER TABLE backup_disks ADD COLUMN encryption TEXT CHECK (json_valid(encryption));
  ALTER TABLE backup_disks ADD COLUMN compression TEXT CHECK (json_valid(compression));

  CREATE TABLE point_marks (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    protected TEXT CHECK (json_valid(protected)),
    broken TEXT CHECK (json_valid(broken)),
    PRIMARY KEY (repository, context, backup_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE verifications (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    level TEXT NOT NULL,
    finished INTEGER NOT NULL,
    ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
    run_id TEXT,
    bytes_read INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (repository, context, backup_id, level),
    FOREIGN KEY (repository, context, backup_id) REFERENCES backups ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE point_uses (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    acquired INTEGER NOT NULL,
    PRIMARY KEY (run_id, repository, context, backup_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX point_uses_point ON point_uses (repository, context, backup_id);
  CREATE TABLE merges (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    owner TEXT CHECK (json_valid(owner)),
    begun INTEGER NOT NULL,
    PRIMARY KEY (repository, context)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    plan TEXT,
    vm TEXT,
    repository TEXT,
    run_id TEXT,
    message TEXT NOT NULL,
    details TEXT NOT NULL CHECK (json_valid(details)),
    raised INTEGER NOT NULL,
    routed INTEGER
  ) STRICT;
  CREATE INDEX notices_unrouted ON notices (number) WHERE routed IS NULL;
  CREATE INDEX notices_raised ON notices (raised);
  CREATE INDEX notices_run ON notices (run_id) WHERE run_id IS NOT NULL;
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    notice TEXT NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    event TEXT NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given-up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    error TEXT,
    claim TEXT,
    claim_owner TEXT CHECK (json_valid(claim_owner)),
    claim_expires INTEGER,
    finished INTEGER,
    UNIQUE (notice, channel)
  ) STRICT;
  CREATE INDEX deliveries_state ON deliveries (state, channel, id);
  CREATE INDEX deliveries_event ON deliveries (channel, event, state, finished);
  CREATE TABLE channels (
    name TEXT NOT NULL PRIMARY KEY,
    last_success INTEGER,
    failing_since INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    reported INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE deliverers (
    owner TEXT NOT NULL PRIMARY KEY CHECK (json_valid(owner)),
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE plan_health (
    plan TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    vm TEXT NOT NULL,
    repository TEXT,
    file TEXT NOT NULL,
    notify TEXT CHECK (json_valid(notify)),
    rpo INTEGER,
    since INTEGER NOT NULL,
    removed INTEGER,
    last_success INTEGER,
    last_success_started INTEGER,
    last_success_run TEXT,
    last_failure INTEGER,
    last_failure_run TEXT,
    last_error TEXT CHECK (json_valid(last_error)),
    failing_since INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    rpo_since INTEGER,
    rpo_raised INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX plan_health_file ON plan_health (file);
  INSERT INTO plan_health (plan, kind, vm, file, since, last_success, last_success_started, last_success_run)
    SELECT plan, kind, vm, plan_file, min(started),
      max(finished) FILTER (WHERE status = 'succeeded'), max(started) FILTER (WHERE status = 'succeeded'),
      (SELECT id FROM runs AS last WHERE last.plan = runs.plan AND status = 'succeeded' ORDER BY started DESC LIMIT 1)
    FROM runs WHERE kind <> 'restore' GROUP BY plan;

  CREATE INDEX runs_ends ON runs (plan, vm, kind, status, finished);
  CREATE TABLE run_summaries (
    plan TEXT NOT NULL,
    kind TEXT NOT NULL,
    day TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    crashed INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    longest_ms INTEGER NOT NULL,
    PRIMARY KEY (plan, kind, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE upkeep (
    task TEXT NOT NULL PRIMARY KEY,
    begun INTEGER NOT NULL,
    finished INTEGER,
    owner TEXT NOT NULL CHECK (json_valid(owner)),
    detail TEXT CHECK (json_valid(detail))
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE duplicate_plans (
    file TEXT NOT NULL PRIMARY KEY,
    plan TEXT NOT NULL,
    error TEXT NOT NULL CHECK (json_valid(error))
  ) STRICT, WITHOUT ROWID;
  `,
  // What carries the data of a connected node.
  `
  ALTER TABLE nodes ADD COLUMN data TEXT CHECK (data IN ('sshd', 'builtin'));
  `,
  // Runs of commands have days of their own. Those that are in the days of a plan of their name can be told no more.
  `
  CREATE TABLE summed_runs (
    plan TEXT NOT NULL,
    kind TEXT NOT NULL,
    command INTEGER NOT NULL CHECK (command IN (0, 1)),
    day TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    crashed INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    longest_ms INTEGER NOT NULL,
    PRIMARY KEY (plan, kind, command, day)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO summed_runs
    SELECT plan, kind, 0, day, succeeded, warned, failed, cancelled, crashed, bytes, duration_ms, longest_ms
    FROM run_summaries;
  DROP TABLE run_summaries;
  ALTER TABLE summed_runs RENAME TO run_summaries;
  `,
  // How far the slots of each plan are decided, as the clock is now; the last look at the clock.
  `
  CREATE TABLE schedule_progress (
    plan TEXT NOT NULL PRIMARY KEY,
    decided_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO schedule_progress SELECT plan, max(slot) FROM schedule_slots GROUP BY plan;
  CREATE TABLE clock_looks (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    boot_id TEXT NOT NULL,
    ahead_of_boot INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    doubted INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  // The order of restore points, apart from their times.
  `
  ALTER TABLE backups ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
  UPDATE backups SET sequence = created;
  DROP INDEX backups_created;
  CREATE INDEX backups_sequence ON backups (repository, context, sequence);
  `,
  // Which machine has the key of a node, and which other one was seen with it.
  `
  ALTER TABLE nodes ADD COLUMN machines TEXT CHECK (json_valid(machines));
  `,
  // Which VM somebody has said that a restore point counts as one of.
  `
  ALTER TABLE point_marks ADD COLUMN adopted TEXT CHECK (json_valid(adopted));
  `,
  // Which repository is known by which name, for the day on which its marker is lost.
  `
  CREATE TABLE repository_ids (
    name TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // What was read and sent for a disk; null where the manifest does not say.
  `
  ALTER TABLE backup_disks ADD COLUMN bytes_read INTEGER;
  ALTER TABLE backup_disks ADD COLUMN bytes_sent INTEGER;
  `,
  // Where the owner of a run can be looked for: one boot of one kernel, one pid namespace.
  `
  ALTER TABLE runs ADD COLUMN owner_place TEXT;
  `,
  // What the last prune of a VM could not remove, for a reason that does not pass by itself.
  `
  CREATE TABLE stuck_prunes (
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    points INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (repository, context)
  ) STRICT, WITHOUT ROWID;
  `,
  // Restore points whose files are read, and who read what. No release before this one wrote restore_mounts.
  `
  DROP TABLE restore_mounts;
  CREATE TABLE restore_mounts (
    run_id TEXT NOT NULL PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    opened INTEGER NOT NULL,
    FOREIGN KEY (repository, context, backup_id) REFERENCES backups ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX restore_mounts_point ON restore_mounts (repository, context, backup_id);
  CREATE TABLE file_reads (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    who TEXT NOT NULL,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('open', 'unlock', 'search', 'download', 'archive', 'close')),
    volume TEXT,
    path BLOB,
    bytes INTEGER,
    error TEXT
  ) STRICT;
  CREATE INDEX file_reads_at ON file_reads (at);
  `,
  // A read is written down when it begins, so that none is missing whose process died. The rows outlive their restore points: they say
  // who read what. No file of a repository has them; without the database they are lost.
  `
  CREATE TABLE file_reads_2 (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    ended INTEGER,
    run_id TEXT NOT NULL,
    who TEXT NOT NULL,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('open', 'unlock', 'search', 'compare', 'download', 'archive', 'close')),
    volume TEXT,
    path BLOB,
    bytes INTEGER,
    error TEXT
  ) STRICT;
  INSERT INTO file_reads_2 (id, at, ended, run_id, who, repository, context, backup_id, action, volume, path, bytes, error)
    SELECT id, at, at, run_id, who, repository, context, backup_id, action, volume, path, bytes, error FROM file_reads;
  DROP TABLE file_reads;
  ALTER TABLE file_reads_2 RENAME TO file_reads;
  CREATE INDEX file_reads_at ON file_reads (at);
  CREATE INDEX file_reads_open ON file_reads (run_id) WHERE ended IS NULL;
  `,
  // VMs that run from restore points. No file of a repository has them; without the database, the folder of each holds what its guest wrote.
  `
  CREATE TABLE boots (
    id TEXT NOT NULL PRIMARY KEY,
    repository TEXT NOT NULL,
    context TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('starting', 'up', 'moved', 'stopping')),
    folder TEXT NOT NULL,
    place TEXT NOT NULL,
    owner TEXT CHECK (json_valid(owner)),
    machine TEXT NOT NULL CHECK (json_valid(machine)),
    move TEXT CHECK (json_valid(move)),
    wanted TEXT NOT NULL CHECK (wanted IN ('on', 'off')),
    paused TEXT,
    started INTEGER NOT NULL,
    started_by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX boots_point ON boots (repository, context, backup_id);
  `,
  // Restore points that `boot keep` made. The manifests have it: `repo import` enters it again.
  `
  ALTER TABLE backups ADD COLUMN kept TEXT CHECK (json_valid(kept));
  `,
  // Answers to requests that begin something and have a key: who asks again gets the same answer, and nothing begins twice.
  `
  CREATE TABLE repeats (
    caller TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (json_valid(answer)),
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, route, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX repeats_at ON repeats (at);
  `,
  // What the lists of the API are sorted by.
  `
  CREATE INDEX backups_created ON backups (created, backup_id, repository, context);
  CREATE INDEX runs_vm ON runs (vm, started);
  CREATE INDEX runs_status ON runs (status, started);
  `,
  // Who may log in at the hub, and who has. Copies in repositories have neither: after a loss of the database, add the users again.
  `
  CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    password TEXT NOT NULL,
    roles TEXT NOT NULL CHECK (json_valid(roles)),
    vms TEXT CHECK (json_valid(vms)),
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    created INTEGER NOT NULL,
    proven INTEGER NOT NULL,
    used INTEGER NOT NULL,
    address TEXT,
    agent TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_user ON sessions (user);
  `,
  // What was asked of the API that changes something, and who logged in. No file of a repository has it; a copy of the database does.
  `
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    ended INTEGER,
    who TEXT NOT NULL,
    caller TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    facts TEXT NOT NULL CHECK (json_valid(facts)),
    status INTEGER,
    error TEXT
  ) STRICT;
  CREATE INDEX audit_at ON audit (at);
  `,
  // What scripts call the API with. Copies in repositories have none: after a loss of the database, make new ones.
  `
  CREATE TABLE tokens (
    name TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    roles TEXT NOT NULL CHECK (json_valid(roles)),
    vms TEXT CHECK (json_valid(vms)),
    created INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires INTEGER,
    used INTEGER,
    address TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  // Users that may not log in for now, and those whom an identity provider knows: they have no password here.
  `
  ALTER TABLE users ADD COLUMN disabled INTEGER;
  ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'local' CHECK (kind IN ('local', 'oidc'));
  ALTER TABLE users ADD COLUMN subject TEXT;
  CREATE UNIQUE INDEX users_subject ON users (subject);
  `,
  // Which VMs of any hub run from a restore point, as its file of marks says.
  `
  ALTER TABLE point_marks ADD COLUMN used TEXT CHECK (json_valid(used));
  `,
  // Of restores in place, as the manifests say it.
  `
  ALTER TABLE backups ADD COLUMN before_restore TEXT;
  ALTER TABLE backups ADD COLUMN restored_in_place TEXT;
  `,
  // The newest days of the history, and the oldest runs, which are forgotten first.
  `
  CREATE INDEX runs_finished ON runs (finished) WHERE finished IS NOT NULL;
  `,
  // Whose request to the API of the hub began a run, and whose stopped it.
  `
  ALTER TABLE runs ADD COLUMN asked_by TEXT;
  ALTER TABLE runs ADD COLUMN stopped_by TEXT;
  `,
  // Where who reads files of restore points called from.
  `
  ALTER TABLE file_reads ADD COLUMN address TEXT;
  `,
  // Daemons that begin what schedules say. One that died is seen to be gone by its process.
  `
  CREATE TABLE daemons (
    owner TEXT NOT NULL PRIMARY KEY CHECK (json_valid(owner)),
    place TEXT NOT NULL,
    folder TEXT NOT NULL,
    begun INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];
