/** One figure: what it is called, what it says, and its labels. All are gauges: what is so now. */
export interface Family {
  readonly help: string;
  readonly labels: readonly string[];
}

const plan = ['plan', 'vm', 'kind'] as const;
const vm = ['repository', 'vm'] as const;

/**
 * Every figure by name, as docs/monitoring.md lists them. Ages are not among them: they would be old when they are read;
 * `time() - …_timestamp_seconds` is one. Labels take the names of plans, VMs, repositories, channels, and words of ours.
 */
export const families = {
  sendense_info: { help: 'Always 1; the version is its label.', labels: ['version'] },
  sendense_figures_timestamp_seconds: { help: 'When these figures were taken.', labels: [] },
  sendense_series_left_out: {
    help: 'Plans and VMs that have no figures, because there are too many.',
    labels: [],
  },

  sendense_plan_last_success_timestamp_seconds: { help: 'When the last run that succeeded ended.', labels: plan },
  sendense_plan_last_run_timestamp_seconds: { help: 'When the last run ended, however it ended.', labels: plan },
  sendense_plan_last_run_success: { help: '1: the last run succeeded, with warnings or without.', labels: plan },
  sendense_plan_last_run_exit_code: { help: 'Exit status of the last run (docs/exit-codes.md).', labels: plan },
  sendense_plan_last_run_warnings: { help: 'Warnings of the last run.', labels: plan },
  sendense_plan_last_run_duration_seconds: { help: 'How long the last run took.', labels: plan },
  sendense_plan_last_run_transferred_bytes: {
    help: 'What the changes of the last run cover, holes included.',
    labels: plan,
  },
  sendense_plan_last_run_read_bytes: { help: 'Data that the last run read from the source.', labels: plan },
  sendense_plan_last_run_sent_bytes: { help: 'Data that the last run sent to the repository.', labels: plan },
  sendense_plan_last_run_stored_bytes: { help: 'What the qcow2 files of the last run take.', labels: plan },

  sendense_in_future: {
    help: 'Successes, slots or newest restore points that are dated later than the clock.',
    labels: ['what'],
  },

  sendense_plan_rpo_seconds: { help: 'The rpo of the plan; none: it has none.', labels: ['plan'] },
  sendense_plan_rpo_breached: { help: '1: no success within the rpo of the plan.', labels: ['plan'] },
  sendense_plan_failures: { help: 'Failures since the last success.', labels: ['plan'] },
  sendense_plan_missed_slots: {
    help: 'Slots of the schedule that were missed since the last success.',
    labels: ['plan'],
  },
  sendense_plan_paused: { help: '1: the schedule of the plan is paused.', labels: ['plan'] },

  sendense_vm_points: { help: 'Restore points.', labels: vm },
  sendense_vm_protected_points: { help: 'Restore points that retention must not remove.', labels: vm },
  sendense_vm_broken_points: { help: 'Restore points that a verification found to be broken.', labels: vm },
  sendense_vm_unverified_points: { help: 'Restore points that no verification has found sound.', labels: vm },
  sendense_vm_newest_point_timestamp_seconds: { help: 'When the newest restore point was made.', labels: vm },
  sendense_vm_last_verification_timestamp_seconds: {
    help: 'When a verification last found a restore point sound.',
    labels: vm,
  },
  sendense_vm_chain_length: { help: 'Files in the chain of the newest restore point.', labels: vm },
  sendense_vm_stored_bytes: { help: 'Size of the files of all restore points.', labels: vm },

  sendense_repository_up: { help: '1: the repository is there and can be read.', labels: ['repository'] },
  sendense_repository_size_bytes: { help: 'Size of its file system.', labels: ['repository'] },
  sendense_repository_free_bytes: { help: 'What can still be written to its file system.', labels: ['repository'] },
  sendense_repository_min_free_bytes: { help: '`minFree` of the settings.', labels: ['repository'] },
  sendense_repository_quota_bytes: { help: '`quota` of the settings; none: it has none.', labels: ['repository'] },
  sendense_repository_stored_bytes: { help: 'Size of the files of all restore points.', labels: ['repository'] },
  sendense_repository_points: { help: 'Restore points.', labels: ['repository'] },

  sendense_repository_oldest_read_timestamp_seconds: {
    help: 'When the files of the restore point that was read longest ago were read.',
    labels: ['repository'],
  },
  sendense_repository_late_points: {
    help: 'Restore points whose files were not read again within `rereadWithin` of the settings.',
    labels: ['repository'],
  },

  sendense_runs_active: { help: 'Runs that go on, by what they do.', labels: ['status'] },
  sendense_slots_waiting: { help: 'Slots of schedules that wait for their run to be admitted.', labels: [] },
  sendense_ports: { help: 'NBD ports that there are.', labels: [] },
  sendense_ports_leased: { help: 'NBD ports that are leased.', labels: [] },

  sendense_notice_deliveries: { help: 'Notices for channels that wait, or were given up.', labels: ['state'] },
  sendense_channel_failing: { help: '1: the last notice could not be delivered to the channel.', labels: ['channel'] },

  sendense_state_bytes: { help: 'Size of the state database.', labels: [] },
  sendense_upkeep_timestamp_seconds: { help: 'When the upkeep last did this.', labels: ['task'] },
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof families;

export interface Sample {
  readonly name: FamilyName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
