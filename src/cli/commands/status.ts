import type { CommandDefinition } from '../command.ts';

export const status: CommandDefinition = {
  name: 'status',
  summary: 'Show the state of plans, runs, locks and port leases',
  description: [
    'Shows each plan with the age of its last success against its `rpo:`, and plans that run, fail, are late or paused. Shows notice channels that do not work. Shows the last runs with their results, which runs are active, the locks that they hold and the ports that they lease. It marks a run whose process is gone: `sendense-run recover` cleans up after it.',
    'Shows for each repository when its files were last read again (`rereadWithin` of the settings, docs/verification.md).',
    'Ends with 1 if something is wrong, otherwise with 0. Something is wrong if a plan has no success within its rpo, its last run failed, or its file is invalid or gone. The same holds if files of a repository were not read again in time, if the retention of a VM is stuck, or if something is dated in the future.',
    '--format nagios prints one line and ends as plugins for Nagios and Icinga do: 0 OK, 1 WARNING (a plan fails or is paused, its file is gone, a slot was missed, files were not read again in time, a channel does not work, a crashed run was not cleaned up, a run left a snapshot, retention is stuck, or sendense.yaml lacks a repository), 2 CRITICAL (no success within the rpo, or something is dated in the future), 3 UNKNOWN.',
  ],
  arguments: [],
  options: [
    {
      flags: '-f, --format <format>',
      description: 'format of the output',
      choices: ['table', 'json', 'nagios'],
      default: 'table',
    },
    {
      flags: '--plans <folder>',
      description: 'only the plans of this folder, including those that never ran',
      completes: 'folders',
    },
    { flags: '--vm <name>', description: 'only this VM', completes: 'known-vms' },
  ],
  examples: [
    { command: 'sendense-run status', description: 'Everything' },
    {
      command: 'sendense-run status --format nagios --plans /etc/sendense/plans',
      description: 'For a monitoring system',
    },
    {
      command: 'sendense-run status --json | jq \'.runs[] | select(.status == "failed") | .error.message\'',
      description: 'Why runs failed, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['recover', 'run', 'notify'],
  load: () => import('../actions/status.ts'),
};
